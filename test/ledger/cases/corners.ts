/** The corner cases of a ledger, as a table: the acts of each, and what comes of them. The day begins with a dollar. */
import { deepEqual } from "node:assert/strict";
import {
  type Act,
  administer,
  codeOf,
  history,
  loseAccount,
  pass,
  record,
  release,
  reserve,
  settle,
  standing,
  storeLimits,
} from "./acts.ts";
import { DAY, HOUR, MINUTE, promise, SECOND, type StoreCase } from "./bench.ts";

/** An act and its outcome, which is left out where nothing comes of it. */
type Row = [act: Act, outcome?: string];

const MINUTE_OF_A_DOLLAR = [{ window: "minute" as const, usd: 1 }];
const TEN_MINUTES = 11 * MINUTE;

const CORNERS: Record<string, Row[]> = {
  "a reserve whose answer got lost is freed by its own attempt": [
    [reserve("a", 60, { attempt: "mine" }), "held"],
    [release("a", "mine"), "0 released"],
    [standing(), "0 spent, 0 held"],
  ],
  "where that release dies too, the hold becomes spend at its expiry, and a settle within a day corrects it":
    [
      [reserve("a", 60), "held"],
      [pass(TEN_MINUTES)],
      [standing(), "60 spent, 0 held"],
      [history(), "60 expired"],
      [pass(12 * HOUR)],
      [settle("a", 20), "20 reported"],
      [standing(), "20 spent, 0 held"],
      [history(), "20 reported"],
      [history("org:acme"), "20 reported"],
    ],
  "and a release within a day gives it back": [
    [reserve("a", 60), "held"],
    [pass(TEN_MINUTES)],
    [record(1), "1 reported"],
    [release("a"), "0 released"],
    [standing(), "1 spent, 0 held"],
    [history(), "1 reported"],
  ],
  "a release before its delayed reserve: the reserve holds nothing, another attempt does": [
    [release("a", "mine"), "unknown"],
    [reserve("a", 60, { attempt: "mine" }), "gone"],
    [standing("user:1", "month"), "0 spent, 0 held"],
    [reserve("a", 60, { attempt: "next" }), "held"],
    [release("a", "mine"), "done: 0 released"],
    [standing(), "0 spent, 60 held"],
  ],
  "two callers reserve the same id and one gives up: the other's hold stays": [
    [reserve("a", 60, { attempt: "mine" }), "held"],
    [reserve("a", 60, { attempt: "theirs" }), "held again"],
    [release("a", "mine"), "done: 0 released"],
    [standing(), "0 spent, 60 held"],
    [settle("a", 50), "50 reported"],
    [standing(), "50 spent, 0 held"],
  ],
  "a denied reserve that is doubled on the wire is decided anew, and what it holds expires into spend": [
    [reserve("a", 100), "held"],
    [reserve("b", 40), "denied by day of code"],
    [release("a"), "0 released"],
    [reserve("b", 40), "held"],
    [pass(TEN_MINUTES)],
    [standing(), "40 spent, 0 held"],
  ],
  "what was estimated is corrected once, exactly": [
    [reserve("a", 60), "held"],
    [settle("a", 50, { source: "estimated" }), "50 estimated"],
    [settle("a", 30), "30 reported"],
    [settle("a", 20), "done: 30 reported"],
    [standing(), "30 spent, 0 held"],
    [history(), "30 reported"],
  ],
  "what has expired is corrected once, exactly": [
    [reserve("a", 60), "held"],
    [pass(TEN_MINUTES)],
    [record(0), "0 reported"],
    [settle("a", 30), "30 reported"],
    [settle("a", 20), "done: 30 reported"],
    [standing(), "30 spent, 0 held"],
    [history(), "30 reported"],
  ],
  "what was released is corrected once, exactly": [
    [reserve("a", 60), "held"],
    [release("a"), "0 released"],
    [settle("a", 30), "30 reported"],
    [settle("a", 20), "done: 30 reported"],
    [standing(), "30 spent, 0 held"],
    [history(), "30 reported"],
  ],
  "a second settle with another amount changes nothing, and is told the first": [
    [reserve("a", 60), "held"],
    [settle("a", 30), "30 reported"],
    [settle("a", 40), "done: 30 reported"],
    [settle("a", 30), "30 reported again"],
    [standing(), "30 spent, 0 held"],
  ],
  "a reserve that a failover has lost is booked in full under its own id by its settle": [
    [settle("a", 30, { bookIfUnknown: true }), "30 reported though unknown"],
    [settle("a", 30, { bookIfUnknown: true }), "30 reported again"],
    [reserve("a", 60), "closed"],
    [standing(), "30 spent, 0 held"],
    [history(), "30 reported"],
  ],
  "such a booking stands over a tombstone, and a report corrects an estimate": [
    [release("a", "mine"), "unknown"],
    [settle("a", 50, { bookIfUnknown: true, source: "estimated" }), "50 estimated though unknown"],
    [reserve("a", 60, { attempt: "mine" }), "closed"],
    [settle("a", 30), "30 reported"],
    [standing("org:acme", "month"), "30 spent, 0 held"],
  ],
  "a reset that its client sends again wipes nothing that was spent in between": [
    [record(50), "50 reported"],
    [administer("reset", "r"), "applied"],
    [record(20), "20 reported"],
    [administer("reset", "r"), "applied again"],
    [standing(), "20 spent, 0 held"],
  ],
  "a pause that its client sends again does not pause what was resumed": [
    [administer("pause", "p"), "applied"],
    [reserve("a", 1), "user:1 is paused"],
    [administer("resume"), "applied"],
    [administer("pause", "p"), "applied again"],
    [reserve("a", 1), "held"],
  ],
  "a reset between reserve and settle: the hold is closed and booked in history, the counters stay": [
    [reserve("a", 60), "held"],
    [administer("reset"), "applied"],
    [settle("a", 50), "50 reported"],
    [standing(), "0 spent, 0 held"],
    [history(), "50 reported"],
    [standing("org:acme", "month"), "50 spent, 0 held"],
    [settle("a", 40), "done: 50 reported"],
  ],
  "a hold that straddles windows counts in those of its reserve, and its settle in those still open": [
    [pass(13 * HOUR + 35 * MINUTE)],
    [reserve("a", 60), "held"],
    [pass(6 * MINUTE)],
    [reserve("b", 100), "held"],
    [settle("a", 50), "50 reported"],
    [standing(), "0 spent, 100 held"],
    [standing("user:1", "month"), "50 spent, 100 held"],
    [history(), "50 reported"],
  ],
  "a hold that is due before a window's end, first seen after it, is history of that window": [
    [reserve("a", 60), "held"],
    [pass(DAY)],
    [reserve("b", 100), "held"],
    [standing(), "0 spent, 100 held"],
    [standing("user:1", "month"), "60 spent, 100 held"],
    [history(), "60 expired"],
  ],
  "a minute limits what begins in it: what takes longer stops counting at its end": [
    [reserve("a", 100, { budgets: MINUTE_OF_A_DOLLAR }), "held"],
    [reserve("b", 1, { budgets: MINUTE_OF_A_DOLLAR }), "denied by minute of code"],
    [pass(30 * SECOND)],
    [reserve("b", 100, { budgets: MINUTE_OF_A_DOLLAR }), "held"],
    [standing("user:1", "minute"), "0 spent, 100 held"],
    [standing("user:1", "month"), "0 spent, 200 held"],
  ],
  "a failover to a slow clock reopens nothing: time stands still until it has caught up": [
    [record(100), "100 reported"],
    [pass(DAY)],
    [record(100), "100 reported"],
    [pass(-DAY)],
    [reserve("a", 1), "denied by day of code"],
    [pass(DAY - MINUTE)],
    [reserve("a", 1), "denied by day of code"],
    [standing("user:1", "month"), "200 spent, 0 held"],
    [pass(DAY)],
    [reserve("a", 100), "held"],
  ],
  "a failover to a fast clock opens the next window early, and no further one": [
    [record(100), "100 reported"],
    [pass(DAY)],
    [reserve("a", 100), "held"],
    [pass(-DAY)],
    [reserve("b", 1), "denied by day of code"],
    [pass(DAY)],
    [reserve("b", 1), "denied by day of code"],
  ],
  "two versions of the code with other limits judge by their own, one without by the recorded ones": [
    [reserve("a", 80), "held"],
    [reserve("b", 80, { budgets: [{ window: "day", usd: 2 }] }), "held"],
    [reserve("c", 1), "denied by day of code"],
    [reserve("c", 40, { budgets: null }), "held"],
    [reserve("d", 1, { budgets: null }), "denied by day of code"],
  ],
  "and what an administrator stored binds them all": [
    [storeLimits([{ window: "day", usd: "0.50" }]), "applied"],
    [reserve("a", 50, { budgets: [{ window: "day", usd: 2 }] }), "held"],
    [reserve("b", 1, { budgets: [{ window: "day", usd: 2 }] }), "denied by day of store"],
    [reserve("b", 1), "denied by day of store"],
    [reserve("b", 1, { budgets: null }), "denied by day of store"],
    [reserve("b", 1, { budgets: [] }), "denied by day of store"],
  ],
  "the answer of a settle that crossed a threshold comes again with the same crossing": [
    [reserve("a", 60), "held"],
    [settle("a", 50, { thresholds: [0.5] }), "50 reported crosses 0.5"],
    [settle("a", 50, { thresholds: [0.5] }), "50 reported again crosses 0.5"],
    [reserve("b", 10), "held"],
    [settle("b", 10, { thresholds: [0.5] }), "10 reported"],
  ],
  "an account that was evicted or deleted denies until it is reset, and is paused until it is resumed": [
    [reserve("a", 60), "held"],
    [loseAccount],
    [codeOf(reserve("b", 1)), "STATE_LOST"],
    [codeOf(record(1)), "STATE_LOST"],
    [codeOf(settle("a", 50)), "STATE_LOST"],
    [codeOf(standing()), "STATE_LOST"],
    [standing("org:acme", "month"), "0 spent, 60 held"],
    [administer("reset"), "applied"],
    [reserve("b", 1), "user:1 is paused"],
    [administer("resume"), "applied"],
    [reserve("b", 100), "held"],
  ],
};

export const CORNER_CASES: StoreCase[] = promise(
  "the corner cases of the ledger",
  Object.fromEntries(
    Object.entries(CORNERS).map(([name, rows]) => [
      name,
      async (bench) => {
        for (const [place, [act, outcome]] of rows.entries())
          deepEqual(await act(bench), outcome, `act ${place + 1}`);
      },
    ]),
  ),
);
