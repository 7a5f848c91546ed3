/** Bounds of windows: laws that hold for all of them, and the clocks of every zone from 1990 to 2060. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isWindowName,
  type WindowName,
  type WindowParts,
  windowName,
} from "../../src/ledger/window-names.ts";
import { type Bounds, windowBounds } from "../../src/ledger/windows.ts";
import { type WalkedZone, walkedStarts, walkZone } from "./walked-clocks.ts";

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
const FROM_SECONDS = Date.UTC(1990) / 1000;
const TO_SECONDS = Date.UTC(2060) / 1000;
const LATEST_RULES_SECONDS = Date.UTC(2030) / 1000;
const ZONES = [...Intl.supportedValuesOf("timeZone"), "Asia/Kolkata", "Europe/Kyiv"];
/** Half hours, quarters, changes at midnight, at 00:01, by half an hour and by whole days, the southern summer. */
const ODD_ZONES = [
  "Africa/Cairo",
  "America/New_York",
  "America/Sao_Paulo",
  "America/St_Johns",
  "Antarctica/Troll",
  "Asia/Beirut",
  "Asia/Kathmandu",
  "Asia/Pyongyang",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Pacific/Chatham",
  "Pacific/Kwajalein",
];

const kinds = fc.constantFrom("minute", "hour", "day", "week", "month");
const zones = fc.oneof(fc.constantFrom(...ODD_ZONES), fc.constantFrom(...ZONES));
const dates = fc
  .date({ min: new Date("1990-01-01"), max: new Date("2060-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const names: fc.Arbitrary<WindowName> = fc
  .record({ window: kinds, timeZone: zones, anchor: fc.option(dates, { nil: undefined }) })
  .map(({ window, timeZone, anchor }) =>
    windowName({ window, timeZone, anchor: window === "week" || window === "month" ? anchor : undefined }),
  );
const times = fc.integer({ min: FROM_SECONDS, max: TO_SECONDS });

const at = (name: WindowName, seconds: number): Bounds => windowBounds(name, seconds * 1000);

describe("Windows", () => {
  it("hold each time in exactly one of a name, and follow one another without gap and overlap", () => {
    const law = fc.property(names, times, fc.nat(), (name, seconds, inside) => {
      const bounds = at(name, seconds);
      const { startSeconds, endSeconds } = bounds;
      expect(startSeconds).toBeLessThanOrEqual(seconds);
      expect(endSeconds).toBeGreaterThan(seconds);
      const before = at(name, startSeconds - 1);
      const after = at(name, endSeconds);
      expect([before.endSeconds, after.startSeconds]).toEqual([startSeconds, endSeconds]);
      // Asked from within both neighbours, so that what is remembered of the last answer is of no help.
      for (const [neighbour, each] of [
        [before, startSeconds],
        [after, endSeconds - 1],
        [before, startSeconds + (inside % (endSeconds - startSeconds))],
      ] as const) {
        expect(at(name, neighbour.startSeconds)).toEqual(neighbour);
        expect(at(name, each)).toEqual(bounds);
      }
    });
    fc.assert(law, { numRuns: 2_000 });
  });

  it("last as long as their kind says, a changed clock aside", () => {
    const hours: Record<string, [least: number, most: number]> = {
      minute: [1 / 60, 1 / 60],
      hour: [0.5, 1.5],
      // Casey station has set its clocks by three hours.
      day: [21, 27],
      week: [7 * 24 - 3, 7 * 24 + 3],
      month: [28 * 24 - 24, 31 * 24 + 24],
    };
    const law = fc.property(names, times, (name, seconds) => {
      const { startSeconds, endSeconds } = at(name, seconds);
      const [least = 0, most = 0] = hours[name.split(/[@#]/)[0] ?? ""] ?? [];
      const length = (endSeconds - startSeconds) / HOUR_SECONDS;
      expect(length).toBeGreaterThanOrEqual(least);
      expect(length).toBeLessThanOrEqual(most);
    });
    fc.assert(law, { numRuns: 2_000 });
  });
});

describe("Windows of a zone begin where its clocks say so", () => {
  it("day by day and hour by hour around every change of every zone, 1990 to 2060", () => {
    const walked = new Map<string, string>();
    let changes = 0;
    for (const timeZone of ZONES) {
      const zone = walkZone(timeZone);
      const clocks = JSON.stringify(zone);
      if (walked.has(clocks)) continue;
      walked.set(clocks, timeZone);
      for (const [place, { atSeconds }] of zone.changes.entries()) {
        // Later ones repeat the rules of today.
        if (atSeconds > LATEST_RULES_SECONDS && place % 7 !== 0) continue;
        changes += 1;
        expectWalked(timeZone, zone, "day", [atSeconds - 3 * DAY_SECONDS, atSeconds + 3 * DAY_SECONDS]);
        expectWalked(timeZone, zone, "hour", [atSeconds - 4 * HOUR_SECONDS, atSeconds + 4 * HOUR_SECONDS]);
      }
    }
    expect(changes).toBeGreaterThan(5_000);
  }, 60_000);

  it("in any week and month of any zone, from any anchor", () => {
    const law = fc.property(zones, fc.constantFrom("week", "month"), fc.option(dates), times, (...given) => {
      const [timeZone, window, anchor, seconds] = given;
      const span: [number, number] = [seconds, seconds + (window === "week" ? 40 : 140) * DAY_SECONDS];
      expectWalked(timeZone, walkZone(timeZone), window, span, anchor ?? undefined);
    });
    fc.assert(law, { numRuns: 100 });
  }, 60_000);

  it.each(["America/New_York", "America/Sao_Paulo", "Pacific/Apia"])(
    "in every month of %s, 1990 to 2060, on the last days of shorter months",
    (timeZone) => {
      const zone = walkZone(timeZone);
      for (const anchor of [undefined, "2024-02-29", "2026-01-31"]) {
        expectWalked(timeZone, zone, "month", [FROM_SECONDS, TO_SECONDS], anchor);
      }
    },
    60_000,
  );

  function expectWalked(
    timeZone: string,
    zone: WalkedZone,
    window: WindowParts["window"],
    [from, to]: [number, number],
    anchor?: string,
  ) {
    const parts = { window, timeZone, anchor };
    const name = windowName(parts);
    const starts = walkedStarts(zone, parts, from, to);
    const expected = starts.slice(1).map((endSeconds, place) => {
      return { startSeconds: starts[place] ?? 0, endSeconds };
    });
    expect(expected.length).toBeGreaterThan(0);
    expect(
      expected.map(({ startSeconds }) => at(name, startSeconds)),
      name,
    ).toEqual(expected);
    expect(
      expected.map(({ endSeconds }) => at(name, endSeconds - 1)),
      name,
    ).toEqual(expected);
  }
});

describe("A window", () => {
  it.each<[WindowName, at: string, start: string, end: string]>([
    // 23 and 25 hours.
    ["day@America/New_York", "2026-03-08T12:00Z", "2026-03-08T05:00Z", "2026-03-09T04:00Z"],
    ["day@America/New_York", "2026-11-01T12:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"],
    // No midnight on these days: clocks went from 23:59 to 01:00.
    ["day@America/Sao_Paulo", "2018-11-04T03:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z"],
    ["day@Africa/Cairo", "2026-04-24T00:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"],
    ["day@Asia/Beirut", "2026-03-29T00:00Z", "2026-03-28T22:00Z", "2026-03-29T21:00Z"],
    // Clocks went from 23:30 to 00:30.
    ["day@America/Toronto", "1919-03-31T04:45Z", "1919-03-31T04:30Z", "1919-04-01T04:00Z"],
    // Midnight came twice, at 00:01 back to 23:01: the day begins with the first.
    ["day@America/St_Johns", "2010-11-07T03:00Z", "2010-11-07T02:30Z", "2010-11-08T03:30Z"],
    // 2011-12-30 never was.
    ["day@Pacific/Apia", "2011-12-30T09:59Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"],
    ["day@Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z"],
    ["week@Pacific/Apia#2011-12-30", "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2012-01-05T10:00Z"],
    // Half an hour.
    ["day@Australia/Lord_Howe", "2026-04-05T00:00Z", "2026-04-04T13:00Z", "2026-04-05T13:30Z"],
    ["day@Australia/Lord_Howe", "2026-10-04T00:00Z", "2026-10-03T13:30Z", "2026-10-04T13:00Z"],
    ["hour@Australia/Lord_Howe", "2026-04-04T14:59Z", "2026-04-04T14:00Z", "2026-04-04T15:30Z"],
    ["hour@Asia/Kolkata", "2026-03-29T06:10Z", "2026-03-29T05:30Z", "2026-03-29T06:30Z"],
    ["hour@Asia/Kathmandu", "2026-03-29T06:10Z", "2026-03-29T05:15Z", "2026-03-29T06:15Z"],
    ["hour@America/New_York", "2026-11-01T06:10Z", "2026-11-01T06:00Z", "2026-11-01T07:00Z"],
    // Weeks from Wednesday; the year's end.
    ["week@America/New_York", "2026-11-25T10:20Z", "2026-11-23T05:00Z", "2026-11-30T05:00Z"],
    ["week#2026-01-07", "2026-11-25T00:00Z", "2026-11-25T00:00Z", "2026-12-02T00:00Z"],
    ["month@Asia/Tokyo", "2026-12-31T15:00Z", "2026-12-31T15:00Z", "2027-01-31T15:00Z"],
    // The 31st falls on the last day of shorter months, in leap years too; an anchor counts backwards as well.
    ["month#2026-01-31", "2026-02-27T23:59Z", "2026-01-31T00:00Z", "2026-02-28T00:00Z"],
    ["month#2026-01-31", "2028-02-29T00:00Z", "2028-02-29T00:00Z", "2028-03-31T00:00Z"],
    ["month#2026-01-31", "2020-04-30T00:00Z", "2020-04-30T00:00Z", "2020-05-31T00:00Z"],
    ["month#2024-02-29", "2026-02-28T00:00Z", "2026-02-28T00:00Z", "2026-03-29T00:00Z"],
    ["month@America/New_York#2026-01-15", "2026-11-25T10:20Z", "2026-11-15T05:00Z", "2026-12-15T05:00Z"],
  ])("%s holds %s from %s to %s", (name, time, start, end) => {
    const seconds = (text: string): number => Date.parse(text) / 1000;
    expect(at(name, seconds(time))).toEqual({ startSeconds: seconds(start), endSeconds: seconds(end) });
  });

  it("that is the calendar's in UTC has the bounds of UTC's calendar", () => {
    const utc: WalkedZone = { firstOffset: 0, changes: [] };
    for (const window of ["hour", "day", "week", "month"] as const) {
      const to = FROM_SECONDS + (window === "hour" ? 5 : 1_500) * DAY_SECONDS;
      const starts = walkedStarts(utc, { window }, FROM_SECONDS, to);
      expect(starts.length).toBeGreaterThan(40);
      for (const [place, endSeconds] of starts.slice(1).entries()) {
        expect(at(window, endSeconds - 1)).toEqual({ startSeconds: starts[place], endSeconds });
      }
    }
  });

  it("has a name only if it is of a known kind, zone and date", () => {
    for (const name of [
      "day",
      "day@Asia/Kolkata",
      "week#2026-01-07",
      "month@Asia/Tokyo#2024-02-29",
      "total",
    ]) {
      expect(isWindowName(name), name).toBe(true);
    }
    for (const name of [
      "",
      "fortnight",
      "day@",
      "day@Mars/Olympus",
      "day@+05:30",
      "day#2026-01-07",
      "minute@Asia/Tokyo",
      "total@Asia/Tokyo",
      "month#2026-02-30",
      "month#2026-1-1",
      "month@Asia/Tokyo#",
      "month#2026-01-31@Asia/Tokyo",
      "__proto__",
    ]) {
      expect(isWindowName(name), name).toBe(false);
    }
  });
});
