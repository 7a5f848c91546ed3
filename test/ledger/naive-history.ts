/** History as the naive ledger's list of calls has it: by field, and in it by model and source. */
import { type Call, minuteOf, type NaiveBooks } from "./naive-books.ts";
import type { Scope } from "./naive-windows.ts";

/** Calls, nano-USD, tokens, then the tokens by kind. */
export type RowSums = number[];

const HOUR_MICROS = 3_600_000_000;
const DAY_MICROS = 86_400_000_000;
const HOURLY_DAYS = 14;
const DAILY_DAYS = 400;

/** By field, then by `name source`; with what has expired by the scope's last operation, or by a later reading. */
export function historyOf(
  books: NaiveBooks,
  scope: Scope,
  readerMicros = 0,
): Map<string, Map<string, RowSums>> {
  const fields = new Map<string, Map<string, RowSums>>();
  const untilMinute = minuteOf(Math.max(scope.lastMicros, readerMicros));
  const isOwn = ({ chain, startMicros }: Call) =>
    chain.includes(scope.name) && startMicros >= scope.bornMicros;
  for (const call of books.calls.filter(isOwn)) {
    const spent = spentOf(call, untilMinute);
    const field = spent === undefined ? undefined : fieldOf(spent.atMicros, scope.lastMicros);
    if (spent === undefined || field === undefined) continue;
    const rows = fields.get(field) ?? new Map<string, RowSums>();
    fields.set(field, rows);
    rows.set(spent.row, addSums(rows.get(spent.row) ?? [], spent.sums));
  }
  return fields;
}

/** Place by place, the shorter one filled up with zeros. */
export function addSums(a: RowSums, b: RowSums): RowSums {
  const longer = a.length > b.length ? a : b;
  return longer.map((_, place) => (a[place] ?? 0) + (b[place] ?? 0));
}

/** What a call has spent: when it was closed its amounts, at its beginning; what has expired, in its last minute. */
function spentOf({ closed, startMicros, expiryMinute, held }: Call, nowMinute: number) {
  if (closed !== undefined) {
    const [nanoUsd, tokens, requests] = closed.actual;
    const sums = [requests, nanoUsd, tokens, ...closed.kinds];
    const row = `${closed.row} ${closed.source}`;
    return closed.source === "-" ? undefined : { atMicros: startMicros, row, sums };
  }
  const [nanoUsd, tokens, requests] = held;
  const expired = { atMicros: expiryMinute * 60_000_000, row: "~ e", sums: [requests, nanoUsd, tokens] };
  return expiryMinute < nowMinute ? expired : undefined;
}

function fieldOf(atMicros: number, lastMicros: number): string | undefined {
  const age = Math.floor(lastMicros / DAY_MICROS) - Math.floor(atMicros / DAY_MICROS);
  if (age > DAILY_DAYS) return undefined;
  return age > HOURLY_DAYS
    ? `D:${Math.floor(atMicros / DAY_MICROS)}`
    : `H:${Math.floor(atMicros / HOUR_MICROS)}`;
}
