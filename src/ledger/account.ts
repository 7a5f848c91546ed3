/** One scope's account as it stands in a store: the fields `w`, `o`, `c` and `s`, parsed once and written back in one form. */
import { StoreDataError } from "../errors.ts";
import { noLimits } from "./limits.ts";
import { MAX_AMOUNT } from "./money.ts";
import type { Amounts, LimitAmounts } from "./store.ts";

/** The layout that this version reads and writes. A higher one in the store denies. */
const LAYOUT_VERSION = 1;

/** Flags of an account, added up. */
export const PAUSED = 1;
export const HAS_STORED_LIMITS = 2;

/** A limit pair: what denies and what only alerts. */
export interface LimitPair {
  hard: LimitAmounts;
  soft: LimitAmounts;
}

/** A window with bounds in whole seconds, and limits: an entry of a list, as callers send it and `w` records it. */
export interface ListedWindow extends LimitPair {
  name: string;
  startSeconds: number;
  endSeconds: number;
}

/** A window that an account counts. */
export interface AccountWindow extends ListedWindow {
  /** In the recorded list (`w`), or left out by it and still counting (`o`). */
  listed: boolean;
  /** Of a window that is left out: whether a list named it since its last roll. */
  sentSinceRoll: boolean;
  /** Settled and held together. */
  committed: Amounts;
  settled: Amounts;
  /** The account's clock when the window was created, last rolled or reset; only what began since counts. */
  baseMicros: number;
  /** Marks of thresholds that fired: metric letter (capital: soft budget) and threshold in millionths, `u800000`. */
  fired: string[];
  /** What an administrator stored. */
  stored: LimitPair | undefined;
}

/** A parsed account. Times are microseconds of the server's clock; minutes count since 1970. */
export interface Account {
  lastMicros: number;
  /** The first wheel minute that is not swept. */
  sweptMinute: number;
  flags: number;
  /** The account goes after so many idle seconds; undefined: it stays for good. */
  idleSeconds: number | undefined;
  /** Of one that goes: when it was made, or made anew after it had gone; else 0. */
  bornMicros: number;
  windows: AccountWindow[];
}

/** The fields of a scope as a store keeps them. */
export type AccountFields = ReadonlyMap<string, string>;

const INTEGER = /^\d{1,16}$/;

/** @throws StoreDataError that names the key when a field is not of this layout. */
export function parseAccount(key: string, fields: AccountFields): Account {
  const malformed = (field: string) => new StoreDataError(malformedMessage(key, field));
  const counters = parseCounters(fields.get("c"));
  if (counters === undefined) throw malformed("c");
  if (counters.layout > LAYOUT_VERSION) {
    throw new StoreDataError(
      `${key} was written by a newer agentlimit (layout ${counters.layout}, this one knows ${LAYOUT_VERSION}): update agentlimit here.`,
      "LAYOUT_TOO_NEW",
    );
  }
  const idle = parseIdle(fields.get("idle"));
  if (idle === undefined) throw malformed("idle");
  const listed = parseList(fields.get("w"));
  if (listed === undefined) throw malformed("w");
  const omitted = parseOmitted(fields.get("o"));
  if (omitted === undefined) throw malformed("o");
  const known = [...listed.map((entry) => ({ ...entry, listed: true, sentSinceRoll: true })), ...omitted];
  const settled = parseSettled(fields.get("s"));
  if (settled?.length !== known.length) throw malformed("s");
  if (counters.committed.length !== known.length) throw malformed("c");
  const windows = known.map((entry, index): AccountWindow => {
    const committed = counters.committed[index];
    const rest = settled[index];
    if (committed === undefined || rest === undefined || !covers(committed, rest.settled))
      throw malformed("c");
    return { ...entry, ...rest, committed };
  });
  return {
    lastMicros: counters.lastMicros,
    sweptMinute: counters.sweptMinute,
    flags: counters.flags,
    ...idle,
    windows,
  };
}

export function malformedMessage(key: string, field: string): string {
  return `The field ${field} of ${key} is not what agentlimit wrote. Nothing was changed. Restore it; or delete the key, then reset the scope.`;
}

type FormattedAccount = Record<"w" | "c" | "s", string> & Record<"o" | "idle", string | undefined>;

