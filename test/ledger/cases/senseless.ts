/** Operations that make no sense, past any meter: refused before they are sent. */
import { deepEqual, ok, rejects } from "node:assert/strict";
import type { Amounts, ChainLink } from "../../../src/ledger/store.ts";
import {
  type Bench,
  CENT,
  check,
  isHeld,
  link,
  promise,
  release,
  reserve,
  type StoreCase,
  settle,
  usd,
} from "./bench.ts";

type Fields = Record<string, unknown>;

const CHAIN = [link("user:1", [{ window: "day", usd: 1 }])];

/** Sends each operation with these fields in place of sensible ones, and expects an error of this name. */
async function refuseAll(bench: Bench, fields: Fields, name: string): Promise<void> {
  const base = {
    ...{ namespace: bench.namespace, chain: CHAIN, id: "a", argumentsHash: "h", retentionSeconds: 900 },
    ...{ attempt: "x", requested: usd(CENT), expiresInSeconds: 60, ...fields },
  };
  const actual = "actual" in fields ? (fields.actual as Amounts) : usd(CENT);
  const settling = { ...base, actual, source: "reported" as const, alertThresholds: [] };
  const isOfReserve = ["requested", "expiresInSeconds", "attempt"].some((field) => field in fields);
  const isOfSpend = ["actual", "model", "tokenKinds"].some((field) => field in fields);
  const told = JSON.stringify(fields);
  if (!isOfSpend) await rejects(bench.store.reserve(base), { name }, `reserve ${told}`);
  if (isOfReserve) return;
  await rejects(bench.store.settle(settling), { name }, `settle ${told}`);
  await rejects(bench.store.record(settling), { name }, `record ${told}`);
  if (isOfSpend) return;
  for (const action of ["release", "reset", "pause", "resume"] as const)
    await rejects(bench.store[action](base), { name }, `${action} ${told}`);
}

const NO_AMOUNTS: unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 1e300, "1e-30", "1", {}];
const NO_NAMES: unknown[] = ["", "x".repeat(10_000), "a{}", "a\nb", "a\0b", "__proto__", "a b", "a,b", null];
const NO_CHAINS: ChainLink[][] = [
  [],
  [...CHAIN, ...CHAIN],
  Array.from({ length: 9 }, (_, place) => link(`level:${place}`)),
];

export const SENSELESS_CASES: StoreCase[] = promise(
  "an operation that makes no sense is refused, and nothing is written",
  {
    "amounts that are no whole numbers from 0 to 9e15": async (bench) => {
      await untouched(bench, async () => {
        for (const field of ["nanoUsd", "tokens", "requests"]) {
          for (const value of NO_AMOUNTS) {
            const amounts = { ...usd(CENT), [field]: value };
            await refuseAll(bench, { requested: amounts }, "InvalidUsageError");
            await rejects(check(bench, CHAIN, amounts), { name: "InvalidUsageError" });
            await refuseAll(bench, { actual: amounts }, "InvalidUsageError");
          }
        }
        for (const value of NO_AMOUNTS)
          await refuseAll(bench, { tokenKinds: [1, value] }, "InvalidUsageError");
      });
    },
    "names outside their alphabets, and chains that are none": async (bench) => {
      await untouched(bench, async () => {
        for (const name of NO_NAMES) {
          await refuseAll(bench, { id: name }, "InvalidScopeError");
          await refuseAll(bench, { namespace: name }, "InvalidScopeError");
          await refuseAll(bench, { chain: [{ scope: name }] }, "InvalidScopeError");
        }
        for (const chain of NO_CHAINS) {
          await rejects(reserve(bench, chain, usd(1)), { name: "InvalidScopeError" });
          await rejects(settle(bench, chain, "held", usd(1)), { name: "InvalidScopeError" });
        }
      });
    },
    "times and words that can't be kept": async (bench) => {
      await untouched(bench, async () => {
        for (const seconds of [Number.NaN, -1, 1e300, 26 * 3600 + 1])
          await refuseAll(bench, { expiresInSeconds: seconds }, "InvalidOptionsError");
        for (const seconds of [Number.NaN, -1_000, 1e300])
          await refuseAll(bench, { retentionSeconds: seconds }, "InvalidOptionsError");
        for (const word of ["", "two words", "x".repeat(201), "a\nb", 7]) {
          await refuseAll(bench, { argumentsHash: word }, "InvalidOptionsError");
          await refuseAll(bench, { attempt: word }, "InvalidOptionsError");
          await refuseAll(bench, { model: word }, "InvalidOptionsError");
        }
        await refuseAll(bench, { model: "openai/a;b" }, "InvalidOptionsError");
        for (const attempt of ["", "-", "a,b", "a b", "x".repeat(201)]) {
          await refuseAll(bench, { attempt }, "InvalidOptionsError");
          await rejects(release(bench, CHAIN, "held", attempt), { name: "InvalidOptionsError" });
        }
      });
    },
  },
);

/** The account is after the work what it was before, and goes on. */
async function untouched(bench: Bench, work: () => Promise<void>): Promise<void> {
  ok(isHeld(await reserve(bench, CHAIN, usd(CENT), { id: "held" })));
  const before = await bench.fields("user:1");
  await work();
  deepEqual(await bench.fields("user:1"), before);
  ok(isHeld(await reserve(bench, CHAIN, usd(CENT), { id: "a" })));
}
