/** Holds what a store answers and keeps against what the naive ledger adds up. */
import { deepEqual, equal } from "node:assert/strict";
import { type Account, type AccountFields, parseAccount } from "../../src/ledger/account.ts";
import type { Denial } from "../../src/ledger/budgets.ts";
import type { LedgerReply, RawAccount } from "../../src/ledger/commands.ts";
import { parseHistory } from "../../src/ledger/history.ts";
import type { HistoryAnswer } from "../../src/ledger/store.ts";
import { parseSegments } from "../../src/ledger/wheel.ts";
import { windowName } from "../../src/ledger/window-names.ts";
import type { StateDump } from "../support/state-dump.ts";
import { minuteOf, type NaiveBooks, type Triple } from "./naive-books.ts";
import { addSums, historyOf, type RowSums } from "./naive-history.ts";
import type { NaiveLedger, Prediction } from "./naive-ledger.ts";
import { isOver, type Limits, type Scope } from "./naive-windows.ts";

/** @throws AssertionError where a reply is not the one that was predicted. */
export function compareReply(ledger: NaiveLedger, expected: Prediction, reply: LedgerReply): void {
  equal(reply.code, expected.code, "the reply's code");
  equal(reply.atMicros, expected.atMicros, `the time of ${reply.code}`);
  const isHistory = expected.readerMicros !== undefined;
  if (!isHistory) deepEqual(reply.details.map(sortedCrossings), expected.details, `details of ${reply.code}`);
  for (const [place, raw] of reply.accounts.entries()) {
    const scope = expected.accounts[place];
    const isAbsent = raw.w === undefined;
    equal(isAbsent, scope === undefined || scope.periods.length === 0, `account ${place} is absent`);
    if (scope !== undefined && !isAbsent)
      compareRaw(ledger.books, scope, { raw, readerMicros: expected.readerMicros });
  }
}

/** @throws AssertionError where the state of a store is not what its operations add up to. */
export function compareState(ledger: NaiveLedger, dump: StateDump, nowMs: number): void {
  deepEqual(Object.keys(dump.accounts).sort(), [...ledger.scopes.keys()].sort(), "accounts");
  deepEqual(Object.keys(dump.index).sort(), [...ledger.indexed].sort(), "the index of scopes");
  for (const scope of ledger.scopes.values()) {
    const fields = new Map(Object.entries(dump.accounts[scope.name] ?? {}));
    compareAccount(ledger.books, scope, { account: parseAccount(scope.name, fields) });
    equal(fields.get("pr"), scope.reason, `why ${scope.name} is paused`);
    compareHistory(ledger.books, scope, fields);
  }
  deepEqual(Object.keys(dump.operations).sort(), ledger.books.knownIds(nowMs).sort(), "remembered ids");
  deepEqual(dump.log, ledger.log, "the log");
}

type Period = "hour" | "day";

/** What a scope has spent, by period and by where the figures come from: what a reader of its history is to be told. */
export function spentTexts(
  ledger: NaiveLedger,
  { scope: name, by, readerMicros }: { scope: string; by: Period; readerMicros: number },
): string[] {
  const scope = ledger.scopes.get(name);
  const fields = scope === undefined ? [] : [...historyOf(ledger.books, scope, readerMicros)];
  const rows = fields.flatMap(([field, sums]) => {
    const hours = field.startsWith("D:") ? 24 : 1;
    const firstHour = Number(field.slice(2)) * hours;
    return [...sums].map(([row, counts]): [string, RowSums] => {
      const source = row.startsWith("~") ? "expired" : row.endsWith(" r") ? "reported" : "estimated";
      return [`${periodText(firstHour, hours, by)} ${source}`, counts.slice(0, 3)];
    });
  });
  return sumTexts(rows);
}

/** The same of an answer. */
export function toldSpent({ periods }: HistoryAnswer, by: Period): string[] {
  const rows = periods.flatMap(({ startMs, endMs, entries }) =>
    entries.map(({ source, calls, nanoUsd, tokens }): [string, RowSums] => {
      const text = periodText(startMs / HOUR_MS, (endMs - startMs) / HOUR_MS, by);
      return [`${text} ${source}`, [calls, nanoUsd, tokens]];
    }),
  );
  return sumTexts(rows);
}

const HOUR_MS = 3_600_000;

function periodText(firstHour: number, hours: number, by: Period): string {
  const isDay = by === "day" || hours === 24;
  return isDay ? `day ${Math.floor(firstHour / 24)}` : `hour ${firstHour}`;
}

function sumTexts(rows: [string, RowSums][]): string[] {
  return Object.entries(summed(rows, (row) => row))
    .map(([row, counts]) => `${row} ${counts.join()}`)
    .sort();
}

/** Which budgets deny, by scope, window, metric and limit, with what stands against it; in one order. */
export function denialTexts(passed: ReturnType<NaiveBooks["passed"]>): string[] {
  const metrics = ["usd", "tokens", "requests"];
  return passed
    .map(({ scope, period, metric, limit, committed }) => {
      return `${scope.name} ${period.name} ${metrics[metric]} ${limit} ${committed[metric]}`;
    })
    .sort();
}

