/** Windows that follow the clocks of a zone, or begin on an anchor. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { usageStats } from "../../../src/ledger/stats.ts";
import type { WindowName } from "../../../src/ledger/window-names.ts";
import {
  administer,
  type Bench,
  CENT,
  check,
  counted,
  DAY,
  DOLLAR,
  isHeld,
  link,
  promise,
  record,
  reserve,
  type StoreCase,
  settle,
  standing,
  storeLimits,
  usd,
} from "./bench.ts";

const goTo = (bench: Bench, time: string): void => bench.advance(Date.parse(time) - bench.nowMs());

export const ZONES_CASES: StoreCase[] = promise("a window follows the clocks of its zone, and its anchor", {
  "a day ends at the zone's midnight, after 25 hours and after 23": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1, timeZone: "America/New_York" }])];
    const nights = [
      ["2026-11-26T05:00:00Z", "2026-11-27T05:00:00Z"],
      ["2027-03-14T05:00:00Z", "2027-03-15T04:00:00Z"],
      ["2027-11-07T04:00:00Z", "2027-11-08T05:00:00Z"],
    ] as const;
    for (const [start, end] of nights) {
      goTo(bench, start);
      ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
      bench.advance(Date.parse(end) - 1 - bench.nowMs());
      const denied = await reserve(bench, chain, usd(CENT));
      ok(denied.outcome === "denied");
      deepEqual(
        denied.denials.map(({ window, timeZone, anchor, resetsAt }) => [window, timeZone, anchor, resetsAt]),
        [["day", "America/New_York", undefined, new Date(end)]],
      );
      bench.advance(1);
      ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
    }
  },
  "a billing cycle from the 31st ends on the last day of shorter months": async (bench) => {
    const budget = { window: "month", usd: 1, timeZone: "Asia/Tokyo", anchor: "2026-01-31" } as const;
    const chain = [link("user:1", [budget])];
    for (const end of ["2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"]) {
      await record(bench, chain, usd(DOLLAR));
      const tokyoMidnight = Date.parse(`${end}T00:00:00+09:00`);
      bench.advance(tokyoMidnight - 1 - bench.nowMs());
      const denied = await reserve(bench, chain, usd(CENT));
      ok(denied.outcome === "denied");
      deepEqual(
        denied.denials.map(({ timeZone, anchor, resetsAt }) => [timeZone, anchor, resetsAt?.getTime()]),
        [["Asia/Tokyo", "2026-01-31", tokyoMidnight]],
      );
      bench.advance(1);
      ok(isHeld(await reserve(bench, chain, usd(CENT))));
    }
  },
  "the calendar month in UTC is counted beside the zone's, and is what a scope has spent": async (bench) => {
    const chain = [link("agent:1", [{ window: "month", usd: 5, timeZone: "Pacific/Auckland" }])];
    await record(bench, chain, usd(DOLLAR));
    // December begins in Auckland.
    goTo(bench, "2026-11-30T11:00:00Z");
    await record(bench, chain, usd(2 * DOLLAR));
    const answer = await check(bench, chain);
    deepEqual(counted(answer, "agent:1", "month"), [3 * DOLLAR, 0]);
    deepEqual(counted(answer, "agent:1", "month@Pacific/Auckland"), [2 * DOLLAR, 0]);
    const { usdSpent, monthlyBudgetUsd, percentUsd, remainingUsd, budgets } = usageStats(answer);
    deepEqual([usdSpent, monthlyBudgetUsd, percentUsd, remainingUsd], [3, null, null, 3]);
    deepEqual(
      budgets.map(({ window, timeZone, spent }) => [window, timeZone, spent]),
      [["month", "Pacific/Auckland", 2]],
    );
  },
  "three windows of one kind count and judge each for itself": async (bench) => {
    const chain = [
      link("user:1", [
        { window: "day", usd: 3 },
        { window: "day", usd: 2, timeZone: "Asia/Kolkata" },
        { window: "day", usd: 1, timeZone: "America/New_York" },
      ]),
    ];
    await record(bench, chain, usd(DOLLAR));
    // Midnight in Kolkata is 18:30 UTC; New York's day goes on until 05:00.
    goTo(bench, "2026-11-25T18:30:00Z");
    const answer = await check(bench, chain, usd(1));
    deepEqual(counted(answer, "user:1", "day"), [DOLLAR, 0]);
    deepEqual(counted(answer, "user:1", "day@Asia/Kolkata"), [0, 0]);
    deepEqual(
      answer.denials.map(({ timeZone }) => timeZone),
      ["America/New_York"],
    );
    goTo(bench, "2026-11-26T05:00:00Z");
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
  },
  "an hour of a zone by half an hour ends at its half hours": async (bench) => {
    const chain = [link("user:1", [{ window: "hour", requests: 1, timeZone: "Asia/Kolkata" }])];
    ok(isHeld(await reserve(bench, chain, usd(0))));
    goTo(bench, "2026-11-25T10:29:59Z");
    equal((await reserve(bench, chain, usd(0))).outcome, "denied");
    goTo(bench, "2026-11-25T10:30:00Z");
    ok(isHeld(await reserve(bench, chain, usd(0))));
  },
  "a zone is one window however it is spelled": async (bench) => {
    for (const timeZone of [
      "Asia/Kolkata",
      "Africa/Asmara",
      "US/Eastern",
      "EST5EDT",
      "America/Port_of_Spain",
    ]) {
      const scope = `zone:${timeZone}`;
      const mixed = timeZone.charAt(0).toLowerCase() + timeZone.slice(1).toUpperCase();
      for (const spelled of [timeZone, timeZone.toLowerCase(), timeZone.toUpperCase(), mixed]) {
        await record(bench, [link(scope, [{ window: "day", usd: 1, timeZone: spelled }])], usd(CENT));
      }
      const { accounts } = await check(bench, [link(scope)]);
      const days = accounts
        .flatMap(({ windows }) => windows)
        .filter(({ window }) => window.startsWith("day"));
      deepEqual(
        days.map(({ window, settled }) => [window, settled.nanoUsd]),
        [[`day@${timeZone}`, 4 * CENT]],
      );
    }
  },
  "a hold that straddles a zone's midnight counts in the day of its reserve": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1, timeZone: "Europe/Berlin" }])];
    goTo(bench, "2027-03-27T22:59:00Z");
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    // Berlin's clocks go forward that night.
    bench.advance(2 * 60_000);
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR), { id: "b" })));
    const answer = await settle(bench, chain, "a", usd(20 * CENT));
    deepEqual(counted(answer, "user:1", "day@Europe/Berlin"), [0, DOLLAR]);
    deepEqual(counted(answer, "user:1", "month"), [20 * CENT, DOLLAR]);
    goTo(bench, "2027-03-28T21:59:59Z");
    equal((await reserve(bench, chain, usd(CENT))).outcome, "denied");
    goTo(bench, "2027-03-28T22:00:00Z");
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
  },
  "enforces a zone's budget for a meter made without one": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1, timeZone: "Asia/Tokyo" }])];
    await record(bench, chain, usd(DOLLAR));
    for (const midnight of ["2026-11-25T15:00:00Z", "2026-11-28T15:00:00Z"]) {
      goTo(bench, midnight);
      bench.advance(-1);
      equal((await reserve(bench, [link("user:1")], usd(DOLLAR))).outcome, "denied");
      bench.advance(1);
      ok(isHeld(await reserve(bench, [link("user:1")], usd(DOLLAR))));
      bench.advance(2 * DAY);
      await record(bench, [link("user:1")], usd(DOLLAR));
    }
  },
  "binds by what an administrator stored for a zone": async (bench) => {
    await storeLimits(bench, "user:1", [
      { window: "week", usd: 1, timeZone: "Asia/Tokyo", anchor: "2026-11-26" },
    ]);
    const chain = [link("user:1", [{ window: "week", usd: 5 }])];
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
    const denied = await reserve(bench, chain, usd(CENT));
    ok(denied.outcome === "denied");
    deepEqual(
      denied.denials.map(({ timeZone, anchor, source, resetsAt }) => [timeZone, anchor, source, resetsAt]),
      [["Asia/Tokyo", "2026-11-26", "store", new Date("2026-11-25T15:00:00Z")]],
    );
    goTo(bench, "2026-11-25T15:00:00Z");
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
    equal((await reserve(bench, chain, usd(CENT))).outcome, "denied");
  },
  "a threshold fires once in each window, and its mark is that window's": async (bench) => {
    const tokyo: WindowName = "day@Asia/Tokyo";
    const chain = [
      link("user:1", [
        { window: "day", usd: 1 },
        { window: "day", usd: 1, timeZone: "Asia/Tokyo" },
      ]),
    ];
    const cross = async () => {
      const answer = await record(bench, chain, usd(60 * CENT), { thresholds: [0.5] });
      return answer.outcome === "booked" ? answer.crossings : [];
    };
    const first = await cross();
    deepEqual(
      first.map(({ window }) => window),
      ["day", tokyo],
    );
    deepEqual(await cross(), []);
    const crossing = first.find(({ window }) => window === tokyo);
    ok(crossing);
    await bench.store.unmark({ ...administer(bench, "user:1"), crossing });
    deepEqual(await cross(), [crossing]);
    goTo(bench, "2026-11-25T15:00:00Z");
    deepEqual(
      (await cross()).map(({ window }) => window),
      [tokyo],
    );
  },
  "another anchor or zone is another window: it begins at zero, and the old one goes on counting": async (
    bench,
  ) => {
    const from = (anchor: string, timeZone?: string) => [
      link("user:1", [{ window: "month", usd: 1, anchor, ...(timeZone === undefined ? {} : { timeZone }) }]),
    ];
    const before = from("2026-01-15");
    await record(bench, before, usd(DOLLAR));
    equal((await reserve(bench, before, usd(CENT))).outcome, "denied");
    for (const changed of [from("2026-01-20"), from("2026-01-15", "Asia/Tokyo")]) {
      ok(isHeld(await reserve(bench, changed, usd(DOLLAR))));
      equal((await reserve(bench, changed, usd(CENT))).outcome, "denied");
    }
    deepEqual(await standing(bench, "user:1", "month#2026-01-15"), [DOLLAR, 2 * DOLLAR]);
    equal((await reserve(bench, before, usd(CENT))).outcome, "denied");
  },
});

/** `name` in place of a window's, in a stored field. */
async function rename(bench: Bench, field: "w" | "o", from: string, name: string): Promise<void> {
  const text = (await bench.fields("user:1"))[field] ?? "";
  ok(text.includes(`${from} `));
  await bench.tamper("user:1", field, text.replace(`${from} `, `${name} `));
}

