/** What was spent by provider and model, in hours (`H:<hour>`, 14 days) folded into days (`D:<day>`, 400 days). */
import { MAX_AMOUNT } from "./money.ts";
import type { Amounts } from "./store.ts";

const HOUR_MICROS = 3_600_000_000;
const DAY_MICROS = 86_400_000_000;
const HOURS_PER_DAY = 24;

/** Days of the past that are kept by the hour. */
export const HOURLY_DAYS = 14;
/** Days of the past that are kept at all. */
export const DAILY_DAYS = 400;
/** Holds last at most 26 hours: no expiry is booked later than this many days after an account's last operation. */
const EXPIRY_DAYS = 2;
const MAX_MODELS = 16;

/** What expiry charged; its model is unknown. */
export const EXPIRED_ROW = "~";
/** What the models beyond the sixteenth spent. Names of models have a slash before them: one that is called so is another row. */
export const OTHER_ROW = "*";

/** One row: a model's calls of one source. Text: `name source calls nanoUsd tokens kinds;` */
export interface HistoryRow {
  /** `provider/model`, percent-encoded; `-` for none. */
  name: string;
  source: "r" | "e";
  calls: number;
  nanoUsd: number;
  tokens: number;
  /** In the order of TOKEN_KINDS; trailing zeros left out. */
  kinds: number[];
}

export const dayOf = (micros: number): number => Math.floor(micros / DAY_MICROS);

/** The field that holds a time's rows, for an account that was last written at `lastMicros`. */
export function historyField(atMicros: number, lastMicros: number): string {
  const day = dayOf(atMicros);
  const isHourly = day >= dayOf(lastMicros) - HOURLY_DAYS;
  return isHourly ? `H:${Math.floor(atMicros / HOUR_MICROS)}` : `D:${day}`;
}

/** The fields that may hold the history of these hours, for an account that was last written at `lastMicros`. */
export function keptHistoryFields(
  { firstHour, lastHour }: { firstHour: number; lastHour: number },
  lastMicros: number,
): string[] {
  const lastDay = dayOf(lastMicros);
  const firstKeptHour = (lastDay - HOURLY_DAYS) * HOURS_PER_DAY;
  const lastKeptHour = (lastDay + EXPIRY_DAYS + 1) * HOURS_PER_DAY - 1;
  const hours = range(Math.max(firstHour, firstKeptHour), Math.min(lastHour, lastKeptHour));
  const firstDay = Math.floor(firstHour / HOURS_PER_DAY);
  const days = range(
    Math.max(firstDay, lastDay - DAILY_DAYS),
    Math.min(Math.floor(lastHour / HOURS_PER_DAY), lastDay - HOURLY_DAYS - 1),
  );
  return [...hours.map((hour) => `H:${hour}`), ...days.map((day) => `D:${day}`)];
}

/** The name of a row: provider and model, percent-encoded, at most 200 characters. */
export function rowName(provider: string | undefined, model: string | undefined): string {
  if (provider === undefined && model === undefined) return "-";
  return `${encodeURIComponent(provider ?? "-")}/${encodeURIComponent(model ?? "-")}`.slice(0, 200);
}

export function historyRow(
  name: string,
  source: "r" | "e",
  actual: Amounts,
  kinds: readonly number[] = [],
): HistoryRow {
  return {
    name,
    source,
    calls: actual.requests,
    nanoUsd: actual.nanoUsd,
    tokens: actual.tokens,
    kinds: [...kinds],
  };
}

/** @returns undefined when the text is no history. */
export function parseHistory(text: string | undefined): HistoryRow[] | undefined {
  if (text === undefined) return [];
  if (!text.endsWith(";")) return undefined;
  const rows = text.slice(0, -1).split(";").map(parseRow);
  const whole = rows.filter((row) => row !== undefined);
  return whole.length === rows.length ? whole : undefined;
}

export function formatHistory(rows: readonly HistoryRow[]): string {
  return rows
    .map(
      (row) =>
        `${row.name} ${row.source} ${row.calls} ${row.nanoUsd} ${row.tokens} ${formatKinds(row.kinds)};`,
    )
    .join("");
}

