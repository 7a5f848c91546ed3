/** Callers with different lists of budgets, and limits that an administrator stored. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { ChainLink } from "../../../src/ledger/store.ts";
import {
  CENT,
  check,
  counted,
  DAY,
  DOLLAR,
  HOUR,
  isHeld,
  link,
  promise,
  record,
  reserve,
  type StoreCase,
  standing,
  storeLimits,
  usd,
} from "./bench.ts";

export const LISTS_CASES: StoreCase[] = promise(
  "each caller is judged by its own list, the rest by the recorded one",
  {
    "enforces a budget for a meter made without one": async (bench) => {
      await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(90 * CENT));
      equal((await reserve(bench, [link("user:1")], usd(20 * CENT))).outcome, "denied");
      bench.advance(DAY);
      equal((await reserve(bench, [link("user:1")], usd(1.1 * DOLLAR))).outcome, "denied");
      ok(isHeld(await reserve(bench, [link("user:1")], usd(DOLLAR))));
    },
    "judges two versions of the code by their own limits, on one count": async (bench) => {
      const small = [link("user:1", [{ window: "day", usd: 1 }])];
      const large = [link("user:1", [{ window: "day", usd: 2 }])];
      ok(isHeld(await reserve(bench, large, usd(1.5 * DOLLAR))));
      equal((await reserve(bench, small, usd(CENT))).outcome, "denied");
      ok(isHeld(await reserve(bench, large, usd(50 * CENT))));
    },
    "records nothing on a read or a denial": async (bench) => {
      await record(bench, [link("user:1", [{ window: "day", usd: 5 }])], usd(DOLLAR));
      const before = await bench.fields("user:1");
      const tighter = [link("user:1", [{ window: "day", usd: 1 }])];
      deepEqual(
        (await check(bench, tighter, usd(CENT))).denials.map(({ limit }) => limit),
        [1],
      );
      equal((await reserve(bench, tighter, usd(CENT))).outcome, "denied");
      deepEqual(await bench.fields("user:1"), before);
    },
    "clears the recorded list by an empty one": async (bench) => {
      await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(DOLLAR));
      ok(isHeld(await reserve(bench, [link("user:1", [])], usd(CENT))));
      ok(isHeld(await reserve(bench, [link("user:1")], usd(CENT))));
    },
    "goes on counting a window that another version leaves out": async (bench) => {
      const withDay = [link("user:1", [{ window: "day", usd: 1 }])];
      const without = [link("user:1", [{ window: "month", usd: 9 }])];
      await record(bench, withDay, usd(50 * CENT));
      await record(bench, without, usd(30 * CENT));
      equal((await reserve(bench, withDay, usd(30 * CENT))).outcome, "denied");
      ok(isHeld(await reserve(bench, withDay, usd(20 * CENT))));
    },
    "judges two versions that alternate for days, each by its own windows, on one count": async (bench) => {
      const older = [link("user:1", [{ window: "day", usd: 1 }])];
      const newer = [
        link("user:1", [
          { window: "week", usd: 3, timeZone: "Europe/Paris" },
          { window: "total", requests: 100 },
        ]),
      ];
      // From a Wednesday to the next.
      for (let days = 0; days < 7; days += 1) {
        ok(isHeld(await reserve(bench, older, usd(40 * CENT))));
        await record(bench, newer, usd(50 * CENT));
        equal((await reserve(bench, older, usd(20 * CENT))).outcome, "denied");
        bench.advance(DAY);
      }
      const answer = await check(bench, newer);
      deepEqual(counted(answer, "user:1", "week@Europe/Paris"), [180 * CENT, 0]);
      // All but the hold that was there before it.
      deepEqual(counted(answer, "user:1", "total"), [590 * CENT, 0]);
      equal((await reserve(bench, newer, usd(121 * CENT))).outcome, "denied");
      ok(isHeld(await reserve(bench, newer, usd(120 * CENT))));
      equal((await reserve(bench, older, usd(CENT))).outcome, "denied");
    },
    "judges nobody in a window that the recorded list leaves out, and those alone": async (bench) => {
      await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(DOLLAR));
      await record(bench, [link("user:1", [{ window: "hour", usd: 9 }])], usd(CENT));
      for (const limits of [undefined, [{ window: "hour" as const, usd: 9 }], []]) {
        ok(isHeld(await reserve(bench, [link("user:1", limits)], usd(CENT))));
      }
      await record(bench, [link("user:1", [{ window: "hour", usd: 9 }])], usd(CENT));
      ok(isHeld(await reserve(bench, [link("user:1")], usd(8 * DOLLAR))));
      equal((await reserve(bench, [link("user:1")], usd(9 * DOLLAR))).outcome, "denied");
    },
    "drops such a window after a whole one in which nobody sent it, and begins it anew after that": async (
      bench,
    ) => {
      const withDay = [link("user:1", [{ window: "day", usd: 1, timeZone: "Asia/Tokyo" }])];
      await record(bench, withDay, usd(50 * CENT));
      for (const expected of [true, true, false]) {
        await record(bench, [link("user:1", [])], usd(CENT));
        equal((await bench.fields("user:1")).o !== undefined, expected);
        bench.advance(DAY);
      }
      ok(isHeld(await reserve(bench, withDay, usd(DOLLAR))));
      deepEqual(await standing(bench, "user:1", "day@Asia/Tokyo"), [0, DOLLAR]);
    },
    "drops it a window earlier when nobody has sent it since it rolled": async (bench) => {
      await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(CENT));
      for (const expected of [true, false]) {
        bench.advance(DAY);
        await record(bench, [link("user:1", [])], usd(CENT));
        equal((await bench.fields("user:1")).o !== undefined, expected);
      }
    },
    "keeps such a window as long as somebody sends it once in each, with its count": async (bench) => {
      const withWeek = [link("user:1", [{ window: "week", usd: 9, anchor: "2026-11-25" }])];
      const without = [link("user:1", [{ window: "hour", usd: 9 }])];
      for (let week = 0; week < 4; week += 1) {
        await record(bench, withWeek, usd(CENT));
        for (let day = 0; day < 7; day += 1) {
          await record(bench, without, usd(CENT));
          bench.advance(DAY);
          if (day === 5) deepEqual(await standing(bench, "user:1", "week#2026-11-25"), [7 * CENT, 0]);
        }
      }
    },
    "never drops a total or the calendar month, whoever leaves them out": async (bench) => {
      await record(bench, [link("user:1", [{ window: "total", usd: 1 }])], usd(60 * CENT));
      for (let month = 0; month < 6; month += 1) {
        bench.advance(40 * DAY);
        await record(bench, [link("user:1", [{ window: "hour", usd: 9 }])], usd(CENT));
        deepEqual(await standing(bench, "user:1"), [CENT, 0]);
      }
      const total = [link("user:1", [{ window: "total", usd: 1 }])];
      equal((await reserve(bench, total, usd(35 * CENT))).outcome, "denied");
      ok(isHeld(await reserve(bench, total, usd(34 * CENT))));
    },
    "keeps a window that only a stored limit needs, and drops it when that is gone": async (bench) => {
      const day = { window: "day", usd: 1, timeZone: "America/New_York" } as const;
      const without = [link("user:1", [{ window: "hour", usd: 9 }])];
      await storeLimits(bench, "user:1", [day]);
      for (let days = 0; days < 4; days += 1) {
        ok(isHeld(await reserve(bench, without, usd(DOLLAR))));
        equal((await reserve(bench, without, usd(CENT))).outcome, "denied");
        bench.advance(DAY);
      }
      await storeLimits(bench, "user:1", []);
      ok(isHeld(await reserve(bench, without, usd(DOLLAR))));
      ok(isHeld(await reserve(bench, without, usd(DOLLAR))));
      bench.advance(DAY);
      ok(isHeld(await reserve(bench, without, usd(DOLLAR))));
      equal((await bench.fields("user:1")).o, undefined);
    },
    "tells no alert twice that was told before its window was left out": async (bench) => {
      const withDay = [link("user:1", [{ window: "day", usd: 1 }])];
      const crossingsOf = async (chain: ChainLink[]) => {
        const answer = await record(bench, chain, usd(30 * CENT), { thresholds: [0.5, 1] });
        return answer.outcome === "booked" ? answer.crossings.map(({ threshold }) => threshold) : [];
      };
      deepEqual(await crossingsOf(withDay), []);
      deepEqual(await crossingsOf(withDay), [0.5]);
      deepEqual(await crossingsOf([link("user:1", [])]), []);
      deepEqual(await crossingsOf(withDay), [1]);
    },
    "counts on when a deploy changes a limit": async (bench) => {
      const days = (dollars: number) => [link("user:1", [{ window: "day", usd: dollars }])];
      await record(bench, days(5), usd(2 * DOLLAR));
      equal((await reserve(bench, days(1), usd(1))).outcome, "denied");
      ok(isHeld(await reserve(bench, days(3), usd(DOLLAR))));
      equal((await reserve(bench, [link("user:1")], usd(1))).outcome, "denied");
      ok(isHeld(await reserve(bench, days(4), usd(DOLLAR))));
      deepEqual(await standing(bench, "user:1", "day"), [2 * DOLLAR, 2 * DOLLAR]);
    },
    "binds every caller by what an administrator stored": async (bench) => {
      const chain = [link("user:1", [{ window: "day", usd: 5 }])];
      await record(bench, chain, usd(DOLLAR));
      await storeLimits(bench, "user:1", [
        { window: "day", usd: 1 },
        { window: "hour", requests: 1 },
      ]);
      const denied = await reserve(bench, chain, usd(CENT));
      ok(denied.outcome === "denied");
      deepEqual(
        denied.denials.map(({ window, source }) => [window, source]),
        [["day", "store"]],
      );
      equal((await reserve(bench, [link("user:1", [])], usd(CENT))).outcome, "denied");
      await storeLimits(bench, "user:1", [{ window: "hour", requests: 1 }]);
      ok(isHeld(await reserve(bench, chain, usd(CENT))));
      equal((await reserve(bench, chain, usd(CENT))).outcome, "denied");
      bench.advance(HOUR);
      ok(isHeld(await reserve(bench, chain, usd(CENT))));
      await storeLimits(bench, "user:1", []);
      ok(isHeld(await reserve(bench, chain, usd(CENT))));
    },
    "stores limits for a scope that nobody has used": async (bench) => {
      await storeLimits(bench, "user:new", [{ window: "month", usd: 1 }]);
      ok(isHeld(await reserve(bench, [link("user:new")], usd(DOLLAR))));
      equal((await reserve(bench, [link("user:new")], usd(1))).outcome, "denied");
      bench.advance(40 * DAY);
      equal((await reserve(bench, [link("user:new")], usd(DOLLAR + 1))).outcome, "denied");
      ok(isHeld(await reserve(bench, [link("user:new")], usd(DOLLAR))));
    },
  },
);