const TOO_NEW = { code: "LAYOUT_TOO_NEW" };
const UNKNOWN = ["fortnight", "day@Mars/Olympus", "month#2026-02-30", "minute@Asia/Tokyo"];

export const UNKNOWN_WINDOWS_CASES: StoreCase[] = promise("a window that is not known here", {
  "denies where its recorded limit judges": async (bench) => {
    await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(CENT));
    let known = "day";
    for (const name of UNKNOWN) {
      await rename(bench, "w", known, name);
      known = name;
      const says = {
        ...TOO_NEW,
        message: new RegExp(`user:1 counts a window "${name}" that is not known here`),
      };
      await rejects(reserve(bench, [link("user:1")], usd(CENT)), says);
      await rejects(check(bench, [link("user:1")]), says);
    }
  },
  "denies where it has ended, since nobody here can tell how it goes on": async (bench) => {
    const mine = [link("user:1", [{ window: "hour", usd: 9 }])];
    await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(CENT));
    await rename(bench, "w", "day", "fortnight");
    bench.advance(DAY);
    const before = await bench.fields("user:1");
    await rejects(reserve(bench, mine, usd(CENT)), TOO_NEW);
    await rejects(record(bench, mine, usd(CENT)), TOO_NEW);
    deepEqual(await bench.fields("user:1"), before);
  },
  "is counted on, and asks for nothing, where no limit of it judges": async (bench) => {
    const mine = [link("user:1", [{ window: "month", usd: 1 }])];
    await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(CENT));
    await rename(bench, "w", "day", "fortnight");
    await check(bench, mine);
    ok(isHeld(await reserve(bench, mine, usd(9 * CENT))));
    await reserve(bench, [link("user:1")], usd(90 * CENT), { id: "a" });
    await settle(bench, mine, "a", usd(90 * CENT));
    const { o, c } = await bench.fields("user:1");
    equal(o?.startsWith("fortnight "), true);
    equal(c?.endsWith(`;${100 * CENT},0,3;`), true);
  },
  "is dropped without being asked for, when nobody has sent it for a whole window": async (bench) => {
    const mine = [link("user:1", [{ window: "month", usd: 1 }])];
    await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(CENT));
    await record(bench, mine, usd(CENT));
    bench.advance(DAY);
    await record(bench, mine, usd(CENT));
    await rename(bench, "o", "day", "fortnight");
    bench.advance(DAY);
    deepEqual(await standing(bench, "user:1"), [3 * CENT, 0]);
    ok(isHeld(await reserve(bench, mine, usd(CENT))));
    equal((await bench.fields("user:1")).o, undefined);
  },
});
