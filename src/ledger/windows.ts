/** Calendar windows in UTC, as pure functions of a time. */
import type { Window } from "./budgets.ts";

/** Every window, in the canonical order of lists. */
export const WINDOWS: readonly Window[] = ["minute", "hour", "day", "week", "month", "total"];

/** Bounds in whole seconds since 1970: a time is inside when `start <= time < end`. */
export interface Bounds {
  startSeconds: number;
  endSeconds: number;
}

/** The year 10000: the end of `total`, which never ends. */
export const NEVER_SECONDS = 253_402_300_800;

const FIXED_SECONDS = { minute: 60, hour: 3_600, day: 86_400 } as const;
const WEEK_SECONDS = 604_800;
/** 1970-01-05, a Monday. */
const FIRST_MONDAY_SECONDS = 345_600;

export function isWindow(value: unknown): value is Window {
  return WINDOWS.some((window) => window === value);
}

/** The window of this kind that holds a time. */
export function windowBounds(window: Window, atMs: number): Bounds {
  const atSeconds = Math.floor(atMs / 1000);
  switch (window) {
    case "minute":
    case "hour":
    case "day":
      return aligned(atSeconds, FIXED_SECONDS[window], 0);
    case "week":
      return aligned(atSeconds, WEEK_SECONDS, FIRST_MONDAY_SECONDS);
    case "month":
      return month(atMs);
    case "total":
      return { startSeconds: 0, endSeconds: NEVER_SECONDS };
    default:
      return window satisfies never;
  }
}

function aligned(atSeconds: number, lengthSeconds: number, originSeconds: number): Bounds {
  const startSeconds =
    Math.floor((atSeconds - originSeconds) / lengthSeconds) * lengthSeconds + originSeconds;
  return { startSeconds, endSeconds: startSeconds + lengthSeconds };
}

function month(atMs: number): Bounds {
  const date = new Date(atMs);
  const year = date.getUTCFullYear();
  const index = date.getUTCMonth();
  return { startSeconds: Date.UTC(year, index) / 1000, endSeconds: Date.UTC(year, index + 1) / 1000 };
}
