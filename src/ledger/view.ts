/** Raw accounts to what callers read: windows as they stand at a time, with the limits that judge. */
import { StoreDataError } from "../errors.ts";
import {
  type AccountWindow,
  addAmounts,
  malformedMessage,
  PAUSED,
  parseAccount,
  zeroAmounts,
} from "./account.ts";
import type { RawAccount } from "./commands.ts";
import { limitsInForce, noLimits } from "./limits.ts";
import type { AccountView, WindowLimits, WindowView } from "./store.ts";
import { parseSegments } from "./wheel.ts";
import { isWindow, NEVER_SECONDS, windowBounds } from "./windows.ts";

/**
 * One scope at `atMicros`. Windows that have ended stand at zero; due holds that no sweep has moved yet count as spent.
 *
 * @param limits the caller's own list; left out: the recorded one.
 * @throws StoreDataError when a field is not of this layout.
 */
export function viewAccount(
  scope: string,
  raw: RawAccount,
  limits: WindowLimits[] | undefined,
  atMicros: number,
): AccountView {
  if (raw.w === undefined && raw.c === undefined && raw.s === undefined) {
    const windows = withMonth(limits ?? []).map((entry) => freshView(entry, atMicros));
    return { scope, exists: false, paused: false, windows };
  }
  const fields = new Map<string, string>();
  for (const field of ["w", "o", "c", "s"] as const) {
    const text = raw[field];
    if (text !== undefined) fields.set(field, text);
  }
  const account = parseAccount(scope, fields);
  for (const [minute, text] of raw.due) chargeDue(scope, account.windows, minute, text);
  const known = account.windows.map((window) => viewWindow(scope, window, limits, atMicros));
  const missing = (limits ?? []).filter((entry) => known.every((window) => window.window !== entry.window));
  const paused = (account.flags & PAUSED) !== 0;
  return {
    scope,
    exists: true,
    paused,
    ...(paused && raw.pauseReason !== undefined ? { pauseReason: raw.pauseReason } : {}),
    windows: [...known, ...missing.map((entry) => freshView(entry, atMicros))],
  };
}

/** The canonical list with the calendar month in it, which every account counts. */
export function withMonth(limits: WindowLimits[]): WindowLimits[] {
  if (limits.some((entry) => entry.window === "month")) return limits;
  const month: WindowLimits = { window: "month", hard: noLimits(), soft: noLimits() };
  const later = limits.findIndex((entry) => entry.window === "total");
  return later < 0 ? [...limits, month] : [...limits.slice(0, later), month, ...limits.slice(later)];
}

function chargeDue(scope: string, windows: AccountWindow[], minute: number, text: string): void {
  const segments = parseSegments(text);
  if (segments === undefined) throw new StoreDataError(malformedMessage(scope, `x:${minute}`));
  for (const segment of segments) {
    for (const window of windows.filter((candidate) => segment.startMicros >= candidate.baseMicros)) {
      window.settled = addAmounts(window.settled, segment.sum);
    }
  }
}

function viewWindow(
  scope: string,
  window: AccountWindow,
  limits: WindowLimits[] | undefined,
  atMicros: number,
): WindowView {
  const { name } = window;
  if (!isWindow(name)) {
    throw new StoreDataError(
      `${scope} counts a window ${JSON.stringify(name)} that this agentlimit does not know: update agentlimit here.`,
      "LAYOUT_TOO_NEW",
    );
  }
  const own = limits?.find((entry) => entry.window === name);
  const code = limits === undefined ? window : (own ?? { hard: noLimits(), soft: noLimits() });
  const inForce = limitsInForce(window.stored, code);
  if (atMicros >= window.endSeconds * 1e6) {
    return { ...freshView({ window: name, hard: noLimits(), soft: noLimits() }, atMicros), limits: inForce };
  }
  return {
    window: name,
    startMs: window.startSeconds * 1000,
    endMs: endMs(window.endSeconds),
    settled: window.settled,
    held: addAmounts(window.committed, window.settled, -1),
    limits: inForce,
  };
}

function freshView(entry: WindowLimits, atMicros: number): WindowView {
  const bounds = windowBounds(entry.window, atMicros / 1000);
  return {
    window: entry.window,
    startMs: bounds.startSeconds * 1000,
    endMs: endMs(bounds.endSeconds),
    settled: zeroAmounts(),
    held: zeroAmounts(),
    limits: limitsInForce(undefined, entry),
  };
}

function endMs(endSeconds: number): number | null {
  return endSeconds === NEVER_SECONDS ? null : endSeconds * 1000;
}