/** The fields `w`, `o` and `idle` (absent: undefined), `c` and `s` of an account. */
export function formatAccount(account: Account): FormattedAccount {
  const { idleSeconds, bornMicros } = account;
  const listed = account.windows.filter((window) => window.listed);
  const omitted = account.windows.filter((window) => !window.listed);
  const ordered = [...listed, ...omitted];
  const counters = ordered.map((window) => `${formatAmounts(window.committed)};`).join("");
  return {
    w: formatList(listed),
    o: omitted.length === 0 ? undefined : omitted.map(formatOmitted).join(""),
    c: `${LAYOUT_VERSION} ${account.lastMicros} ${account.sweptMinute} ${account.flags};${counters}`,
    s: ordered.map(formatSettled).join(""),
    idle: idleSeconds === undefined ? undefined : `${idleSeconds} ${bornMicros}`,
  };
}

/** Whether a window is over: its end belongs to the next one. */
export function hasEnded(window: Pick<ListedWindow, "endSeconds">, atMicros: number): boolean {
  return atMicros >= window.endSeconds * 1_000_000;
}

/** A list in canonical text: `name start end lU,lT,lR[/sU,sT,sR];` */
export function formatList(windows: readonly ListedWindow[]): string {
  return windows
    .map((window) => `${window.name} ${window.startSeconds} ${window.endSeconds} ${formatLimitPair(window)};`)
    .join("");
}

/** @returns undefined when the text is no list. */
export function parseList(text: string | undefined): ListedWindow[] | undefined {
  return parseEntries(text, (entry) => {
    const [name, start, end, limits, ...rest] = entry.split(" ");
    const pair = parseLimitPair(limits);
    const bounds = parseBounds(name, start, end);
    return bounds === undefined || pair === undefined || rest.length > 0 ? undefined : { ...bounds, ...pair };
  });
}

/** `lU,lT,lR`, and `/sU,sT,sR` after it where there is a soft limit. */
function formatLimitPair(pair: LimitPair): string {
  const soft = formatLimits(pair.soft);
  return soft === NO_LIMITS ? formatLimits(pair.hard) : `${formatLimits(pair.hard)}/${soft}`;
}

function parseLimitPair(text: string | undefined): LimitPair | undefined {
  const [hardText, softText = NO_LIMITS, ...rest] = (text ?? "").split("/");
  const hard = parseLimits(hardText);
  const soft = parseLimits(softText);
  return hard === undefined || soft === undefined || rest.length > 0 ? undefined : { hard, soft };
}

/** `nanoUsd,tokens,requests` */
export function formatAmounts(amounts: Amounts): string {
  return `${amounts.nanoUsd},${amounts.tokens},${amounts.requests}`;
}

export function parseAmounts(text: string | undefined): Amounts | undefined {
  const [nanoUsd, tokens, requests, ...rest] = (text ?? "").split(",").map(parseInteger);
  if (nanoUsd === undefined || tokens === undefined || requests === undefined || rest.length > 0)
    return undefined;
  return { nanoUsd, tokens, requests };
}

export function zeroAmounts(): Amounts {
  return { nanoUsd: 0, tokens: 0, requests: 0 };
}

/** Whether no amount of `part` is above that of `whole`. */
export function covers(whole: Amounts, part: Amounts): boolean {
  return whole.nanoUsd >= part.nanoUsd && whole.tokens >= part.tokens && whole.requests >= part.requests;
}

/** `a + factor * b`, amount by amount. */
export function addAmounts(a: Amounts, b: Amounts, factor: 1 | -1 = 1): Amounts {
  return {
    nanoUsd: a.nanoUsd + factor * b.nanoUsd,
    tokens: a.tokens + factor * b.tokens,
    requests: a.requests + factor * b.requests,
  };
}

/** A whole number of at most sixteen digits that a counter may hold or a clock may show. */
export function parseInteger(text: string | undefined): number | undefined {
  if (text === undefined || !INTEGER.test(text)) return undefined;
  const value = Number(text);
  return value <= MAX_AMOUNT ? value : undefined;
}

const NO_LIMITS = "-,-,-";

function formatLimits(limits: LimitAmounts): string {
  return `${limits.nanoUsd ?? "-"},${limits.tokens ?? "-"},${limits.requests ?? "-"}`;
}

