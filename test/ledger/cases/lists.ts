/** Callers with different lists of budgets, and limits that an administrator stored. */
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  CENT,
  check,
  DAY,
  DOLLAR,
  HOUR,
  isHeld,
  link,
  promise,
  record,
  reserve,
  type StoreCase,
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
    "drops such a window after a whole one in which nobody sent it": async (bench) => {
      await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(50 * CENT));
      const without = [link("user:1", [])];
      for (const expected of [true, true, false]) {
        await record(bench, without, usd(CENT));
        equal((await bench.fields("user:1")).o !== undefined, expected);
        bench.advance(DAY);
      }
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
