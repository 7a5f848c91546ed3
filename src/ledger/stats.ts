/** Standings to what users read: budgets with percents and remainders, and the usage of the calendar month. */
import type { BudgetStatus, Denial, Metric, UsageStats } from "./budgets.ts";
import { fieldOf } from "./limits.ts";
import { usdFromNano } from "./money.ts";
import { agentIdOf } from "./names.ts";
import type { AccountView, Amounts, LimitInForce, RequestedAmounts, Standing, WindowView } from "./store.ts";
import { windowParts } from "./window-names.ts";

/** The usage of the chain's leaf, with every budget of the chain. */
export function usageStats(standing: Standing): UsageStats {
  const [leaf] = standing.accounts;
  if (leaf === undefined) throw new TypeError("A standing has at least one account.");
  const month = leaf.windows.find((window) => window.window === "month");
  if (month === undefined) throw new TypeError("Every account counts the calendar month.");
  const agentId = agentIdOf(leaf.scope);
  const budgets = standing.accounts.flatMap(budgetStatuses);
  const monthly = windowStatuses(leaf.scope, month).filter((budget) => !budget.soft);
  const usd = monthly.find((budget) => budget.metric === "usd");
  const tokens = monthly.find((budget) => budget.metric === "tokens");
  const remainders = budgets
    .filter((budget) => budget.metric === "usd" && !budget.soft)
    .map((budget) => budget.remaining);
  return {
    scope: leaf.scope,
    ...(agentId === undefined ? {} : { agentId }),
    usdSpent: usdFromNano(month.settled.nanoUsd),
    nanoUsdSpent: month.settled.nanoUsd,
    usdHeld: usdFromNano(month.held.nanoUsd),
    tokensSpent: month.settled.tokens,
    monthlyBudgetUsd: usd?.limit ?? null,
    monthlyBudgetTokens: tokens?.limit ?? null,
    percentUsd: usd?.percent ?? null,
    percentTokens: tokens?.percent ?? null,
    remainingUsd: remainders.length === 0 ? null : Math.min(...remainders),
    budgets,
  };
}

/** Every budget of one scope, hard ones first within a window. */
function budgetStatuses(account: AccountView): BudgetStatus[] {
  return account.windows.flatMap((window) => windowStatuses(account.scope, window));
}

function windowStatuses(scope: string, window: WindowView): BudgetStatus[] {
  return window.limits.map((limit) => budgetStatus(scope, window, limit));
}

function budgetStatus(scope: string, window: WindowView, limit: LimitInForce): BudgetStatus {
  const settled = window.settled[fieldOf(limit.metric)];
  const held = window.held[fieldOf(limit.metric)];
  return {
    scope,
    ...windowParts(window.window),
    metric: limit.metric,
    limit: inUnit(limit.metric, limit.limit),
    spent: inUnit(limit.metric, settled),
    held: inUnit(limit.metric, held),
    remaining: inUnit(limit.metric, Math.max(0, limit.limit - settled - held)),
    percent: (settled * 100) / limit.limit,
    resetsAt: window.endMs === null ? null : new Date(window.endMs),
    soft: limit.soft,
    source: limit.source,
  };
}

/**
 * Every hard budget that refuses `requested`, the last to reset first. A null asks for at least one unit.
 */
export function denialsOf(accounts: AccountView[], requested: RequestedAmounts): Denial[] {
  return refusals(accounts, (window, limit) => {
    const field = fieldOf(limit.metric);
    const asked = requested[field] ?? 1;
    const total = window.settled[field] + window.held[field] + asked;
    return total > limit.limit ? inUnit(limit.metric, asked) : undefined;
  });
}

/** Every hard budget that settled spend alone has passed: what `record` throws for, and what `overrun` means. */
export function overrunsOf(accounts: AccountView[], actual: Amounts): Denial[] {
  return refusals(accounts, (window, limit) => {
    const field = fieldOf(limit.metric);
    return window.settled[field] > limit.limit ? inUnit(limit.metric, actual[field]) : undefined;
  });
}

function refusals(
  accounts: AccountView[],
  requestedOver: (window: WindowView, limit: LimitInForce) => number | undefined,
): Denial[] {
  const denials: Denial[] = [];
  for (const account of accounts) {
    for (const window of account.windows) {
      for (const limit of window.limits.filter((candidate) => !candidate.soft)) {
        const requested = requestedOver(window, limit);
        if (requested !== undefined)
          denials.push({ ...budgetStatus(account.scope, window, limit), requested });
      }
    }
  }
  return denials.sort((a, b) => resetOrder(b) - resetOrder(a));
}

const resetOrder = (denial: Denial): number => denial.resetsAt?.getTime() ?? Number.MAX_SAFE_INTEGER;

function inUnit(metric: Metric, amount: number): number {
  return metric === "usd" ? usdFromNano(amount) : amount;
}
