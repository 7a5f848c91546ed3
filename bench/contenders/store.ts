/** This library as a store: the ledger's operations without meter, prices and events. */
import { randomId } from "../../src/ledger/operation-id.ts";
import type { ReserveOperation, SettleOperation, Store } from "../../src/ledger/store.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { chainOf } from "./chain.ts";
import { closeConnections, openConnections } from "./connections.ts";
import { at, type Contender, warmConnections } from "./contender.ts";

const HELD = { nanoUsd: 2_500, tokens: 500, requests: 1 };
const SPENT = { nanoUsd: 1_200, tokens: 300, requests: 1 };

/** Reserves alone, over TCP. */
export async function storeReserve(
  redisUrl: string,
  connections: number,
  scopes: number,
): Promise<Contender> {
  const clients = await openConnections(redisUrl, connections);
  const stores = clients.map((client) => redisStore(tcpTransport(client, { storeTimeoutMs: 10_000 })));
  const call = async (connection: number) => {
    await reserve(at(stores, connection), reserveOf(scopes));
  };
  return {
    name: `Store.reserve, ${scopesText(scopes)}`,
    call,
    warm: () => warmConnections(connections, call),
    close: () => closeConnections(clients),
  };
}

export async function reserve(store: Store, operation: ReserveOperation): Promise<void> {
  const { outcome } = await store.reserve(operation);
  if (outcome !== "held") throw new Error(`A reserve was ${outcome}.`);
}

export async function settle(store: Store, operation: SettleOperation): Promise<void> {
  const { outcome } = await store.settle(operation);
  if (outcome !== "booked") throw new Error(`A settle was ${outcome}.`);
}

export function reserveOf(scopes: number): ReserveOperation {
  return {
    namespace: "bench",
    chain: chainOf(scopes),
    id: randomId(),
    argumentsHash: "0123456789abcdef",
    retentionSeconds: 86_400,
    attempt: randomId(),
    requested: HELD,
    expiresInSeconds: 600,
  };
}

export function settleOf(held: ReserveOperation): SettleOperation {
  return {
    ...held,
    argumentsHash: "fedcba9876543210",
    retentionSeconds: 900,
    source: "reported",
    actual: SPENT,
    model: "openai/gpt-4o-mini",
    tokenKinds: [200, 0, 0, 0, 100],
    alertThresholds: [],
  };
}

export const scopesText = (scopes: number): string => (scopes === 1 ? "1 scope" : `${scopes} scopes`);
