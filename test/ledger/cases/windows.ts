/** Windows that end. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Window } from "../../../src/ledger/budgets.ts";
import {
  type Bench,
  CENT,
  counted,
  DAY,
  DOLLAR,
  isHeld,
  link,
  MINUTE,
  promise,
  record,
  reserve,
  SECOND,
  type StoreCase,
  settle,
  standing,
  usd,
} from "./bench.ts";

const LENGTHS: [Window, string, number][] = [
  ["minute", "2026-11-25T10:21:00Z", 10],
  ["hour", "2026-11-25T11:00:00Z", 600],
  ["day", "2026-11-26T00:00:00Z", 600],
  ["week", "2026-11-30T00:00:00Z", 600],
  ["month", "2026-12-01T00:00:00Z", 600],
];

export const WINDOWS_CASES: StoreCase[] = promise("windows need no reset", {
  ...Object.fromEntries(
    LENGTHS.map(([window, end]) => [
      `the ${window} ends at ${end} and begins at zero`,
      async (bench: Bench) => {
        const chain = [link("user:1", [{ window, usd: 1 }])];
        await record(bench, chain, usd(DOLLAR));
        bench.advance(Date.parse(end) - 1 - bench.nowMs());
        const denied = await reserve(bench, chain, usd(CENT));
        ok(denied.outcome === "denied");
        equal(denied.denials[0]?.resetsAt?.toISOString(), new Date(end).toISOString());
        bench.advance(1);
        ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
        deepEqual(await standing(bench, "user:1", window), [0, DOLLAR]);
      },
    ]),
  ),
  "a total never ends": async (bench) => {
    const chain = [link("user:1", [{ window: "total", usd: 1 }])];
    await record(bench, chain, usd(DOLLAR));
    bench.advance(2_000 * DAY);
    const denied = await reserve(bench, chain, usd(1));
    ok(denied.outcome === "denied");
    equal(denied.denials[0]?.resetsAt, null);
  },
  "a hold that straddles a window's end counts in the windows of its reserve, and its settle only in those still open":
    async (bench) => {
      const chain = [
        link("user:1", [
          { window: "minute", usd: 1 },
          { window: "day", usd: 9 },
        ]),
      ];
      await reserve(bench, chain, usd(DOLLAR), { id: "a" });
      bench.advance(40 * SECOND);
      ok(isHeld(await reserve(bench, chain, usd(DOLLAR), { id: "b" })));
      const answer = await settle(bench, chain, "a", usd(20 * CENT));
      deepEqual(counted(answer, "user:1", "minute"), [0, DOLLAR]);
      deepEqual(counted(answer, "user:1", "day"), [20 * CENT, DOLLAR]);
    },
  "a hold that expired before the day's end is gone with that day": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    bench.advance(DAY);
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
    deepEqual(await standing(bench, "user:1", "day"), [0, DOLLAR]);
    deepEqual(await standing(bench, "user:1", "month"), [DOLLAR, DOLLAR]);
  },
  "a clock that steps back reopens nothing": async (bench) => {
    const chain = [link("user:1", [{ window: "minute", usd: 1 }])];
    await record(bench, chain, usd(DOLLAR));
    bench.advance(MINUTE);
    await record(bench, chain, usd(DOLLAR));
    bench.advance(-MINUTE);
    equal((await reserve(bench, chain, usd(CENT))).outcome, "denied");
    deepEqual(await standing(bench, "user:1", "month"), [2 * DOLLAR, 0]);
  },
});