/** The same of an answer. */
export function toldDenials(denials: Denial[]): string[] {
  const units = (metric: string, amount: number) => (metric === "usd" ? Math.round(amount * 1e9) : amount);
  return denials
    .map(({ metric, limit, spent, held, scope, ...parts }) => {
      return `${scope} ${windowName(parts)} ${metric} ${units(metric, limit)} ${units(metric, spent + held)}`;
    })
    .sort();
}

function compareRaw(
  books: NaiveBooks,
  scope: Scope,
  { raw, readerMicros }: { raw: RawAccount; readerMicros: number | undefined },
): void {
  const { w = "", o, c = "", s = "" } = raw;
  const fields = new Map(Object.entries({ w, c, s, ...(o === undefined ? {} : { o }) }));
  const account = parseAccount(scope.name, fields);
  for (const [, text] of raw.due) chargeDue(account, text);
  compareAccount(books, scope, { account, readerMicros });
  equal(raw.pauseReason, scope.reason, `why ${scope.name} is paused`);
}

/** Moves what a reader found due into what is settled, as readers do. */
function chargeDue({ windows }: Account, text: string): void {
  for (const { startMicros, sum } of parseSegments(text) ?? []) {
    for (const { settled } of windows.filter(({ baseMicros }) => startMicros >= baseMicros)) {
      settled.nanoUsd += sum.nanoUsd;
      settled.tokens += sum.tokens;
      settled.requests += sum.requests;
    }
  }
}

/** @param readerMicros of a reader: when it read, so that what is due by then counts as settled. */
function compareAccount(
  books: NaiveBooks,
  scope: Scope,
  { account, readerMicros = 0 }: { account: Account; readerMicros?: number | undefined },
): void {
  const found = account.windows.map(({ settled, committed, hard, soft, stored, ...window }) => {
    const { name, startSeconds, endSeconds, baseMicros: sinceMicros, listed: isListed } = window;
    return {
      ...{ name, startSeconds, endSeconds, sinceMicros, isListed, wasSent: window.sentSinceRoll },
      ...{ fired: [...window.fired].sort(), limits: limitsOf(hard, soft) },
      stored: stored === undefined ? undefined : limitsOf(stored.hard, stored.soft),
      sums: { settled: tripleOf(settled), committed: tripleOf(committed) },
    };
  });
  const untilMinute = minuteOf(Math.max(readerMicros, scope.lastMicros));
  const expected = scope.periods.map((period) => ({
    ...period,
    fired: [...period.fired].sort(),
    sums: {
      settled: books.settled(scope, period, untilMinute),
      committed: books.committed(scope, period),
    },
  }));
  // Readers see what has ended at zero, whatever stands there until the next operation.
  const ended = scope.periods.filter((period) => isOver(period, readerMicros)).map(({ name }) => name);
  const shown = <T extends { name: string; sums: unknown }>(windows: T[]) =>
    byName(windows.map((window) => (ended.includes(window.name) ? { ...window, sums: undefined } : window)));
  deepEqual(shown(found), shown(expected), `windows of ${scope.name}`);
  equal(account.lastMicros, scope.lastMicros, `last operation of ${scope.name}`);
  equal((account.flags & 1) === 1, scope.isPaused, `${scope.name} is paused`);
}

/** Models beyond the sixteenth of a field share a row, in the order in which they came: then sources are compared alone. */
function compareHistory(books: NaiveBooks, scope: Scope, fields: AccountFields): void {
  const expected = historyOf(books, scope);
  const names = [...fields.keys()].filter((field) => /^[HD]:/.test(field));
  for (const field of new Set([...names, ...expected.keys()])) {
    const rows = (parseHistory(fields.get(field)) ?? []).map((row): [string, RowSums] => {
      return [`${row.name} ${row.source}`, [row.calls, row.nanoUsd, row.tokens, ...row.kinds]];
    });
    const own = [...(expected.get(field) ?? [])];
    const isMerged = rows.some(([row]) => row.startsWith("* "));
    const key = isMerged ? (row: string) => row.replace(/^[^~]\S* /, "* ") : (row: string) => row;
    deepEqual(summed(rows, key), summed(own, key), `history ${field} of ${scope.name}`);
  }
}

function summed(rows: [string, RowSums][], keyOf: (row: string) => string): Record<string, RowSums> {
  const sums = new Map<string, RowSums>();
  for (const [row, counts] of rows) sums.set(keyOf(row), addSums(sums.get(keyOf(row)) ?? [], counts));
  const whole = [...sums].map(([row, counts]): [string, RowSums] => {
    return [row, counts.slice(0, counts.findLastIndex((count) => count !== 0) + 1)];
  });
  return Object.fromEntries(whole.filter(([, counts]) => counts.length > 0));
}

function byName<T extends { name: string }>(windows: T[]): T[] {
  return windows.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The last detail of a closed call lists what it crossed; the order does not matter. */
function sortedCrossings(detail: string, place: number): string {
  return place === 5 ? detail.split(",").sort().join() : detail;
}

type Named<T> = { nanoUsd: T; tokens: T; requests: T };
const tripleOf = ({ nanoUsd, tokens, requests }: Named<number>): Triple => [nanoUsd, tokens, requests];
const limitsOf = (hard: Named<number | null>, soft: Named<number | null>): Limits =>
  [hard, soft].flatMap(({ nanoUsd, tokens, requests }) => [nanoUsd, tokens, requests]);
