/** Attempts that were given up, and whose reserves arrive all the same. */
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  type Bench,
  CENT,
  HOUR,
  isHeld,
  link,
  MINUTE,
  promise,
  release,
  reserve,
  type StoreCase,
  settle,
  standing,
  usd,
} from "./bench.ts";

const chain = [link("user:1")];

const reserveBy = (bench: Bench, attempt: string) =>
  reserve(bench, chain, usd(CENT), { id: "call", attempt });
const outcomeBy = async (bench: Bench, attempt: string) => (await reserveBy(bench, attempt)).outcome;
const giveUp = async (bench: Bench, attempt: string) =>
  (await release(bench, chain, "call", attempt)).outcome;

export const TOMBSTONES_CASES: StoreCase[] = promise("an attempt that was given up holds nothing", {
  "however late its reserve arrives, and however many attempts gave up": async (bench) => {
    for (const attempt of ["a1", "a2", "a3", "a2"]) await giveUp(bench, attempt);
    for (const attempt of ["a3", "a1", "a2"]) equal(await outcomeBy(bench, attempt), "gone");
    deepEqual(await standing(bench, "user:1"), [0, 0]);
  },
  "while another attempt of the same id is decided anew": async (bench) => {
    for (const attempt of ["a1", "a2"]) await giveUp(bench, attempt);
    ok(isHeld(await reserveBy(bench, "a3")));
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
  },
  "and gets no part in the hold of the next attempt, which is freed as if nothing had arrived late": async (
    bench,
  ) => {
    equal(await giveUp(bench, "first"), "unknown");
    ok(isHeld(await reserveBy(bench, "second")));
    equal(await outcomeBy(bench, "first"), "gone");
    equal(await outcomeBy(bench, "first"), "gone");
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
    equal(await giveUp(bench, "second"), "booked");
    deepEqual(await standing(bench, "user:1"), [0, 0]);
  },
  "also when it was given up while another attempt's hold stood": async (bench) => {
    ok(isHeld(await reserveBy(bench, "other")));
    for (const attempt of ["first", "first", "second"]) equal(await giveUp(bench, attempt), "done");
    for (const attempt of ["first", "second"]) equal(await outcomeBy(bench, attempt), "gone");
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
    equal(await giveUp(bench, "other"), "booked");
    equal(await outcomeBy(bench, "other"), "closed");
    deepEqual(await standing(bench, "user:1"), [0, 0]);
  },
  "while an attempt that nobody gave up shares the hold": async (bench) => {
    await giveUp(bench, "first");
    ok(isHeld(await reserveBy(bench, "second")));
    const shared = await reserveBy(bench, "third");
    ok(shared.outcome === "held" && shared.replayed);
    equal(await giveUp(bench, "second"), "done");
    equal(await outcomeBy(bench, "first"), "gone");
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
  },
  "while the hold is remembered as long as ever": async (bench) => {
    ok(isHeld(await reserveBy(bench, "other")));
    const day = { namespace: bench.namespace, chain, id: "call", retentionSeconds: 60 };
    await bench.store.release({ ...day, argumentsHash: "release", attempt: "first" });
    bench.advance(20 * HOUR);
    equal((await settle(bench, chain, "call", usd(CENT))).outcome, "booked");
    deepEqual(await standing(bench, "user:1"), [CENT, 0]);
  },
  "as far back as the sixteenth that was given up: a record does not grow for ever": async (bench) => {
    const attempts = Array.from({ length: 20 }, (_, number) => `a${number}`);
    for (const attempt of attempts.slice(0, 10)) await giveUp(bench, attempt);
    ok(isHeld(await reserveBy(bench, "held")));
    for (const attempt of attempts.slice(10)) await giveUp(bench, attempt);
    bench.advance(MINUTE);
    for (const attempt of attempts.slice(4)) equal(await outcomeBy(bench, attempt), "gone");
    equal(await outcomeBy(bench, "a3"), "held");
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
  },
});
