/** Which windows a scope counts, and since when: found again from the operations alone, for the naive ledger. */

/** Limits in the order of a list's text: hard nano-USD, tokens, requests, then the soft ones; null is no limit. */
export type Limits = (number | null)[];

const NO_LIMITS: Limits = [null, null, null, null, null, null];

/** An entry of a list as a command carries it. */
export interface Entry {
  name: string;
  startSeconds: number;
  endSeconds: number;
  limits: Limits;
}

/** One window of a scope since it last began: when it was first named, at the first operation after its end, or at a reset. */
export interface Period extends Entry {
  sinceMicros: number;
  /** Named by the recorded list, or left out by it and still counting. */
  isListed: boolean;
  /** Of one that is left out: whether a list named it since it last rolled. */
  wasSent: boolean;
  stored: Limits | undefined;
  fired: string[];
}

/** What is known of a scope beyond its calls. */
export interface Scope {
  name: string;
  /** When it was first used, or used again after its account had gone. */
  bornMicros: number;
  /** Its account goes after so many idle seconds, and is in no index. */
  idleSeconds: number | undefined;
  /** When its last operation took effect. */
  lastMicros: number;
  isPaused: boolean;
  reason: string | undefined;
  periods: Period[];
}

/** The windows that a command brings for one scope. */
export interface SentWindows {
  list: Entry[] | undefined;
  all: Entry[];
}

export function sentWindows({ list, bounds }: { list: string | undefined; bounds: string | undefined }) {
  const listed = list === undefined ? undefined : entries(list);
  return { list: listed, all: [...(listed ?? []), ...(bounds === undefined ? [] : entries(bounds))] };
}

/** `name start end U,T,N[/U,T,N];…` */
export function entries(text: string): Entry[] {
  return text
    .split(";")
    .slice(0, -1)
    .map((entry) => {
      const [name = "", start, end, limits = ""] = entry.split(" ");
      return { name, startSeconds: Number(start), endSeconds: Number(end), limits: parseLimits(limits) };
    });
}

function parseLimits(text: string): Limits {
  const limits = text.split(/[,/]/).map((part) => (part === "-" ? null : Number(part)));
  return [...limits, ...NO_LIMITS.slice(limits.length)];
}

export const isOver = (entry: Entry, atMicros: number): boolean => atMicros >= entry.endSeconds * 1e6;

export const holds = (entry: Entry, atMicros: number): boolean =>
  atMicros >= entry.startSeconds * 1e6 && !isOver(entry, atMicros);

/** A window that ended, that no list named since its last roll, and that nothing else needs. */
function isForgotten(period: Period, sent: SentWindows): boolean {
  const isNamed = sent.list?.some(({ name }) => name === period.name) ?? false;
  return !period.isListed && !period.wasSent && period.stored === undefined && !isNamed;
}

/** Whether a window has ended, still counts, and its next bounds were not sent. */
export function lacksBounds(scope: Scope, sent: SentWindows, atMicros: number): boolean {
  return scope.periods.some(
    (period) =>
      isOver(period, atMicros) &&
      !isForgotten(period, sent) &&
      !sent.all.some(({ name }) => name === period.name),
  );
}

/** The scope at a time: what has ended begins anew, and a list that was sent is the recorded one. */
export function scopeAt(scope: Scope, sent: SentWindows, atMicros: number): Scope {
  const rolled = new Set<string>();
  const kept = scope.periods.filter((period) => !isOver(period, atMicros) || !isForgotten(period, sent));
  const current = kept.map((period): Period => {
    const next = sent.all.find(({ name }) => name === period.name);
    if (!isOver(period, atMicros) || next === undefined) return { ...period, fired: [...period.fired] };
    rolled.add(period.name);
    const { startSeconds, endSeconds } = next;
    return {
      ...period,
      startSeconds,
      endSeconds,
      sinceMicros: atMicros,
      wasSent: period.isListed,
      fired: [],
    };
  });
  const isNew = scope.periods.length === 0;
  const periods = sent.list === undefined && isNew ? monthOf(sent, atMicros) : current;
  const listed = sent.list === undefined ? periods : withList(periods, sent.list, { rolled, atMicros });
  return { ...scope, periods: listed, lastMicros: atMicros };
}

/** As a reader is shown the scope: judged by its own list where it has one; what has ended or is new stands at zero. */
export function readAs(
  scope: Scope | undefined,
  { scope: name, list: text }: { scope: string; list: string | undefined },
  atMicros: number,
): Scope {
  const empty = {
    name,
    bornMicros: 0,
    idleSeconds: undefined,
    lastMicros: 0,
    isPaused: false,
    reason: undefined,
    periods: [],
  };
  const { periods, ...rest } = scope ?? empty;
  const list = text === undefined ? undefined : entries(text);
  const limitsOf = (period: Period) =>
    list === undefined
      ? period.limits
      : (list.find((entry) => entry.name === period.name)?.limits ?? NO_LIMITS);
  const known = periods.map((period): Period => {
    const sinceMicros = isOver(period, atMicros) ? Number.MAX_SAFE_INTEGER : period.sinceMicros;
    return { ...period, sinceMicros, limits: limitsOf(period) };
  });
  const missing = (list ?? []).filter((entry) => !periods.some((period) => period.name === entry.name));
  return {
    ...rest,
    periods: [...known, ...missing.map((entry) => newPeriod(entry, Number.MAX_SAFE_INTEGER))],
  };
}

export function newPeriod(entry: Entry, atMicros: number): Period {
  return { ...entry, sinceMicros: atMicros, isListed: true, wasSent: true, stored: undefined, fired: [] };
}

function monthOf({ all }: SentWindows, atMicros: number): Period[] {
  return all.filter(({ name }) => name === "month").map((entry) => newPeriod(entry, atMicros));
}

function withList(
  periods: Period[],
  list: Entry[],
  { rolled, atMicros }: { rolled: Set<string>; atMicros: number },
): Period[] {
  const listed = list.map((entry): Period => {
    const known = periods.find(({ name }) => name === entry.name) ?? newPeriod(entry, atMicros);
    return { ...known, limits: entry.limits, isListed: true, wasSent: true };
  });
  const omitted = periods.filter((period) => !list.some(({ name }) => name === period.name));
  const left = omitted.map((period) => {
    const { isListed, name } = period;
    return isListed ? { ...period, limits: NO_LIMITS, isListed: false, wasSent: !rolled.has(name) } : period;
  });
  return [...listed, ...left];
}

/** Stored limits replace all that were stored; a window that only they need counts from now on. */
export function storeLimits(scope: Scope, list: Entry[], atMicros: number): void {
  for (const period of scope.periods) period.stored = undefined;
  for (const entry of list) {
    const fresh = { ...newPeriod(entry, atMicros), limits: NO_LIMITS, isListed: false, wasSent: false };
    const known = scope.periods.find(({ name }) => name === entry.name);
    if (known === undefined) scope.periods.push(fresh);
    (known ?? fresh).stored = entry.limits;
  }
}

/** What binds: an administrator's limits before the code's, metric by metric. */
export function inForce({ limits, stored }: Pick<Period, "limits" | "stored">): Limits {
  return limits.map((limit, place) => stored?.[place] ?? limit);
}
