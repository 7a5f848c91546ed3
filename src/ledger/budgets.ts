/** Budgets as users write them, and their standing as every answer reports it. */
import type { Usd } from "./money.ts";

/** A window of time, by the calendar unless it is anchored; `total` never resets. */
export type Window = "minute" | "hour" | "day" | "week" | "month" | "total";

/** What a budget limits. */
export type Metric = "usd" | "tokens" | "requests";

/** A limit on dollars, tokens or requests of one scope over a window; at least one of the three. */
export interface Budget {
  window: Window;
  /** Dollars, above 0 and at most 9,000,000; rounded down to nano-USD. */
  usd?: Usd;
  /** Whole tokens, above 0: every kind of token counts. */
  tokens?: number;
  /** Whole requests, above 0. */
  requests?: number;
  /** The IANA zone whose clocks the window follows, such as `America/New_York`; default UTC. */
  timeZone?: string;
  /**
   * `YYYY-MM-DD`, for `week` and `month`: the window begins at 00:00 on this weekday, or on this day of the month (the last
   * one of shorter months), as a billing cycle does. Default: weeks begin on Monday, months on the 1st.
   */
  anchor?: string;
  /** Alerts, never denies. */
  soft?: boolean;
}

/** How one budget stands. Dollars are display numbers; `limit`, `spent`, `held` and `remaining` are in the metric's unit. */
export interface BudgetStatus {
  scope: string;
  window: Window;
  /** Left out for UTC. */
  timeZone?: string;
  /** Left out for the calendar's weeks and months. */
  anchor?: string;
  metric: Metric;
  limit: number;
  spent: number;
  held: number;
  /** `limit - spent - held`, never below 0. */
  remaining: number;
  /** 0 to 100 of what is spent (holds aside); may pass 100. */
  percent: number;
  /** When the window ends; null for `total`. */
  resetsAt: Date | null;
  soft: boolean;
  /** Whose limit it is: an administrator's (`store`), a template's, or the code's. */
  source: "store" | "template" | "code";
}

/** A budget that refused a call, and what the call asked of it, in the metric's unit. */
export type Denial = BudgetStatus & { requested: number };

/** A scope's usage of this calendar month (UTC), and every budget of its chain, leaf first. */
export interface UsageStats {
  scope: string;
  /** Only for scopes `agent:<agentId>`. */
  agentId?: string;
  usdSpent: number;
  nanoUsdSpent: number;
  usdHeld: number;
  tokensSpent: number;
  /** The hard limit of this scope's calendar month; null without one. */
  monthlyBudgetUsd: number | null;
  monthlyBudgetTokens: number | null;
  percentUsd: number | null;
  percentTokens: number | null;
  /** The least that any hard dollar budget of the chain has left; null without one. */
  remainingUsd: number | null;
  budgets: BudgetStatus[];
}
