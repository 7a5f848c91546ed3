/** Late settles, expiries and estimates, put right. */
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  CENT,
  isHeld,
  link,
  MINUTE,
  promise,
  record,
  release,
  reserve,
  type StoreCase,
  settle,
  standing,
  usd,
} from "./bench.ts";

export const CORRECTIONS_CASES: StoreCase[] = promise(
  "what was estimated, expired or given back is corrected once when the truth comes",
  {
    "corrects an estimate by a report, once": async (bench) => {
      const chain = [link("user:1", []), link("org:acme", [])];
      await reserve(bench, chain, usd(9 * CENT), { id: "a" });
      await settle(bench, chain, "a", usd(8 * CENT), { source: "estimated" });
      const corrected = await settle(bench, chain, "a", usd(3 * CENT));
      ok(corrected.outcome === "booked" && !corrected.replayed);
      equal((await settle(bench, chain, "a", usd(2 * CENT))).outcome, "done");
      equal((await settle(bench, chain, "a", usd(8 * CENT), { source: "estimated" })).outcome, "done");
      deepEqual(await standing(bench, "user:1"), [3 * CENT, 0]);
      deepEqual(await standing(bench, "org:acme"), [3 * CENT, 0]);
    },
    "corrects a release by a report": async (bench) => {
      const chain = [link("user:1", [])];
      await reserve(bench, chain, usd(9 * CENT), { id: "a" });
      await release(bench, chain, "a");
      equal((await settle(bench, chain, "a", usd(4 * CENT), { source: "estimated" })).outcome, "done");
      equal((await settle(bench, chain, "a", usd(4 * CENT))).outcome, "booked");
      deepEqual(await standing(bench, "user:1"), [4 * CENT, 0]);
    },
    "charges a hold that nobody settled when its expiry minute ends": async (bench) => {
      const chain = [link("user:1", [{ window: "day", usd: 1 }])];
      const answer = await reserve(bench, chain, usd(60 * CENT), { id: "a", expiresInSeconds: 60 });
      ok(answer.outcome === "held");
      equal(answer.expiresAtMs, Date.UTC(2026, 10, 25, 10, 22));
      bench.advance(answer.expiresAtMs - 1 - bench.nowMs());
      deepEqual(await standing(bench, "user:1", "day"), [0, 60 * CENT]);
      bench.advance(1);
      deepEqual(await standing(bench, "user:1", "day"), [60 * CENT, 0]);
      equal((await reserve(bench, chain, usd(50 * CENT))).outcome, "denied");
      await record(bench, chain, usd(0));
      deepEqual(await standing(bench, "user:1", "day"), [60 * CENT, 0]);
    },
    "corrects an expiry by a late settle, swept or not": async (bench) => {
      const chain = [link("user:1", [])];
      for (const isSwept of [false, true]) {
        const id = `late-${isSwept}`;
        await reserve(bench, chain, usd(60 * CENT), { id, expiresInSeconds: 60 });
        bench.advance(10 * MINUTE);
        if (isSwept) await record(bench, chain, usd(0));
        const answer = await settle(bench, chain, id, usd(20 * CENT));
        ok(answer.outcome === "booked");
      }
      deepEqual(await standing(bench, "user:1"), [40 * CENT, 0]);
      bench.advance(10 * MINUTE);
      deepEqual(await standing(bench, "user:1"), [40 * CENT, 0]);
    },
    "gives an expired hold back when it is released late": async (bench) => {
      const chain = [link("user:1", [])];
      await reserve(bench, chain, usd(60 * CENT), { id: "a", expiresInSeconds: 60 });
      bench.advance(10 * MINUTE);
      await record(bench, chain, usd(CENT));
      deepEqual(await standing(bench, "user:1"), [61 * CENT, 0]);
      await release(bench, chain, "a");
      deepEqual(await standing(bench, "user:1"), [CENT, 0]);
    },
    "leaves a hold alive when a sweep comes in the minute of its expiry": async (bench) => {
      const chain = [link("user:1", [])];
      await reserve(bench, chain, usd(3 * CENT), { id: "a", expiresInSeconds: 60 });
      bench.advance(MINUTE);
      await record(bench, chain, usd(0));
      deepEqual(await standing(bench, "user:1"), [0, 3 * CENT]);
      await settle(bench, chain, "a", usd(CENT));
      deepEqual(await standing(bench, "user:1"), [CENT, 0]);
    },
    "says that an expired id is expired when it is reserved again": async (bench) => {
      const chain = [link("user:1", [])];
      await reserve(bench, chain, usd(6 * CENT), { id: "a", expiresInSeconds: 60 });
      bench.advance(Date.UTC(2026, 10, 25, 10, 22) - 1 - bench.nowMs());
      ok(isHeld(await reserve(bench, chain, usd(6 * CENT), { id: "a", attempt: "second" })));
      bench.advance(1);
      const again = await reserve(bench, chain, usd(6 * CENT), { id: "a", attempt: "third" });
      ok(again.outcome === "expired");
      equal(again.held.nanoUsd, 6 * CENT);
    },
  },
);
