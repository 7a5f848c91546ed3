/** Chains in which nothing is limited, for callers that require a limit. */
import { equal, ok } from "node:assert/strict";
import {
  type Bench,
  CENT,
  DOLLAR,
  fresh,
  isHeld,
  link,
  promise,
  record,
  type StoreCase,
  standing,
  storeLimits,
  usd,
} from "./bench.ts";

function reserveWithLimit(bench: Bench, chain: ReturnType<typeof link>[]) {
  const id = fresh();
  const operation = { namespace: bench.namespace, chain, id, argumentsHash: "hash", retentionSeconds: 900 };
  return bench.store.reserve({
    ...operation,
    attempt: id,
    requested: usd(CENT),
    expiresInSeconds: 600,
    requiresLimit: true,
  });
}

export const UNLIMITED_CASES: StoreCase[] = promise("who requires a limit is refused without one", {
  "a chain that nothing limits admits nothing, and holds nothing": async (bench) => {
    const chain = [link("user:1"), link("org:acme", [{ window: "day", usd: 1, soft: true }])];
    await record(bench, chain, usd(CENT));
    equal((await reserveWithLimit(bench, chain)).outcome, "unlimited");
    equal((await standing(bench, "user:1"))[1], 0);
  },
  "a limit of any scope is enough: declared, recorded or stored": async (bench) => {
    ok(isHeld(await reserveWithLimit(bench, [link("user:1"), link("org:a", [{ window: "day", usd: 1 }])])));
    ok(isHeld(await reserveWithLimit(bench, [link("user:2"), link("org:a")])));
    await storeLimits(bench, "user:3", [{ window: "total", usd: 9 }]);
    ok(isHeld(await reserveWithLimit(bench, [link("user:3", [])])));
  },
  "a limit that refuses is told as such": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await record(bench, chain, usd(DOLLAR));
    equal((await reserveWithLimit(bench, chain)).outcome, "denied");
  },
});