/** Token kinds as text, `-` for none. */
export function formatKinds(kinds: readonly number[]): string {
  const last = kinds.findLastIndex((count) => count !== 0);
  return last < 0 ? "-" : kinds.slice(0, last + 1).join(",");
}

/** @returns undefined when the text is no list of kinds. */
export function parseKinds(text: string | undefined): number[] | undefined {
  if (text === "-") return [];
  const kinds = (text ?? "").split(",").map(parseSigned);
  const whole = kinds.filter((count) => count !== undefined);
  return whole.length === kinds.length ? whole : undefined;
}

/** Adds a row, under `*` when it would be the seventeenth model. */
export function addRow(rows: HistoryRow[], added: HistoryRow): void {
  const name = nameInUse(rows, added.name);
  const row = rows.find((candidate) => candidate.name === name && candidate.source === added.source);
  if (row === undefined) rows.push({ ...added, name });
  else accumulate(row, added, 1);
}

/** Takes a row off again, from `*` when it was merged into that. What is no longer there is left alone. */
export function takeRow(rows: HistoryRow[], taken: HistoryRow): void {
  const named = (name: string) => rows.find((row) => row.name === name && row.source === taken.source);
  const row = named(taken.name) ?? named(OTHER_ROW);
  if (row !== undefined) accumulate(row, taken, -1);
}

/** The fields to fold and to forget when an account passes from one day to another; empty within a day. */
export function foldPlan(lastMicros: number, nowMicros: number): { day: number; hours: string[] }[] {
  const lastDay = dayOf(lastMicros);
  const end = Math.min(dayOf(nowMicros) - HOURLY_DAYS - 1, lastDay + EXPIRY_DAYS);
  return range(lastDay - HOURLY_DAYS, end).map((day) => ({
    day,
    hours: range(day * HOURS_PER_DAY, day * HOURS_PER_DAY + HOURS_PER_DAY - 1).map((hour) => `H:${hour}`),
  }));
}

export function forgottenDays(lastMicros: number, nowMicros: number): string[] {
  const lastDay = dayOf(lastMicros);
  const end = Math.min(dayOf(nowMicros) - DAILY_DAYS - 1, lastDay + EXPIRY_DAYS);
  return range(lastDay - DAILY_DAYS, end).map((day) => `D:${day}`);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

function nameInUse(rows: readonly HistoryRow[], name: string): string {
  const isSpecial = (candidate: string) => candidate === EXPIRED_ROW || candidate === OTHER_ROW;
  const models = new Set(rows.map((row) => row.name).filter((candidate) => !isSpecial(candidate)));
  return isSpecial(name) || models.has(name) || models.size < MAX_MODELS ? name : OTHER_ROW;
}

function accumulate(row: HistoryRow, change: HistoryRow, factor: 1 | -1): void {
  row.calls += factor * change.calls;
  row.nanoUsd += factor * change.nanoUsd;
  row.tokens += factor * change.tokens;
  change.kinds.forEach((count, index) => {
    while (row.kinds.length <= index) row.kinds.push(0);
    row.kinds[index] = (row.kinds[index] ?? 0) + factor * count;
  });
}

function parseRow(text: string): HistoryRow | undefined {
  const [name, source, calls, nanoUsd, tokens, kinds, ...rest] = text.split(" ");
  const counts = [calls, nanoUsd, tokens].map(parseSigned);
  const parsedKinds = parseKinds(kinds);
  const [parsedCalls, parsedNanoUsd, parsedTokens] = counts;
  if (name === undefined || name === "" || (source !== "r" && source !== "e") || rest.length > 0)
    return undefined;
  if (parsedCalls === undefined || parsedNanoUsd === undefined || parsedTokens === undefined)
    return undefined;
  if (parsedKinds === undefined) return undefined;
  return {
    name,
    source,
    calls: parsedCalls,
    nanoUsd: parsedNanoUsd,
    tokens: parsedTokens,
    kinds: parsedKinds,
  };
}

function parseSigned(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Math.abs(value) <= MAX_AMOUNT ? value : undefined;
}
