/** Each account's counters and history against the calls that the ledger has applied, to the nano-USD. */
import { limitsOf } from "../budgets.ts";
import type { Triple } from "../journal.ts";
import { type LedgerState, parseTriple } from "../ledger-state.ts";
import { plus, ZERO } from "./amounts.ts";
import { windowStart } from "./calendar.ts";
import type { Applied, AppliedCall, Contradict } from "./calls.ts";
import { groupBy } from "./group-by.ts";

const HOUR_MICROS = 3_600_000_000;

export function checkAccounts(state: LedgerState, applied: Applied, contradict: Contradict): void {
  const callsByScope = groupBy(applied.calls, (call) => call.scopes);
  const changesByScope = groupBy(applied.changes, ({ scope }) => [scope]);
  const listed = new Set(state.index);
  for (const scope of callsByScope.keys()) {
    if (!state.accounts.has(scope)) contradict(`${scope}: calls were applied, and the ledger has no account`);
    if (!listed.has(scope)) contradict(`${scope}: meta does not list it`);
  }
  for (const [scope, fields] of state.accounts) {
    const say: Contradict = (text) => contradict(`${scope}: ${text}`);
    const calls = callsByScope.get(scope) ?? [];
    const resets = (changesByScope.get(scope) ?? []).filter(({ kind }) => kind === "reset");
    const lastResetMicros = Math.max(0, ...resets.map(({ atMicros }) => atMicros));
    checkWindows({ scope, fields, calls, lastResetMicros }, say);
    checkHistory(fields, calls, say);
    const unswept = Object.keys(fields).filter((field) => field.startsWith("x:"));
    if (unswept.length > 0) say(`holds are left in ${unswept.join(", ")}`);
  }
  checkLog(state, applied, contradict);
}

interface AccountInput {
  scope: string;
  fields: Record<string, string>;
  calls: AppliedCall[];
  lastResetMicros: number;
}

/** A window counts what began in it since the last reset. By now nothing is held. */
function checkWindows({ scope, fields, calls, lastResetMicros }: AccountInput, say: Contradict): void {
  const listed = entriesOf(fields.w).map((entry) => entry.split(" "));
  const [head = "", ...committed] = entriesOf(fields.c);
  const settled = entriesOf(fields.s).map((entry) => entry.split(" "));
  const lastMs = Number(head.split(" ")[1]) / 1000;
  const expected = [...new Set([...limitsOf(scope).map(({ window }) => window), "month"])].sort();
  const names = listed.map(([name = ""]) => name);
  const isWhole = [...names].sort().join() === expected.join() && fields.o === undefined;
  if (!isWhole) {
    say(`it counts ${names.join(", ")} and not ${expected.join(", ")}`);
    return;
  }

  for (const [place, [name = "", startSeconds]] of listed.entries()) {
    const startMs = windowStart(name, lastMs);
    if (Number(startSeconds) * 1000 !== startMs) say(`its ${name} begins at ${startSeconds}`);
    const [base, , amounts] = settled[place] ?? [];
    if (lastResetMicros > startMs * 1000 && Number(base) !== lastResetMicros) {
      say(`its ${name} counts from ${base}, and the last reset was at ${lastResetMicros}`);
    }
    const sinceMicros = Math.max(startMs * 1000, lastResetMicros);
    const counted = calls.filter(({ startMicros }) => startMicros >= sinceMicros);
    const sum = counted.reduce((total: Triple, call) => plus(total, call.settled), [...ZERO]);
    checkEqual(`settled of its ${name}`, sum, parseTriple(amounts), say);
    checkEqual(`settled and held of its ${name}`, sum, parseTriple(committed[place]), say);
  }
}

/** Every call stands in history once, in the hour in which it began, or in that of its expiry. */
function checkHistory(fields: Record<string, string>, calls: AppliedCall[], say: Contradict): void {
  const expected = new Map<string, number[]>();
  for (const { row, settled } of calls) {
    if (row === undefined) continue;
    const key = `H:${Math.floor(row.atMicros / HOUR_MICROS)} ${row.name} ${row.source}`;
    addTo(expected, key, [...settled, ...row.tokenKinds]);
  }
  const found = new Map<string, number[]>();
  for (const [field, text] of Object.entries(fields)) {
    if (!/^[HD]:/.test(field)) continue;
    for (const entry of entriesOf(text)) {
      const [name, source, requests, nanoUsd, tokens, kinds = "-"] = entry.split(" ");
      const tokenKinds = kinds === "-" ? [] : kinds.split(",");
      addTo(found, `${field} ${name} ${source}`, [nanoUsd, tokens, requests, ...tokenKinds].map(Number));
    }
  }
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    checkEqual(`history ${key}`, withoutZeros(expected.get(key)), withoutZeros(found.get(key)), say);
  }
}

/** The log has every administrator's operation once, or the last thousand of them. */
function checkLog({ log }: LedgerState, { changes }: Applied, contradict: Contradict): void {
  const logged = log.map((line) => line.split(" ")[3] ?? "");
  if (new Set(logged).size !== logged.length) contradict("log: it names an operation twice");
  const applied = new Set(changes.map(({ id }) => id));
  const foreign = logged.filter((id) => !applied.has(id));
  if (foreign.length > 0) contradict(`log: it names ${foreign.join(", ")}, which are not applied`);
  const wanted = Math.min(applied.size, 1_000);
  if (logged.length !== wanted) contradict(`log: it names ${logged.length} operations, not ${wanted}`);
}

function entriesOf(text: string | undefined): string[] {
  return (text ?? "").split(";").slice(0, -1);
}

function addTo(sums: Map<string, number[]>, key: string, counts: number[]): void {
  const sum = sums.get(key) ?? [];
  counts.forEach((count, place) => {
    sum[place] = (sum[place] ?? 0) + count;
  });
  sums.set(key, sum);
}

/** A row that corrections emptied is as good as none. */
function withoutZeros(counts: number[] | undefined): number[] {
  const last = (counts ?? []).findLastIndex((count) => count !== 0);
  return (counts ?? []).slice(0, last + 1);
}

function checkEqual(what: string, expected: number[], found: number[], say: Contradict): void {
  if (expected.join() !== found.join()) {
    say(`${what}: the journal adds up to ${expected.join()}, the ledger has ${found.join()}`);
  }
}
