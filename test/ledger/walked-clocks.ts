/** Where windows begin, found the slow way: the process's own clock is set to a zone and walked by the quarter hour. */
import type { WindowParts } from "../../src/ledger/window-names.ts";

const STEP_SECONDS = 900;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const FROM_SECONDS = Date.UTC(1989, 10, 1) / 1000;
const TO_SECONDS = Date.UTC(2061, 2, 1) / 1000;

/** A zone's offsets from UTC since 1990, in seconds. Offsets of these years are quarters of an hour. */
export interface WalkedZone {
  firstOffset: number;
  changes: { atSeconds: number; offset: number }[];
}

/** Reads a zone by `Date` in local time, which shares no code with `Intl.DateTimeFormat` in the library. */
export function walkZone(timeZone: string): WalkedZone {
  const { TZ } = process.env;
  process.env.TZ = timeZone;
  try {
    const changes: WalkedZone["changes"] = [];
    const firstOffset = systemOffset(FROM_SECONDS);
    let offset = firstOffset;
    for (let at = FROM_SECONDS; at < TO_SECONDS; at += 6 * HOUR_SECONDS) {
      const next = systemOffset(at);
      if (next !== offset) changes.push({ atSeconds: firstSecondOf(next, at), offset: next });
      offset = next;
    }
    return { firstOffset, changes };
  } finally {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  }
}

const systemOffset = (atSeconds: number): number => -60 * new Date(atSeconds * 1000).getTimezoneOffset();

function firstSecondOf(offset: number, atSeconds: number): number {
  let first = atSeconds;
  while (systemOffset(first - 60) === offset) first -= 60;
  return first;
}

/** Every moment in a span at which a window begins. The first day of the span is only looked at. */
export function walkedStarts(zone: WalkedZone, parts: WindowParts, from: number, to: number): number[] {
  const starts: number[] = [];
  let latestDay: number | undefined;
  for (const [at, offset] of walk(zone, from, to)) {
    const local = at + offset;
    if (parts.window === "hour") {
      if (local % HOUR_SECONDS === 0) starts.push(at);
      continue;
    }
    const day = Math.floor(local / DAY_SECONDS);
    latestDay ??= day;
    // A clock that is set back shows dates again that have begun already.
    if (day <= latestDay) continue;
    if (beginsSince(parts, latestDay, day)) starts.push(at);
    latestDay = day;
  }
  return starts;
}

/** Each quarter of an hour and each change, with the offset from then on. */
function* walk({ firstOffset, changes }: WalkedZone, from: number, to: number): Generator<[number, number]> {
  const stretches = [{ atSeconds: FROM_SECONDS, offset: firstOffset }, ...changes];
  for (const [place, { atSeconds, offset }] of stretches.entries()) {
    const end = Math.min(to, stretches[place + 1]?.atSeconds ?? to);
    if (atSeconds >= from && atSeconds < end) yield [atSeconds, offset];
    const first = Math.max(from, atSeconds + 1);
    for (let at = Math.ceil(first / STEP_SECONDS) * STEP_SECONDS; at < end; at += STEP_SECONDS)
      yield [at, offset];
  }
}

/** Whether a window begins on one of the dates after `shown`; clocks can skip whole days. */
function beginsSince(parts: WindowParts, shown: number, day: number): boolean {
  for (let each = shown + 1; each <= day; each += 1) if (beginsOn(parts, each)) return true;
  return false;
}

function beginsOn({ window, anchor }: WindowParts, day: number): boolean {
  const date = new Date(day * DAY_SECONDS * 1000);
  const anchored = anchor === undefined ? undefined : new Date(anchor);
  if (window === "week") return date.getUTCDay() === (anchored?.getUTCDay() ?? 1);
  if (window === "day") return true;
  const wanted = anchored?.getUTCDate() ?? 1;
  const tomorrow = new Date((day + 1) * DAY_SECONDS * 1000);
  return date.getUTCDate() === wanted || (date.getUTCDate() < wanted && tomorrow.getUTCDate() === 1);
}
