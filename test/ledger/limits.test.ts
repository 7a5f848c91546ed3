/** Budgets to canonical limits: one name a window, and what is refused. */
import { describe, expect, it } from "vitest";
import { InvalidBudgetError } from "../../src/errors.ts";
import type { Budget } from "../../src/ledger/budgets.ts";
import { canonicalLimits } from "../../src/ledger/limits.ts";

const namesOf = (budgets: Budget[]) => canonicalLimits(budgets)?.map(({ window }) => window);

/** Runtimes differ in which of them they list. */
const IRREGULAR_ZONES = [
  "Africa/Dar_es_Salaam",
  "America/Argentina/ComodRivadavia",
  "America/Knox_IN",
  "America/Port-au-Prince",
  "America/Port_of_Spain",
  "Antarctica/DumontDUrville",
  "Antarctica/McMurdo",
  "Australia/ACT",
  "Australia/LHI",
  "Australia/NSW",
  "Brazil/DeNoronha",
  "Chile/EasterIsland",
  "Etc/GMT+5",
  "Etc/GMT-14",
  "Mexico/BajaSur",
];

describe("A window", () => {
  it.each<[Omit<Budget, "usd">, string]>([
    [{ window: "month" }, "month"],
    [{ window: "month", timeZone: "America/New_York" }, "month@America/New_York"],
    [{ window: "month", timeZone: "america/new_york" }, "month@America/New_York"],
    [{ window: "month", anchor: "2026-01-31" }, "month#2026-01-31"],
    [
      { window: "month", timeZone: "America/New_York", anchor: "2026-01-15" },
      "month@America/New_York#2026-01-15",
    ],
    [{ window: "week", anchor: "2026-01-07" }, "week#2026-01-07"],
    [{ window: "day", timeZone: "Asia/Kolkata" }, "day@Asia/Kolkata"],
    [{ window: "day", timeZone: "Asia/Calcutta" }, "day@Asia/Calcutta"],
    [{ window: "day", timeZone: "Etc/GMT+5" }, "day@Etc/GMT+5"],
    [{ window: "hour", timeZone: "Asia/Kathmandu" }, "hour@Asia/Kathmandu"],
  ])("of %o is named %s", (budget, name) => {
    expect(namesOf([{ ...budget, usd: 1 }])).toEqual([name]);
  });

  it("has no zone in its name where it is UTC's, whatever UTC is called", () => {
    const aliases = ["UTC", "utc", "Etc/UTC", "GMT", "Etc/GMT", "Etc/GMT+0", "Etc/GMT-0", "Etc/GMT0", "GMT0"];
    for (const timeZone of [...aliases, "Zulu", "Etc/Zulu", "UCT", "Universal", "Greenwich", "Etc/UCT"]) {
      expect(namesOf([{ window: "day", usd: 1, timeZone }]), timeZone).toEqual(["day"]);
    }
  });

  it("is one window however its zone is spelled, aliases and irregular names too", () => {
    const aliases =
      "Asia/Kolkata Africa/Asmara US/Eastern Mexico/BajaNorte NZ-CHAT W-SU Eire GB-Eire EST5EDT PRC";
    for (const timeZone of [
      ...Intl.supportedValuesOf("timeZone"),
      ...aliases.split(" "),
      ...IRREGULAR_ZONES,
    ]) {
      const mixed = timeZone.charAt(0).toLowerCase() + timeZone.slice(1).toUpperCase();
      const spellings = [timeZone, timeZone.toLowerCase(), timeZone.toUpperCase(), mixed];
      const names = spellings.flatMap((spelled) => namesOf([{ window: "day", usd: 1, timeZone: spelled }]));
      expect([...new Set(names)]).toEqual([timeZone === "UTC" ? "day" : `day@${timeZone}`]);
    }
  });

  it("has no zone or anchor in its name where they change nothing", () => {
    expect(namesOf([{ window: "minute", usd: 1, timeZone: "Asia/Kathmandu" }])).toEqual(["minute"]);
    expect(namesOf([{ window: "total", usd: 1, timeZone: "Asia/Kathmandu" }])).toEqual(["total"]);
    expect(namesOf([{ window: "month", usd: 1, anchor: "2026-03-01" }])).toEqual(["month"]);
    expect(namesOf([{ window: "week", usd: 1, anchor: "2026-11-23" }])).toEqual(["week"]);
    expect(namesOf([{ window: "week", usd: 1, anchor: "1969-12-29" }])).toEqual(["week"]);
  });

  it("has one place in a list, whatever the order in which budgets are given", () => {
    const budgets: Budget[] = [
      { window: "total", usd: 1 },
      { window: "month", usd: 1, timeZone: "Asia/Tokyo" },
      { window: "day", usd: 1, timeZone: "Europe/Paris" },
      { window: "month", usd: 1, anchor: "2026-01-15" },
      { window: "month", usd: 1 },
      { window: "day", tokens: 1 },
      { window: "month", requests: 1, timeZone: "Asia/Tokyo" },
    ];
    const names = ["day", "day@Europe/Paris", "month", "month#2026-01-15", "month@Asia/Tokyo", "total"];
    expect(namesOf(budgets)).toEqual(names);
    expect(namesOf(budgets.toReversed())).toEqual(names);
  });
});

