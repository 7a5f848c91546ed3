/** This library as a store: the ledger's operations, without meter, prices and events. */
import { randomId } from "../../src/ledger/operation-id.ts";
import type {
  ChainLink,
  ReserveOperation,
  SettleOperation,
  Store,
  WindowLimits,
} from "../../src/ledger/store.ts";
import type { Wire } from "../wires.ts";
import { budgetsOf, LIMIT_USD } from "./chain.ts";
import { type Contender, contender, scopesText } from "./contender.ts";

const HELD = { nanoUsd: 2_500, tokens: 500, requests: 1 };
const SPENT = { nanoUsd: 1_200, tokens: 300, requests: 1 };

export function storeReserve(wire: Wire, scopes: number): Contender {
  return contender(`Store.reserve, ${scopesText(scopes)}`, wire, ({ store }) => async () => {
    await reserve(store, scopes);
  });
}

export function storeCall(wire: Wire, scopes: number): Contender {
  return contender(`Store.reserve + settle, ${scopesText(scopes)}`, wire, ({ store }) => async () => {
    await settle(store, await reserve(store, scopes));
  });
}

async function reserve(store: Store, scopes: number): Promise<ReserveOperation> {
  const operation = {
    namespace: "bench",
    chain: chainOf(scopes),
    id: randomId(),
    argumentsHash: "0123456789abcdef",
    retentionSeconds: 86_400,
    attempt: randomId(),
    requested: HELD,
    expiresInSeconds: 600,
  };
  const { outcome } = await store.reserve(operation);
  if (outcome !== "held") throw new Error(`A reserve was ${outcome}.`);
  return operation;
}

async function settle(store: Store, { namespace, chain, id }: ReserveOperation): Promise<void> {
  const operation: SettleOperation = {
    namespace,
    chain,
    id,
    argumentsHash: "fedcba9876543210",
    retentionSeconds: 900,
    source: "reported",
    actual: SPENT,
    model: "openai/gpt-4o-mini",
    tokenKinds: [200, 0, 0, 0, 100],
    alertThresholds: [],
  };
  const { outcome } = await store.settle(operation);
  if (outcome !== "booked") throw new Error(`A settle was ${outcome}.`);
}

function chainOf(scopes: number): ChainLink[] {
  const none = { nanoUsd: null, tokens: null, requests: null };
  return budgetsOf(scopes).map(({ scope, budgets }) => ({
    scope,
    limits: budgets.map(
      ({ window }): WindowLimits => ({ window, hard: { ...none, nanoUsd: LIMIT_USD * 1e9 }, soft: none }),
    ),
  }));
}
