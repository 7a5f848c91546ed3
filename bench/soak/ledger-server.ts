/** A Redis with a store over several connections, and the calls that fill and measure it. */
import { Redis } from "ioredis";
import { randomId } from "../../src/ledger/operation-id.ts";
import type { ChainLink, Store, WindowLimits } from "../../src/ledger/store.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { startRedisServer } from "../../test/support/redis-server.ts";
import { tcpWire } from "../wires.ts";

export const NAMESPACE = "soak";

export interface LedgerServer {
  observer: Redis;
  /** By the caller's clock, which a filling moves; all its calls share a connection. */
  store: Store;
  /** By the server's clock, over a connection each, one command in flight. */
  callers: Store[];
  /** What {@link store} takes for now, in milliseconds. */
  clock: { nowMs: number };
  close(): Promise<void>;
}

export async function startLedgerServer(callers: number): Promise<LedgerServer> {
  const server = await startRedisServer();
  const observer = new Redis(server.url);
  const wire = await tcpWire(server.url, callers);
  const clock = { nowMs: Date.now() };
  const transport = tcpTransport(server.url, { storeTimeoutMs: 60_000 });
  const store = redisStore(transport, { localClock: () => clock.nowMs });
  return {
    observer,
    store,
    callers: wire.callers.map((caller) => caller.store),
    clock,
    close: async () => {
      await Promise.all([store.close?.(), wire.close(), observer.quit()]);
      await server.stop();
    },
  };
}

/** Three budgets that are never reached. */
export function linkOf(scope: string): ChainLink {
  const none = { nanoUsd: null, tokens: null, requests: null };
  const limits = (["hour", "day", "month"] as const).map(
    (window): WindowLimits => ({ window, hard: { ...none, nanoUsd: 1e15 }, soft: none }),
  );
  return { scope, limits };
}

/** Reserves one call of this scope. @returns its id. */
export async function reserve(store: Store, scope: string, expiresInSeconds: number): Promise<string> {
  const id = randomId();
  const { outcome } = await store.reserve({
    ...operationOf(scope, id),
    retentionSeconds: 86_400,
    attempt: randomId(),
    requested: { nanoUsd: 2_500, tokens: 500, requests: 1 },
    expiresInSeconds,
  });
  if (outcome !== "held") throw new Error(`A reserve was ${outcome}.`);
  return id;
}

export async function settle(store: Store, scope: string, id: string): Promise<void> {
  const { outcome } = await store.settle({
    ...operationOf(scope, id),
    retentionSeconds: 900,
    source: "reported",
    actual: { nanoUsd: 1_200, tokens: 300, requests: 1 },
    model: "openai/gpt-4o-mini",
    tokenKinds: [200, 0, 0, 0, 100],
    alertThresholds: [],
  });
  if (outcome !== "booked") throw new Error(`A settle was ${outcome}.`);
}

/** A call that is spent at once. */
export async function record(store: Store, scope: string, model: string): Promise<void> {
  const { outcome } = await store.record({
    ...operationOf(scope, randomId()),
    retentionSeconds: 900,
    actual: { nanoUsd: 1_200, tokens: 300, requests: 1 },
    model,
    tokenKinds: [200, 0, 0, 0, 100],
    alertThresholds: [],
  });
  if (outcome !== "booked") throw new Error(`A record was ${outcome}.`);
}

/** Runs as many at a time as one connection carries well. */
export async function inParallel(count: number, run: (place: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await run(next - 1);
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
}

function operationOf(scope: string, id: string) {
  return { namespace: NAMESPACE, chain: [linkOf(scope)], id, argumentsHash: "0123456789abcdef" };
}
