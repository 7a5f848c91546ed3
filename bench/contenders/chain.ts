/** The chain that all of this library's measurements count against: one to three scopes of three budgets each. */
import type { Budget } from "../../src/index.ts";

/** Never reached: a denial would write nothing and measure well. */
export const LIMIT_USD = 1_000_000;

const SCOPES = ["agent:worker", "team:search", "org:acme"];
const BUDGETS: Budget[] = [
  { window: "hour", usd: LIMIT_USD },
  { window: "day", usd: LIMIT_USD },
  { window: "month", usd: LIMIT_USD },
];

/** Leaf first. */
export function budgetsOf(scopes: number): { scope: string; budgets: Budget[] }[] {
  return SCOPES.slice(0, scopes).map((scope) => ({ scope, budgets: BUDGETS }));
}
