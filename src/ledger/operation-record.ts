/** What a store remembers under an operation's id: one line of text, its fields parted by spaces. */
import { formatAmounts, parseAmounts, parseInteger } from "./account.ts";
import { formatKinds, parseKinds } from "./history.ts";
import type { Amounts } from "./store.ts";
import { MAX_HOLD_MINUTES, MINUTE_MICROS } from "./wheel.ts";

/** A reserve, alive or closed, or a record (closed from the start). */
export interface CallRecord {
  kind: "hold" | "record";
  argumentsHash: string;
  /** The one that made it. */
  attempt: string;
  /** Attempts of the same id that were given up and must get nothing of it, however late they arrive. */
  givenUp: string[];
  /** Another attempt got this hold too. */
  shared: boolean;
  startMicros: number;
  expiryMinute: number;
  held: Amounts;
  /** Scopes, leaf first. */
  chain: string[];
  /** Those of its scopes whose accounts go when they are idle: a later settle passes over one that is gone. */
  forgettable: string[];
  closed: Closing | undefined;
}

/** How a call was closed. */
export interface Closing {
  actual: Amounts;
  /** Reported, estimated, or released (`-`). */
  source: "r" | "e" | "-";
  /** Hash of the closing arguments: the same again is a replay. */
  argumentsHash: string;
  /** `0` within the limits, `1` over one, `p<index>` recorded while the scope at that place of the chain was paused. */
  verdict: string;
  /** Crossings as text, `-` for none. */
  crossings: string;
  /** Of an estimate: its history row and token kinds, which a correction takes off again. */
  row: string;
  kinds: number[];
}

/** A release that came before its reserve: these attempts hold nothing any more. */
export interface Tombstone {
  kind: "gone";
  attempts: string[];
}

/** An administrator's operation. */
export interface AdminRecord {
  kind: "admin";
  argumentsHash: string;
  atMicros: number;
}

export type OperationRecord = CallRecord | Tombstone | AdminRecord;

const MAX_GIVEN_UP = 16;

/** Attempts that were given up, with one more: the last 16. */
export function withGivenUp(attempts: string[], attempt: string): string[] {
  return attempts.includes(attempt) ? attempts : [...attempts, attempt].slice(-MAX_GIVEN_UP);
}

export function formatRecord(record: OperationRecord): string {
  if (record.kind === "gone") return `gone ${record.attempts.join(",")}`;
  if (record.kind === "admin") return `admin ${record.argumentsHash} ${record.atMicros}`;
  const { kind, argumentsHash, attempt, givenUp, shared, startMicros, expiryMinute, held, closed } = record;
  const attempts = [attempt, ...givenUp].join(",");
  const start = `${kind} ${argumentsHash} ${attempts} ${shared ? 1 : 0} ${startMicros} ${expiryMinute}`;
  return `${start} ${formatAmounts(held)} ${chainText(record)}${closed === undefined ? "" : ` ${formatClosing(closed)}`}`;
}

/** Scopes parted by commas, with a `~` after those whose accounts go when they are idle. */
function chainText({ chain, forgettable }: CallRecord): string {
  return chain.map((scope) => (forgettable.includes(scope) ? `${scope}~` : scope)).join(",");
}

/** @returns undefined when the text is no record. */
export function parseRecord(text: string): OperationRecord | undefined {
  const [kind, ...fields] = text.split(" ");
  if (kind === "gone") return parseTombstone(fields);
  if (kind === "admin") return parseAdmin(fields);
  return kind === "hold" || kind === "record" ? parseCall(kind, fields) : undefined;
}

/** No hold expires later than this: a closing that comes by a clock that is days behind keeps no id for days. */
const MAX_UNTIL_EXPIRY_MS = (MAX_HOLD_MINUTES + 1) * 60_000;

/** How long an id is kept: `retentionMs` after the hold's expiry, and never less than that from now. */
export function timeToLiveMs(expiryMinute: number, nowMs: number, retentionMs: number): number {
  const untilExpiryMs = ((expiryMinute + 1) * MINUTE_MICROS) / 1000 - nowMs;
  return Math.min(MAX_UNTIL_EXPIRY_MS, Math.max(0, untilExpiryMs)) + retentionMs;
}

/** Details of a reply about a hold: `start, expiry minute, held`. */
export function holdDetails(record: CallRecord): (string | number)[] {
  return [record.startMicros, record.expiryMinute, formatAmounts(record.held)];
}

/** Details of a reply about a closed call: `start, expiry minute, actual, source, verdict, crossings`. */
export function closingDetails(record: CallRecord, closed: Closing): (string | number)[] {
  const { actual, source, verdict, crossings } = closed;
  return [record.startMicros, record.expiryMinute, formatAmounts(actual), source, verdict, crossings];
}

function formatClosing(closing: Closing): string {
  const { actual, source, argumentsHash, verdict, crossings, row, kinds } = closing;
  return `${formatAmounts(actual)} ${source} ${argumentsHash} ${verdict} ${crossings} ${row} ${formatKinds(kinds)}`;
}

function parseTombstone([attempts, ...rest]: string[]): Tombstone | undefined {
  return attempts === undefined || rest.length > 0
    ? undefined
    : { kind: "gone", attempts: attempts.split(",") };
}

function parseAdmin([argumentsHash, at, ...rest]: string[]): AdminRecord | undefined {
  const atMicros = parseInteger(at);
  if (argumentsHash === undefined || atMicros === undefined || rest.length > 0) return undefined;
  return { kind: "admin", argumentsHash, atMicros };
}

function parseCall(kind: "hold" | "record", fields: string[]): CallRecord | undefined {
  const [argumentsHash, attempts = "", shared, start, minute, amounts, scopes, ...closing] = fields;
  const [attempt = "", ...givenUp] = attempts.split(",");
  const startMicros = parseInteger(start);
  const expiryMinute = parseInteger(minute);
  const held = parseAmounts(amounts);
  if (argumentsHash === undefined || (shared !== "0" && shared !== "1")) return undefined;
  if (attempt === "" || givenUp.includes("")) return undefined;
  if (startMicros === undefined || expiryMinute === undefined || held === undefined) return undefined;
  if (scopes === undefined) return undefined;
  const closed = closing.length === 0 ? undefined : parseClosing(closing);
  if (closing.length > 0 && closed === undefined) return undefined;
  const marked = scopes.split(",");
  return {
    kind,
    argumentsHash,
    attempt,
    givenUp,
    shared: shared === "1",
    startMicros,
    expiryMinute,
    held,
    chain: marked.map((scope) => scope.replace("~", "")),
    forgettable: marked.filter((scope) => scope.endsWith("~")).map((scope) => scope.slice(0, -1)),
    closed,
  };
}

const VERDICT = /^([01]|p\d)$/;

function parseClosing(fields: string[]): Closing | undefined {
  const [amounts, source, argumentsHash, verdict, crossings, row, kindsText, ...rest] = fields;
  const actual = parseAmounts(amounts);
  const kinds = parseKinds(kindsText);
  if (actual === undefined || kinds === undefined || rest.length > 0) return undefined;
  if (source !== "r" && source !== "e" && source !== "-") return undefined;
  if (verdict === undefined || !VERDICT.test(verdict)) return undefined;
  if (argumentsHash === undefined || crossings === undefined || row === undefined) return undefined;
  return { actual, source, argumentsHash, verdict, crossings, row, kinds };
}
