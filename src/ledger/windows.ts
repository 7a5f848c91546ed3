/** The bounds of windows, as pure functions of a time. */
import { dayStartSeconds, localDay, localHour } from "./time-zones.ts";
import { dayOfDate, FIRST_MONDAY, type WindowName, type WindowParts, windowParts } from "./window-names.ts";

/** Bounds in whole seconds since 1970: a time is inside when `start <= time < end`. */
export interface Bounds {
  startSeconds: number;
  endSeconds: number;
}

/** The year 10000: the end of `total`, which never ends. */
export const NEVER_SECONDS = 253_402_300_800;

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const WEEK_DAYS = 7;
const MAX_REMEMBERED_NAMES = 2_000;

/**
 * The window of this name that holds a time. Windows of one name follow one another without gap and overlap.
 *
 * A day begins with the first moment of its date in the window's zone, an hour when its clocks show a whole hour. A week
 * begins on the weekday of its anchor, a month on the anchor's day of the month or on the last day of a shorter one.
 */
export function windowBounds(name: WindowName, atMs: number): Bounds {
  const atSeconds = Math.floor(atMs / 1000);
  switch (name) {
    case "minute":
      return aligned(atSeconds, MINUTE_SECONDS, 0);
    case "hour":
      return aligned(atSeconds, HOUR_SECONDS, 0);
    case "day":
      return aligned(atSeconds, DAY_SECONDS, 0);
    case "week":
      return aligned(atSeconds, WEEK_DAYS * DAY_SECONDS, FIRST_MONDAY * DAY_SECONDS);
    case "total":
      return { startSeconds: 0, endSeconds: NEVER_SECONDS };
    default:
      return rememberedBounds(name, atSeconds);
  }
}

function aligned(atSeconds: number, lengthSeconds: number, originSeconds: number): Bounds {
  const startSeconds =
    Math.floor((atSeconds - originSeconds) / lengthSeconds) * lengthSeconds + originSeconds;
  return { startSeconds, endSeconds: startSeconds + lengthSeconds };
}

const lastBounds = new Map<WindowName, Bounds>();

/** Asking Intl takes some 10 µs, and nearly every time is inside the last window that was asked for. */
function rememberedBounds(name: WindowName, atSeconds: number): Bounds {
  const last = lastBounds.get(name);
  if (last !== undefined && last.startSeconds <= atSeconds && atSeconds < last.endSeconds) return last;
  const bounds = localBounds(windowParts(name), atSeconds);
  if (lastBounds.size >= MAX_REMEMBERED_NAMES) lastBounds.clear();
  lastBounds.set(name, bounds);
  return bounds;
}

function localBounds({ window, timeZone = "UTC", anchor }: WindowParts, atSeconds: number): Bounds {
  const anchorDay = anchor === undefined ? undefined : dayOfDate(anchor);
  switch (window) {
    case "minute":
    case "total":
      return windowBounds(window, atSeconds * 1000);
    case "hour":
      return localHour(timeZone, atSeconds);
    case "day":
      return rowBounds(timeZone, rowsOfDays(1, 0), atSeconds);
    case "week":
      return rowBounds(timeZone, rowsOfDays(WEEK_DAYS, anchorDay ?? FIRST_MONDAY), atSeconds);
    case "month":
      return rowBounds(timeZone, monthsFrom(anchorDay ?? 0), atSeconds);
    default:
      return window satisfies never;
  }
}

/** Consecutive rows of days, numbered; days are counted since 1970. */
interface DayRows {
  rowOf(day: number): number;
  firstDay(row: number): number;
}

function rowBounds(timeZone: string, rows: DayRows, atSeconds: number): Bounds {
  const startOf = (row: number): number => dayStartSeconds(timeZone, rows.firstDay(row));
  const row = rows.rowOf(localDay(timeZone, atSeconds));
  const endSeconds = startOf(row + 1);
  if (atSeconds < endSeconds) return { startSeconds: startOf(row), endSeconds };
  // Clocks were set back over midnight: they show yesterday's date once more.
  return { startSeconds: endSeconds, endSeconds: startOf(row + 2) };
}

/** Rows of `length` days, one of which begins on day `origin`. */
function rowsOfDays(length: number, origin: number): DayRows {
  return {
    rowOf: (day) => Math.floor((day - origin) / length),
    firstDay: (row) => row * length + origin,
  };
}

/** Months since the year 0 that begin on the day of the month of `anchorDay`. */
function monthsFrom(anchorDay: number): DayRows {
  const dayOfMonth = dateOf(anchorDay).getUTCDate();
  const firstDay = (month: number): number =>
    Math.min(firstOfMonth(month) + dayOfMonth, firstOfMonth(month + 1)) - 1;
  return {
    firstDay,
    rowOf: (day) => {
      const date = dateOf(day);
      const month = date.getUTCFullYear() * 12 + date.getUTCMonth();
      return day < firstDay(month) ? month - 1 : month;
    },
  };
}

const dateOf = (day: number): Date => new Date(day * DAY_SECONDS * 1000);

function firstOfMonth(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12) / 1000 / DAY_SECONDS;
}
