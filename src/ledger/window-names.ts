/** The names of windows in stores: `day`, `month@America/New_York`, `week#2026-01-07`, `month@Asia/Tokyo#2026-01-31`. */
import type { Window } from "./budgets.ts";
import { knownTimeZone } from "./time-zones.ts";

/** Every kind of window, in the canonical order of lists. */
export const WINDOWS: readonly Window[] = ["minute", "hour", "day", "week", "month", "total"];

/** A kind, `@zone` where it is not UTC, `#anchor` where it is not the calendar. A bare kind is the calendar's, in UTC. */
export type WindowName = Window | `${Window}${"@" | "#"}${string}`;

/** What a name says. */
export interface WindowParts {
  window: Window;
  /** An IANA name; left out: UTC. */
  timeZone?: string | undefined;
  /** `YYYY-MM-DD`; left out: the calendar's. */
  anchor?: string | undefined;
}

/** 1970-01-05, in days since 1970. */
export const FIRST_MONDAY = 4;
const DAY_MS = 86_400_000;
const DATE = /^\d{4}-\d\d-\d\d$/;
const NAME = /^([a-z]+)(?:@([^#]+))?(?:#(.+))?$/;
const MAX_KNOWN_NAMES = 5_000;

export function isWindow(value: unknown): value is Window {
  return WINDOWS.some((window) => window === value);
}

/** Whether bounds of these windows depend on the zone; minutes are the same everywhere. */
export function dependsOnZone(window: Window): boolean {
  return window !== "minute" && window !== "total";
}

export function mayHaveAnchor(window: Window): window is "week" | "month" {
  return window === "week" || window === "month";
}

/** A date as days since 1970; undefined unless it is a real one, `YYYY-MM-DD`. */
export function dayOfDate(date: unknown): number | undefined {
  if (typeof date !== "string" || !DATE.test(date)) return undefined;
  const ms = Date.parse(`${date}T00:00:00Z`);
  const isReal = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
  return isReal ? ms / DAY_MS : undefined;
}

/** The one name of a window: without a zone or an anchor that changes nothing. The parts are checked already. */
export function windowName({ window, timeZone = "UTC", anchor }: WindowParts): WindowName {
  const zone = timeZone === "UTC" || !dependsOnZone(window) ? "" : (`@${timeZone}` as const);
  const date = anchor === undefined || isCalendar(window, anchor) ? "" : (`#${anchor}` as const);
  if (zone === "" && date === "") return window;
  return zone === "" ? `${window}${date}` : `${window}${zone}${date}`;
}

function isCalendar(window: Window, anchor: string): boolean {
  if (window === "month") return anchor.endsWith("-01");
  return ((dayOfDate(anchor) ?? 0) - FIRST_MONDAY) % 7 === 0;
}

const partsOfName = new Map<string, WindowParts | undefined>();

/** What a name says. */
export function windowParts(name: WindowName): WindowParts {
  const parts = parseWindowName(name);
  if (parts === undefined) throw new TypeError(`No window has the name ${name}.`);
  return parts;
}

/** What a stored name says; undefined where this version or this runtime does not know such a window. */
export function parseWindowName(name: string): WindowParts | undefined {
  if (isWindow(name)) return { window: name };
  if (!partsOfName.has(name)) {
    if (partsOfName.size >= MAX_KNOWN_NAMES) partsOfName.clear();
    partsOfName.set(name, parse(name));
  }
  return partsOfName.get(name);
}

/** The canonical order of lists: by kind, and within a kind the calendar in UTC first. */
export function compareWindowNames(a: WindowName, b: WindowName): number {
  const kinds = placeOf(a) - placeOf(b);
  if (kinds !== 0) return kinds;
  return a < b ? -1 : Number(a > b);
}

function placeOf(name: WindowName): number {
  return WINDOWS.findIndex(
    (window) => name === window || name.startsWith(`${window}@`) || name.startsWith(`${window}#`),
  );
}

export function isWindowName(name: string): name is WindowName {
  return parseWindowName(name) !== undefined;
}

function parse(name: string): WindowParts | undefined {
  const [, window, timeZone, anchor] = NAME.exec(name) ?? [];
  if (!isWindow(window)) return undefined;
  const isZoneKnown =
    timeZone === undefined || (dependsOnZone(window) && knownTimeZone(timeZone) !== undefined);
  const isAnchorKnown = anchor === undefined || (mayHaveAnchor(window) && dayOfDate(anchor) !== undefined);
  if (!isZoneKnown || !isAnchorKnown) return undefined;
  return {
    window,
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(anchor === undefined ? {} : { anchor }),
  };
}

/** For people: `month`, `month (America/New_York, from 2026-01-31)`. */
export function windowLabel(parts: WindowParts): string {
  const details = windowDetails(parts);
  return details === "" ? parts.window : `${parts.window} (${details})`;
}

/** `America/New_York, from 2026-01-31`; empty for the calendar in UTC. */
export function windowDetails({ timeZone, anchor }: WindowParts): string {
  return [timeZone, anchor && `from ${anchor}`].filter((detail) => detail !== undefined).join(", ");
}
