/** Raw accounts to what callers read: windows as they stand at a time, with the limits that judge. */
import { StoreDataError } from "../errors.ts";
import {
  type AccountFields,
  type AccountWindow,
  addAmounts,
  hasEnded,
  malformedMessage,
  PAUSED,
  parseAccount,
  zeroAmounts,
} from "./account.ts";
import type { RawAccount } from "./commands.ts";
import { limitsInForce, noLimits } from "./limits.ts";
import type { AccountView, WindowLimits, WindowView } from "./store.ts";
import { parseSegments } from "./wheel.ts";
import { compareWindowNames, isWindow, isWindowName } from "./window-names.ts";
import { NEVER_SECONDS, windowBounds } from "./windows.ts";

/**
 * One scope at `atMicros`. Windows that have ended stand at zero; due holds that no sweep has moved yet count as spent.
 *
 * @param limits the caller's own list; left out: the recorded one.
 * @throws StoreDataError when a field is not of this layout, or limits judge in a window that is not known here.
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
  const account = parseAccount(scope, accountFields(raw));
  for (const [minute, text] of raw.due) chargeDue(scope, account.windows, minute, text);
  const known = account.windows.flatMap((window) => viewWindow(scope, window, limits, atMicros));
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

function accountFields(raw: RawAccount): AccountFields {
  const fields = new Map<string, string>();
  for (const field of ["w", "o", "c", "s"] as const) {
    const text = raw[field];
    if (text !== undefined) fields.set(field, text);
  }
  return fields;
}

/** The canonical list with the calendar month in it, which every account counts. */
export function withMonth(limits: WindowLimits[]): WindowLimits[] {
  if (limits.some((entry) => entry.window === "month")) return limits;
  const month: WindowLimits = { window: "month", hard: noLimits(), soft: noLimits() };
  return [...limits, month].sort((a, b) => compareWindowNames(a.window, b.window));
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
): WindowView[] {
  const { name } = window;
  const own = limits?.find((entry) => entry.window === name);
  const code = limits === undefined ? window : (own ?? { hard: noLimits(), soft: noLimits() });
  const inForce = limitsInForce(window.stored, code);
  if (!isWindowName(name)) {
    if (inForce.length === 0) return [];
    throw unknownWindow(scope, name);
  }
  if (hasEnded(window, atMicros)) {
    return [
      { ...freshView({ window: name, hard: noLimits(), soft: noLimits() }, atMicros), limits: inForce },
    ];
  }
  const view: WindowView = {
    window: name,
    startMs: window.startSeconds * 1000,
    endMs: endMs(window.endSeconds),
    settled: window.settled,
    held: addAmounts(window.committed, window.settled, -1),
    limits: inForce,
  };
  return [view];
}

/**
 * For an account that waits for new bounds of windows that have ended.
 *
 * @throws StoreDataError where one of them is not known here, and so can't be told. One that would be dropped needs none.
 */
export function refuseUnknownEnded(scope: string, raw: RawAccount, atMicros: number): void {
  const { windows } = parseAccount(scope, accountFields(raw));
  const unknown = windows.find(
    (window) =>
      hasEnded(window, atMicros) &&
      (window.listed || window.sentSinceRoll || window.stored !== undefined) &&
      !isWindowName(window.name),
  );
  if (unknown !== undefined) throw unknownWindow(scope, unknown.name);
}

function unknownWindow(scope: string, name: string): StoreDataError {
  const isKindKnown = isWindow(name.split(/[@#]/, 1)[0]);
  const wayOn = isKindKnown
    ? "its time zone is missing here: update this runtime, or agentlimit"
    : "update agentlimit here";
  return new StoreDataError(
    `${scope} counts a window ${JSON.stringify(name)} that is not known here; ${wayOn}.`,
    "LAYOUT_TOO_NEW",
  );
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
