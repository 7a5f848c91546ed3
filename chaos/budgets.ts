/** Whose budgets the callers share, and how high they are: low enough to refuse some of the calls. */
import type { WindowLimits } from "../src/ledger/store.ts";

/** A hard limit on one metric of a scope's window. */
export interface Limit {
  window: "minute" | "hour" | "day" | "week" | "month" | "total";
  metric: "nanoUsd" | "tokens" | "requests";
  limit: number;
}

const USD = 1e9;
const BUDGETS: Record<string, Limit[]> = {
  "agent:search": [
    { window: "minute", metric: "requests", limit: 40 },
    { window: "total", metric: "nanoUsd", limit: 0.08 * USD },
  ],
  "agent:support": [
    { window: "hour", metric: "nanoUsd", limit: 0.2 * USD },
    { window: "hour", metric: "tokens", limit: 250_000 },
  ],
  "agent:review": [{ window: "total", metric: "nanoUsd", limit: 0.06 * USD }],
  "team:research": [
    { window: "day", metric: "tokens", limit: 600_000 },
    { window: "week", metric: "nanoUsd", limit: 0.5 * USD },
  ],
  "org:acme": [
    { window: "month", metric: "nanoUsd", limit: 0.6 * USD },
    { window: "total", metric: "requests", limit: 1_500 },
  ],
};
const RUN_BUDGETS: Limit[] = [{ window: "total", metric: "nanoUsd", limit: 0.008 * USD }];

/** The scopes that stand from the start. */
export const STANDING_SCOPES: readonly string[] = Object.keys(BUDGETS);

/** Chains, leaf first. */
export const CHAINS: readonly string[][] = [
  ["agent:search", "team:research", "org:acme"],
  ["agent:support", "team:research", "org:acme"],
  ["agent:review"],
  ["agent:review", "org:acme"],
  ["team:research"],
];

/** A scope that begins during the run has the prefix `run:`. */
export function limitsOf(scope: string): Limit[] {
  return scope.startsWith("run:") ? RUN_BUDGETS : (BUDGETS[scope] ?? []);
}

/** The same as a caller declares them. */
export function declaredLimits(scope: string): WindowLimits[] {
  const declared: WindowLimits[] = [];
  for (const { window, metric, limit } of limitsOf(scope)) {
    let entry = declared.find((known) => known.window === window);
    if (entry === undefined) {
      const none = { nanoUsd: null, tokens: null, requests: null };
      entry = { window, hard: { ...none }, soft: { ...none } };
      declared.push(entry);
    }
    entry.hard[metric] = limit;
  }
  return declared;
}