describe("Two budgets", () => {
  it("of different zones, anchors, metrics, or one of them soft, stand in one list", () => {
    const budget: Budget = { window: "month", usd: 1 };
    for (const other of [
      { timeZone: "Asia/Tokyo" },
      { anchor: "2026-01-15" },
      { soft: true },
      { usd: undefined, tokens: 1 },
    ]) {
      expect(() => canonicalLimits([budget, { ...budget, ...other }])).not.toThrow();
    }
  });

  it("of one window, metric and softness are one too many, however the window is written", () => {
    const tokyo: Budget = { window: "month", usd: 1, timeZone: "Asia/Tokyo", anchor: "2026-01-31" };
    expect(() => canonicalLimits([tokyo, { ...tokyo, usd: 2 }])).toThrow(
      "Two usd budgets for one month (Asia/Tokyo, from 2026-01-31): leave one out.",
    );
    const month: Budget = { window: "month", usd: 1 };
    for (const same of [{ timeZone: "GMT" }, { anchor: "2026-01-01" }, { timeZone: "Etc/UTC", usd: 3 }]) {
      expect(() => canonicalLimits([month, { ...month, ...same }])).toThrow(InvalidBudgetError);
    }
  });
});

describe("Bad input is an InvalidBudgetError:", () => {
  it.each<[unknown]>([
    ["+05:30"],
    ["-08"],
    ["UTC+1"],
    ["GMT+5"],
    [""],
    [" "],
    ["Europe/Paris "],
    ["Mars/Olympus"],
    ["Europe/Paris;day"],
    ["Europe/Paris#2026-01-31"],
    ["Europe/Paris\n"],
    ["Europe/Pariſ"],
    ["__proto__"],
    ["constructor"],
    // A runtime may know it, IANA does not: Bangladesh, not Britain.
    ["BST"],
    ["A".repeat(10_000)],
    [null],
    [5.5],
    [{}],
    [["Europe/Paris"]],
  ])("a time zone %j", (timeZone) => {
    const budget = { window: "day", usd: 1, timeZone } as unknown as Budget;
    expect(() => canonicalLimits([budget])).toThrow(InvalidBudgetError);
    expect(() => canonicalLimits([budget])).toThrow(/^`timeZone` of the day budget .{1,200}$/);
  });

  it.each<[unknown]>([
    ["2026-02-29"],
    ["2026-04-31"],
    ["2026-13-01"],
    ["2026-00-10"],
    ["2026-01-00"],
    ["2026-1-5"],
    ["20260105"],
    ["2026-01-05T00:00:00Z"],
    ["+002026-01-05"],
    ["15"],
    [""],
    ["__proto__"],
    [null],
    [15],
    [new Date(0)],
  ])("an anchor %j", (anchor) => {
    const budget = { window: "month", usd: 1, anchor } as unknown as Budget;
    expect(() => canonicalLimits([budget])).toThrow(InvalidBudgetError);
    expect(() => canonicalLimits([budget])).toThrow("`anchor` of the month budget is a date");
  });

  it("an anchor of a window that is no week or month", () => {
    for (const window of ["minute", "hour", "day", "total"] as const) {
      expect(() => canonicalLimits([{ window, usd: 1, anchor: "2026-01-31" }])).toThrow(
        `A ${window} has no \`anchor\``,
      );
    }
  });
});
