/** What the cases share: a store with a clock that the test moves, and short words for its operations. */
import { ok } from "node:assert/strict";
import type { Budget } from "../../../src/ledger/budgets.ts";
import { canonicalLimits } from "../../../src/ledger/limits.ts";
import type {
  AccountView,
  Amounts,
  ChainLink,
  CloseAnswer,
  RecordAnswer,
  RequestedAmounts,
  ReserveAnswer,
  Standing,
  Store,
} from "../../../src/ledger/store.ts";
import type { WindowName } from "../../../src/ledger/window-names.ts";

/** A store in a namespace of its own. */
export interface Bench {
  store: Store;
  namespace: string;
  /** Moves the clock that decides. */
  advance(milliseconds: number): void;
  nowMs(): number;
  /** Overwrites a field of an account, behind the store's back. */
  tamper(scope: string, field: string, text: string): Promise<void>;
  /** Deletes an account, behind the store's back. */
  loseAccount(scope: string): Promise<void>;
  fields(scope: string): Promise<Record<string, string>>;
}

export interface StoreCase {
  promise: string;
  name: string;
  run(bench: Bench): Promise<void>;
}

/** 2026-11-25 (a Wednesday) 10:20:30 UTC: in the middle of every window. */
export const START_MS = Date.UTC(2026, 10, 25, 10, 20, 30);
export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;
export const CENT = 10_000_000;
export const DOLLAR = 1_000_000_000;
/** Long enough for cases that come back to a hold weeks later. */
const RETENTION_SECONDS = 30 * 86_400;

/** Cases of one promise, by what they say. */
export function promise(text: string, cases: Record<string, (bench: Bench) => Promise<void>>): StoreCase[] {
  return Object.entries(cases).map(([name, run]) => ({ promise: text, name, run }));
}

/** A scope with the budgets that its caller declares; undefined: the recorded ones judge. */
export function link(scope: string, budgets?: Budget[]): ChainLink {
  return { scope, limits: canonicalLimits(budgets) };
}

export const usd = (nanoUsd: number): Amounts => ({ nanoUsd, tokens: 0, requests: 1 });

let serial = 0;
export function fresh(): string {
  serial += 1;
  return `op-${serial}`;
}

interface Options {
  id?: string;
  hash?: string;
  attempt?: string;
  expiresInSeconds?: number;
}

export function reserve(
  bench: Bench,
  chain: ChainLink[],
  requested: RequestedAmounts,
  options: Options = {},
): Promise<ReserveAnswer> {
  const { id = fresh(), hash = "hash", attempt = id, expiresInSeconds = 600 } = options;
  const base = {
    namespace: bench.namespace,
    chain,
    id,
    argumentsHash: hash,
    retentionSeconds: RETENTION_SECONDS,
  };
  return bench.store.reserve({ ...base, attempt, requested, expiresInSeconds });
}

interface SettleOptions {
  source?: "reported" | "estimated";
  thresholds?: number[];
  lost?: string;
  model?: string;
}

export function settle(
  bench: Bench,
  chain: ChainLink[],
  id: string,
  actual: Amounts | undefined,
  { source = "reported", thresholds = [], lost, model }: SettleOptions = {},
): Promise<CloseAnswer> {
  const argumentsHash = `settle ${actual?.nanoUsd}`.replace(" ", "-");
  return bench.store.settle({
    namespace: bench.namespace,
    chain,
    id,
    argumentsHash,
    retentionSeconds: RETENTION_SECONDS,
    source,
    actual,
    model,
    alertThresholds: thresholds,
    bookIfUnknown: lost === undefined ? undefined : { reserveHash: lost },
  });
}

export function release(
  bench: Bench,
  chain: ChainLink[],
  id: string,
  attempt?: string,
): Promise<CloseAnswer> {
  const base = { namespace: bench.namespace, chain, id, retentionSeconds: RETENTION_SECONDS };
  return bench.store.release({ ...base, argumentsHash: "release", attempt });
}

export function record(
  bench: Bench,
  chain: ChainLink[],
  actual: Amounts,
  {
    id = fresh(),
    hash = "hash",
    thresholds = [],
  }: { id?: string; hash?: string; thresholds?: number[] } = {},
): Promise<RecordAnswer> {
  const base = { namespace: bench.namespace, chain, id, argumentsHash: hash, retentionSeconds: 900 };
  return bench.store.record({ ...base, actual, alertThresholds: thresholds });
}

export function administer(bench: Bench, scope: string, id = fresh()) {
  return {
    namespace: bench.namespace,
    chain: [link(scope)],
    id,
    argumentsHash: "admin",
    retentionSeconds: 900,
  };
}

export function storeLimits(bench: Bench, scope: string, budgets: Budget[]) {
  return bench.store.storeLimits({ ...administer(bench, scope), limits: canonicalLimits(budgets) ?? [] });
}

export function check(bench: Bench, chain: ChainLink[], requested: RequestedAmounts = usd(0)) {
  return bench.store.check({ namespace: bench.namespace, chain, requested });
}

/** Settled and held nano-USD of a scope's window. */
export function counted(
  standing: Standing,
  scope: string,
  window: WindowName,
): [settled: number, held: number] {
  const found = accountOf(standing, scope).windows.find((candidate) => candidate.window === window);
  ok(found, `${scope} has a ${window} window`);
  return [found.settled.nanoUsd, found.held.nanoUsd];
}

function accountOf(standing: Standing, scope: string): AccountView {
  const account = standing.accounts.find((candidate) => candidate.scope === scope);
  ok(account, `the standing has ${scope}`);
  return account;
}

export async function standing(
  bench: Bench,
  scope: string,
  window: WindowName = "month",
): Promise<[number, number]> {
  return counted(await check(bench, [link(scope)]), scope, window);
}

export const isHeld = (answer: ReserveAnswer): boolean => answer.outcome === "held";
