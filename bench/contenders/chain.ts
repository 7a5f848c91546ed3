/** The chain that every measurement of this library counts against: one or three scopes of three budgets each. */
import type { Budget } from "../../src/index.ts";
import type { ChainLink, WindowLimits } from "../../src/ledger/store.ts";

const SCOPES = ["agent:worker", "team:search", "org:acme"] as const;
const WINDOWS = ["hour", "day", "month"] as const;
/** Never reached: a denial would write nothing and measure well. */
const LIMIT_USD = 1_000_000;

const NONE = { nanoUsd: null, tokens: null, requests: null };

/** Leaf first. */
export function chainOf(scopes: number): ChainLink[] {
  const limits: WindowLimits[] = WINDOWS.map((window) => ({
    window,
    hard: { ...NONE, nanoUsd: LIMIT_USD * 1e9 },
    soft: NONE,
  }));
  return SCOPES.slice(0, scopes).map((scope) => ({ scope, limits }));
}

/** The same scopes as a meter is given them, leaf first. */
export function budgetsOf(scopes: number): { scope: string; budgets: Budget[] }[] {
  const budgets = WINDOWS.map((window) => ({ window, usd: LIMIT_USD }));
  return SCOPES.slice(0, scopes).map((scope) => ({ scope, budgets }));
}