function parseLimits(text: string | undefined): LimitAmounts | undefined {
  const parts = (text ?? "").split(",");
  const values = parts.map((part) => (part === "-" ? null : parseInteger(part)));
  const [nanoUsd, tokens, requests] = values;
  if (parts.length !== 3 || nanoUsd === undefined || tokens === undefined || requests === undefined)
    return undefined;
  return { nanoUsd, tokens, requests };
}

function parseBounds(
  name: string | undefined,
  start: string | undefined,
  end: string | undefined,
): { name: string; startSeconds: number; endSeconds: number } | undefined {
  const startSeconds = parseInteger(start);
  const endSeconds = parseInteger(end);
  if (name === undefined || name === "" || startSeconds === undefined || endSeconds === undefined)
    return undefined;
  return { name, startSeconds, endSeconds };
}

function parseCounters(text: string | undefined) {
  const [head, ...entries] = entriesOf(text) ?? [];
  const [layout, lastMicros, sweptMinute, flags, ...rest] = (head ?? "").split(" ").map(parseInteger);
  if (layout === undefined || lastMicros === undefined || sweptMinute === undefined || flags === undefined)
    return undefined;
  const committed = entries.map(parseAmounts).filter((amounts) => amounts !== undefined);
  if (rest.length > 0 || committed.length !== entries.length) return undefined;
  return { layout, lastMicros, sweptMinute, flags, committed };
}

/** `seconds born` */
function parseIdle(text: string | undefined): Pick<Account, "idleSeconds" | "bornMicros"> | undefined {
  if (text === undefined) return { idleSeconds: undefined, bornMicros: 0 };
  const [idleSeconds, bornMicros, ...rest] = text.split(" ").map(parseInteger);
  return idleSeconds === undefined || bornMicros === undefined || rest.length > 0
    ? undefined
    : { idleSeconds, bornMicros };
}

function parseOmitted(text: string | undefined) {
  if (text === undefined) return [];
  return parseEntries(text, (entry) => {
    const [name, start, end, mark, ...rest] = entry.split(" ");
    const bounds = parseBounds(name, start, end);
    if (bounds === undefined || (mark !== "0" && mark !== "1") || rest.length > 0) return undefined;
    return { ...bounds, hard: noLimits(), soft: noLimits(), listed: false, sentSinceRoll: mark === "1" };
  });
}

function formatOmitted(window: AccountWindow): string {
  return `${window.name} ${window.startSeconds} ${window.endSeconds} ${window.sentSinceRoll ? 1 : 0};`;
}

/** `base fired settledU,T,R stored template grant;` – templates and grants have their place and are `-` so far. */
function formatSettled(window: AccountWindow): string {
  const fired = window.fired.length === 0 ? "-" : window.fired.join(",");
  const stored = window.stored === undefined ? "-" : formatLimitPair(window.stored);
  return `${window.baseMicros} ${fired} ${formatAmounts(window.settled)} ${stored} - -;`;
}

function parseSettled(text: string | undefined) {
  return parseEntries(text, (entry) => {
    const [base, fired, amounts, storedText, template, grant, ...rest] = entry.split(" ");
    const baseMicros = parseInteger(base);
    const settled = parseAmounts(amounts);
    const stored = storedText === "-" ? undefined : parseLimitPair(storedText);
    const isWhole = fired !== undefined && template === "-" && grant === "-" && rest.length === 0;
    if (!isWhole || baseMicros === undefined || settled === undefined) return undefined;
    if (stored === undefined && storedText !== "-") return undefined;
    return { baseMicros, settled, stored, fired: fired === "-" ? [] : fired.split(",") };
  });
}

function parseEntries<T>(text: string | undefined, parse: (entry: string) => T | undefined): T[] | undefined {
  const entries = entriesOf(text);
  const parsed = entries?.map(parse).filter((entry) => entry !== undefined);
  return parsed?.length === entries?.length ? parsed : undefined;
}

/** The parts of `a;b;c;`; undefined when the text is missing or does not end so. */
function entriesOf(text: string | undefined): string[] | undefined {
  if (text === undefined || !text.endsWith(";")) return undefined;
  return text.slice(0, -1).split(";");
}
