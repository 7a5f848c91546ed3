/** What a scope has spent over time: the fields of its history, brought into hours or days. */
import { InvalidOptionsError, StoreDataError } from "../errors.ts";
import { malformedMessage } from "./account.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { HoursRead, LedgerReply } from "./commands.ts";
import { addRow, EXPIRED_ROW, type HistoryRow, historyRow, OTHER_ROW, parseHistory } from "./history.ts";
import type { HistoryAnswer, HistoryEntry, HistoryOperation, HistoryPeriod } from "./store.ts";
import { parseSegments } from "./wheel.ts";

const HOUR_MS = 3_600_000;
const HOURS_PER_DAY = 24;
const MINUTES_PER_HOUR = 60;
/** The year 10000: a time after it is a mistake. */
const MAX_TIME_MS = 253_402_300_800_000;

/** Hours since 1970, the end not included. */
interface Hours {
  start: number;
  end: number;
}

/**
 * @throws InvalidOptionsError unless `fromMs` is a time before `toMs`.
 * @throws StoreUnavailableError, StoreDataError
 */
export async function readHistory(
  runner: CommandRunner,
  operation: HistoryOperation,
): Promise<HistoryAnswer> {
  const { namespace, scope, by } = operation;
  const range = checkedRange(operation);
  const reply = await runner.run(namespace, [{ scope }], ({ scopes, withIndex }) => ({
    kind: "read",
    scopes,
    withIndex,
    history: range,
  }));
  const rowsOf = new Map<string, { hours: Hours; rows: HistoryRow[] }>();
  for (const { hours: read, rows } of [...keptRows(scope, reply), ...dueRows(scope, reply, range)]) {
    const hours = by === "day" ? wholeDay(read) : read;
    const key = `${hours.start}-${hours.end}`;
    const period = rowsOf.get(key) ?? { hours, rows: [] };
    rowsOf.set(key, period);
    for (const row of rows) addRow(period.rows, row);
  }
  const periods = [...rowsOf.values()].map(periodOf).filter(({ entries }) => entries.length > 0);
  return { nowMs: reply.atMicros / 1000, periods: periods.sort((a, b) => a.startMs - b.startMs) };
}

function checkedRange({ fromMs, toMs, by }: HistoryOperation): HoursRead {
  const isTime = (value: number) => Number.isFinite(value) && value >= 0 && value <= MAX_TIME_MS;
  if (!isTime(fromMs) || !isTime(toMs) || fromMs >= toMs) {
    throw new InvalidOptionsError(
      "The history of a scope is read from a time to a later one, in milliseconds since 1970.",
    );
  }
  if (by !== "hour" && by !== "day") throw new InvalidOptionsError('History is read by "hour" or "day".');
  const hours = { start: Math.floor(fromMs / HOUR_MS), end: Math.ceil(toMs / HOUR_MS) };
  const { start } = by === "day" ? wholeDay(hours) : hours;
  const { end } = by === "day" ? wholeDay({ start: hours.end - 1, end: hours.end }) : hours;
  return { firstHour: start, lastHour: end - 1 };
}

/** Pairs of a field's hours and its rows. */
function keptRows(scope: string, { details }: LedgerReply): { hours: Hours; rows: HistoryRow[] }[] {
  return details.flatMap((field, place) => {
    if (place % 2 === 1) return [];
    const rows = parseHistory(details[place + 1]);
    const number = Number(field.slice(2));
    if (rows === undefined || !Number.isSafeInteger(number))
      throw new StoreDataError(malformedMessage(scope, field));
    const hours = field.startsWith("D:")
      ? { start: number * HOURS_PER_DAY, end: (number + 1) * HOURS_PER_DAY }
      : { start: number, end: number + 1 };
    return [{ hours, rows }];
  });
}

/** What has expired since the account's last operation, and is not booked yet. */
function dueRows(
  scope: string,
  { accounts }: LedgerReply,
  { firstHour, lastHour }: HoursRead,
): { hours: Hours; rows: HistoryRow[] }[] {
  return (accounts[0]?.due ?? []).flatMap(([minute, text]) => {
    const segments = parseSegments(text);
    if (segments === undefined) throw new StoreDataError(malformedMessage(scope, `x:${minute}`));
    const hour = Math.floor(minute / MINUTES_PER_HOUR);
    if (hour < firstHour || hour > lastHour) return [];
    const rows = segments.map(({ sum }) => historyRow(EXPIRED_ROW, "e", sum));
    return [{ hours: { start: hour, end: hour + 1 }, rows }];
  });
}

function wholeDay({ start }: Hours): Hours {
  const first = Math.floor(start / HOURS_PER_DAY) * HOURS_PER_DAY;
  return { start: first, end: first + HOURS_PER_DAY };
}

function periodOf({ hours, rows }: { hours: Hours; rows: HistoryRow[] }): HistoryPeriod {
  const spent = rows.filter(({ calls, nanoUsd, tokens }) => calls !== 0 || nanoUsd !== 0 || tokens !== 0);
  return { startMs: hours.start * HOUR_MS, endMs: hours.end * HOUR_MS, entries: spent.map(entryOf) };
}

function entryOf({ name, source, calls, nanoUsd, tokens, kinds }: HistoryRow): HistoryEntry {
  const isExpired = name === EXPIRED_ROW;
  const isOverflow = name === OTHER_ROW;
  const [provider = null, model = null] = isExpired || isOverflow || name === "-" ? [] : namesOf(name);
  const reported = source === "r" ? "reported" : "estimated";
  return {
    provider,
    model,
    ...(isOverflow ? { overflow: true } : {}),
    source: isExpired ? "expired" : reported,
    calls,
    nanoUsd,
    tokens,
    tokenKinds: kinds,
  };
}

/** Provider and model as they were called; a name alone is a model's. */
function namesOf(name: string): (string | null)[] {
  const slash = name.indexOf("/");
  const [provider, model] = slash < 0 ? ["-", name] : [name.slice(0, slash), name.slice(slash + 1)];
  return [provider, model].map((part) => (part === "-" ? null : decoded(part)));
}

/** A long name is cut, maybe in the middle of an escape: that part is then shown as it stands. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
