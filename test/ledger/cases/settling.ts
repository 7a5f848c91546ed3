/** From a hold to what was really used. */
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  CENT,
  check,
  counted,
  DOLLAR,
  isHeld,
  link,
  promise,
  release,
  reserve,
  type StoreCase,
  settle,
  standing,
  usd,
} from "./bench.ts";

export const SETTLING_CASES: StoreCase[] = promise("a hold becomes what was really used", {
  "settles below the hold and frees the rest": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    const answer = await settle(bench, chain, "a", { nanoUsd: 30 * CENT, tokens: 12, requests: 1 });
    ok(answer.outcome === "booked" && !answer.replayed && !answer.booking.overrun);
    deepEqual(counted(answer, "user:1", "day"), [30 * CENT, 0]);
    ok(isHeld(await reserve(bench, chain, usd(70 * CENT))));
  },
  "books a cost above the hold in full, calls it an overrun, and refuses the next call": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    const answer = await settle(bench, chain, "a", usd(3 * DOLLAR));
    ok(answer.outcome === "booked" && answer.booking.overrun);
    deepEqual(counted(answer, "user:1", "day"), [3 * DOLLAR, 0]);
    equal((await reserve(bench, chain, usd(0))).outcome, "denied");
  },
  "gives a released hold back unspent": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1, requests: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    const answer = await release(bench, chain, "a");
    ok(answer.outcome === "booked" && answer.booking.source === "released");
    deepEqual(counted(answer, "user:1", "day"), [0, 0]);
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
  },
  "settles an estimate without an amount at the whole hold": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(7 * CENT), { id: "a" });
    const answer = await settle(bench, chain, "a", undefined, { source: "estimated" });
    ok(answer.outcome === "booked" && answer.booking.source === "estimated");
    deepEqual(await standing(bench, "user:1"), [7 * CENT, 0]);
  },
  "books nothing for an id that the store does not know": async (bench) => {
    const chain = [link("user:1", [])];
    equal((await settle(bench, chain, "never", usd(CENT))).outcome, "unknown");
    equal((await release(bench, chain, "never")).outcome, "unknown");
    equal((await check(bench, chain)).accounts[0]?.exists, false);
  },
  "refuses a settle over another chain": async (bench) => {
    const chain = [link("user:1", []), link("org:acme", [])];
    await reserve(bench, chain, usd(CENT), { id: "a" });
    equal((await settle(bench, [link("user:1")], "a", usd(CENT))).outcome, "conflict");
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
  },
});
