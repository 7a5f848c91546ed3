/** What every operation with a clock does first: read the time, check the windows, sweep, fold history, roll, take over a list. */
import {
  type AccountWindow,
  addAmounts,
  formatList,
  hasEnded,
  type ListedWindow,
  PAUSED,
  parseList,
  zeroAmounts,
} from "../account.ts";
import type { ScopeArguments } from "../commands.ts";
import { addRow, dayOf, EXPIRED_ROW, foldPlan, forgottenDays, historyField, historyRow } from "../history.ts";
import { noLimits } from "../limits.ts";
import { MAX_HOLD_MINUTES, MINUTE_MICROS, minuteOf, type Segment, wheelField } from "../wheel.ts";
import { isPaused, type LedgerState, OpenAccount, type Outcome, refusal } from "./state.ts";

const SECOND_MICROS = 1_000_000;

/** Accounts at one time, ready to be judged; or the outcome that says why not. */
export type Prepared =
  | { accounts: OpenAccount[]; atMicros: number; refused?: undefined }
  | { refused: Outcome };

interface Preparation {
  scopes: ScopeArguments[];
  withIndex: boolean;
  /** Refuse when a scope is paused. */
  refusePaused?: boolean;
  /** Make an account anew, paused, that the index lists and that has vanished. */
  recreateLost?: boolean;
}

/** Opens every account of a chain; an account that does not exist is undefined. */
export function openAccounts(
  state: LedgerState,
  scopes: readonly { scope: string }[],
): (OpenAccount | undefined)[] {
  return scopes.map(({ scope }, place) => {
    const fields = state.account(scope);
    return fields === undefined ? undefined : new OpenAccount({ scope, place }, fields, undefined);
  });
}

/** The operation's time: the server's clock, but never behind any account's own, so that each operation is later than the last. */
export function timeOf(accounts: readonly (OpenAccount | undefined)[], nowMicros: number): number {
  return Math.max(
    nowMicros,
    ...accounts.map((open) => (open === undefined ? 0 : open.account.lastMicros + 1)),
  );
}

export function prepare(state: LedgerState, command: Preparation, nowMicros: number): Prepared {
  const opened = openAccounts(state, command.scopes);
  const atMicros = timeOf(opened, nowMicros);
  const accounts: OpenAccount[] = [];
  for (const [place, { scope, idleSeconds }] of command.scopes.entries()) {
    const open = opened[place];
    const at = { scope, place };
    if (open !== undefined) accounts.push(open);
    else if (idleSeconds !== undefined) accounts.push(newAccount(at, atMicros, idleSeconds));
    else if (!command.withIndex) return { refused: refusal("INIT", atMicros, []) };
    else if (!state.isIndexed(scope)) accounts.push(newAccount(at, atMicros));
    else if (command.recreateLost === true) accounts.push(recreatedAccount(at, atMicros));
    else return { refused: refusal("LOST", atMicros, [], [place]) };
  }
  const paused = accounts.findIndex(isPaused);
  if (command.refusePaused === true && paused >= 0)
    return { refused: refusal("PAUSED", atMicros, accounts, [paused]) };

  const sent = command.scopes.map(sentWindows);
  if (sent.some(({ all }) => all.some((window) => !isInside(window, atMicros)))) {
    return { refused: refusal("TIME", atMicros, accounts) };
  }
  const lacksBounds = accounts.some((open, index) => missesBounds(open, sent[index], atMicros));
  if (lacksBounds) return { refused: refusal("WINDOWS", atMicros, accounts) };

  for (const [index, open] of accounts.entries()) {
    bringUpToDate(open, sent[index] ?? { list: undefined, all: [] }, atMicros);
    keepFromIdling(open, command.scopes[index]?.idleSeconds);
  }
  return { accounts, atMicros };
}

type Place = Pick<OpenAccount, "scope" | "place">;

interface SentWindows {
  list: ListedWindow[] | undefined;
  /** The list and the further bounds. */
  all: ListedWindow[];
}

function sentWindows({ list, bounds }: ScopeArguments): SentWindows {
  const listed = list === undefined ? undefined : (parseList(list) ?? []);
  const further = bounds === undefined ? [] : (parseList(bounds) ?? []);
  return { list: listed, all: [...(listed ?? []), ...further] };
}

/** Only an account that was made to go when it is idle does; its callers' last word says after how long. */
function keepFromIdling(open: OpenAccount, idleSeconds: number | undefined): void {
  open.isUsed = true;
  if (open.account.idleSeconds !== undefined && idleSeconds !== undefined)
    open.account.idleSeconds = idleSeconds;
}

function newAccount(at: Place, atMicros: number, idleSeconds?: number): OpenAccount {
  return new OpenAccount(at, undefined, {
    lastMicros: atMicros,
    sweptMinute: minuteOf(atMicros),
    flags: 0,
    idleSeconds,
    bornMicros: idleSeconds === undefined ? 0 : atMicros,
    windows: [],
  });
}

/** Stored limits and a pause are lost with an account: nobody passes until an administrator has looked. */
const LOST_REASON = "this account was lost with its stored limits: check them, then resume";

function recreatedAccount(at: Place, atMicros: number): OpenAccount {
  const open = newAccount(at, atMicros);
  open.account.flags = PAUSED;
  open.pauseReason = LOST_REASON;
  return open;
}

function isInside(window: ListedWindow, atMicros: number): boolean {
  return window.startSeconds * SECOND_MICROS <= atMicros && atMicros < window.endSeconds * SECOND_MICROS;
}

/** A window that nobody sent for a whole window, and that no stored limit needs. */
function isDropped(window: AccountWindow, list: ListedWindow[] | undefined): boolean {
  const isNamed = list?.some((entry) => entry.name === window.name) ?? false;
  return !window.listed && !window.sentSinceRoll && window.stored === undefined && !isNamed;
}

function missesBounds(open: OpenAccount, sent: SentWindows | undefined, atMicros: number): boolean {
  return open.account.windows.some(
    (window) =>
      hasEnded(window, atMicros) &&
      !isDropped(window, sent?.list) &&
      !sent?.all.some((entry) => entry.name === window.name),
  );
}

function bringUpToDate(open: OpenAccount, sent: SentWindows, atMicros: number): void {
  const { account } = open;
  sweep(open, minuteOf(atMicros));
  foldHistory(open, atMicros);
  account.windows = account.windows.filter(
    (window) => !hasEnded(window, atMicros) || !isDropped(window, sent.list),
  );
  const rolled = new Set<string>();
  for (const window of account.windows.filter((candidate) => hasEnded(candidate, atMicros))) {
    roll(window, sent.all, atMicros);
    rolled.add(window.name);
  }
  if (sent.list !== undefined) takeOver(open, sent.list, rolled, atMicros);
  if (open.isNew && sent.list === undefined) {
    account.windows = sent.all
      .filter(({ name }) => name === "month")
      .map((entry) => newWindow(entry, atMicros));
  }
  account.lastMicros = atMicros;
}

/** Moves what has expired into settled, and books it as expired; what is committed stays as it is. */
function sweep(open: OpenAccount, nowMinute: number): void {
  const { account } = open;
  const end = Math.min(nowMinute, minuteOf(account.lastMicros) + MAX_HOLD_MINUTES + 2);
  for (let minute = account.sweptMinute; minute < end; minute += 1) {
    if (!open.has(wheelField(minute))) continue;
    for (const segment of open.segments(minute)) charge(open, minute, segment);
    open.setSegments(minute, []);
  }
  account.sweptMinute = Math.max(account.sweptMinute, nowMinute);
}

function charge(open: OpenAccount, minute: number, { startMicros, sum }: Segment): void {
  const { account } = open;
  for (const window of account.windows.filter((candidate) => startMicros >= candidate.baseMicros)) {
    window.settled = addAmounts(window.settled, sum);
  }
  if (sum.nanoUsd + sum.tokens + sum.requests === 0) return;
  const field = historyField(minute * MINUTE_MICROS, account.lastMicros);
  const rows = open.history(field);
  addRow(rows, historyRow(EXPIRED_ROW, "e", sum));
  open.setHistory(field, rows);
}

function foldHistory(open: OpenAccount, atMicros: number): void {
  const { lastMicros } = open.account;
  if (dayOf(lastMicros) === dayOf(atMicros)) return;
  for (const { day, hours } of foldPlan(lastMicros, atMicros)) {
    const present = hours.filter((hour) => open.has(hour));
    if (present.length === 0) continue;
    const rows = open.history(`D:${day}`);
    for (const hour of present) {
      for (const row of open.history(hour)) addRow(rows, row);
      open.delete(hour);
    }
    open.setHistory(`D:${day}`, rows);
  }
  for (const field of forgottenDays(lastMicros, atMicros)) open.delete(field);
}

function roll(window: AccountWindow, bounds: ListedWindow[], atMicros: number): void {
  const next = bounds.find((entry) => entry.name === window.name);
  if (next === undefined) throw new RangeError(`No bounds for ${window.name}: ${formatList(bounds)}`);
  window.startSeconds = next.startSeconds;
  window.endSeconds = next.endSeconds;
  clear(window, atMicros);
  window.sentSinceRoll = false;
}

/** Zero from now on: what began before counts here no longer. */
export function clear(window: AccountWindow, atMicros: number): void {
  window.committed = zeroAmounts();
  window.settled = zeroAmounts();
  window.fired = [];
  window.baseMicros = atMicros;
}

/** Makes a caller's list the recorded one; windows that it leaves out go on counting but judge nobody. */
function takeOver(
  open: OpenAccount,
  list: ListedWindow[],
  rolled: ReadonlySet<string>,
  atMicros: number,
): void {
  const { windows } = open.account;
  const listed = list.map((entry) => {
    const window = windows.find((candidate) => candidate.name === entry.name) ?? newWindow(entry, atMicros);
    return { ...window, hard: entry.hard, soft: entry.soft, listed: true, sentSinceRoll: true };
  });
  const isListed = (window: AccountWindow) => list.some((entry) => entry.name === window.name);
  const left = windows.filter((window) => !isListed(window));
  const omittedBefore = left.filter((window) => !window.listed);
  const omittedNow = left
    .filter((window) => window.listed)
    .map((window) => ({
      ...window,
      hard: noLimits(),
      soft: noLimits(),
      listed: false,
      sentSinceRoll: !rolled.has(window.name),
    }));
  open.account.windows = [...listed, ...omittedBefore, ...omittedNow];
}

export function newWindow(entry: ListedWindow, atMicros: number): AccountWindow {
  return {
    ...entry,
    listed: true,
    sentSinceRoll: true,
    committed: zeroAmounts(),
    settled: zeroAmounts(),
    baseMicros: atMicros,
    fired: [],
    stored: undefined,
  };
}
