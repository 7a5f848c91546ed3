/** Budgets as users write them, checked and brought into canonical form: one entry a window, in a fixed order. */
import { InvalidBudgetError } from "../errors.ts";
import type { Budget, Metric, Window } from "./budgets.ts";
import { MAX_AMOUNT, nanoUsdRoundedDown } from "./money.ts";
import { shown } from "./names.ts";
import type { Amounts, LimitAmounts, LimitInForce, WindowLimits } from "./store.ts";
import { knownTimeZone } from "./time-zones.ts";
import {
  compareWindowNames,
  dayOfDate,
  isWindow,
  mayHaveAnchor,
  WINDOWS,
  type WindowName,
  type WindowParts,
  windowLabel,
  windowName,
  windowParts,
} from "./window-names.ts";

/** The metrics in the order of every list, with the field of {@link Amounts} that holds each. */
export const METRICS: readonly { metric: Metric; field: keyof Amounts }[] = [
  { metric: "usd", field: "nanoUsd" },
  { metric: "tokens", field: "tokens" },
  { metric: "requests", field: "requests" },
];

/** The field that holds a metric's amount. */
export function fieldOf(metric: Metric): keyof Amounts {
  return FIELDS[metric];
}

const FIELDS: Record<Metric, keyof Amounts> = { usd: "nanoUsd", tokens: "tokens", requests: "requests" };

export function noLimits(): LimitAmounts {
  return { nanoUsd: null, tokens: null, requests: null };
}

const BUDGET_FIELDS = new Set(["window", "usd", "tokens", "requests", "timeZone", "anchor", "soft"]);

/**
 * Budgets to canonical limits; undefined stays undefined (the recorded limits judge), an empty list stays empty (clears them).
 *
 * @throws InvalidBudgetError for an unknown window, time zone or field, an anchor that is no date or that the window can't
 * have, an amount that is not above 0 and at most 9e15 (9,000,000 dollars), a fractional count, a budget without an amount,
 * and the same window and metric twice.
 */
export function canonicalLimits(budgets: Budget[] | undefined): WindowLimits[] | undefined {
  if (budgets === undefined) return undefined;
  if (!Array.isArray(budgets)) throw new InvalidBudgetError("`budgets` is a list of budgets.");
  const byName = new Map<WindowName, WindowLimits>();
  for (const budget of budgets) {
    const window = windowName(checkedWindow(budget));
    const entry = byName.get(window) ?? { window, hard: noLimits(), soft: noLimits() };
    byName.set(window, entry);
    addAmounts(budget, entry);
  }
  return [...byName.values()].sort((a, b) => compareWindowNames(a.window, b.window));
}

function checkedWindow(budget: Budget): WindowParts {
  if (typeof budget !== "object" || budget === null) {
    throw new InvalidBudgetError('A budget is an object such as { window: "month", usd: 100 }.');
  }
  const unknown = Object.keys(budget).find((field) => !BUDGET_FIELDS.has(field));
  if (unknown !== undefined) {
    throw new InvalidBudgetError(
      `A budget has no field ${shown(unknown)}; it has ${[...BUDGET_FIELDS].join(", ")}.`,
    );
  }
  const { window, soft } = budget;
  if (!isWindow(window)) {
    throw new InvalidBudgetError(`Unknown window ${shown(window)}; windows are ${WINDOWS.join(", ")}.`);
  }
  if (soft !== undefined && typeof soft !== "boolean") {
    throw new InvalidBudgetError(`\`soft\` of the ${window} budget is true or false.`);
  }
  return { window, timeZone: checkedTimeZone(budget), anchor: checkedAnchor(budget) };
}

function checkedTimeZone({ window, timeZone }: Budget): string | undefined {
  if (timeZone === undefined) return undefined;
  const known = knownTimeZone(timeZone);
  if (known !== undefined) return known;
  throw new InvalidBudgetError(
    `\`timeZone\` of the ${window} budget is a name of the IANA time zone database that this runtime knows, such as America/New_York, not ${shown(timeZone)}.`,
  );
}

function checkedAnchor({ window, anchor }: Budget): string | undefined {
  if (anchor === undefined) return undefined;
  if (!mayHaveAnchor(window)) {
    throw new InvalidBudgetError(
      `A ${window} has no \`anchor\`: only a week or a month begins on a day of your choice.`,
    );
  }
  if (dayOfDate(anchor) !== undefined) return anchor;
  throw new InvalidBudgetError(
    `\`anchor\` of the ${window} budget is a date such as 2026-01-31, not ${shown(anchor)}.`,
  );
}

function addAmounts(budget: Budget, entry: WindowLimits): void {
  const limits = budget.soft === true ? entry.soft : entry.hard;
  let amounts = 0;
  for (const { metric, field } of METRICS) {
    if (budget[metric] === undefined) continue;
    if (limits[field] !== null) {
      const kind = budget.soft === true ? "soft " : "";
      throw new InvalidBudgetError(
        `Two ${kind}${metric} budgets for one ${windowLabel(windowParts(entry.window))}: leave one out.`,
      );
    }
    limits[field] = checkedAmount(budget.window, metric, budget[metric]);
    amounts += 1;
  }
  if (amounts === 0) {
    throw new InvalidBudgetError(
      `The ${budget.window} budget limits nothing: give it usd, tokens or requests.`,
    );
  }
}

function checkedAmount(window: Window, metric: Metric, value: unknown): number {
  const amount = metric === "usd" ? nanoUsdRoundedDown(value) : wholeNumber(value);
  if (amount !== undefined && amount > 0) return amount;
  const rule =
    metric === "usd"
      ? "dollars from 0.000000001 to 9000000, as a number or in plain digits"
      : "a whole number above 0 and at most 9e15";
  throw new InvalidBudgetError(
    `The ${metric} budget for a ${window} must be ${rule}, not ${typeof value === "string" ? JSON.stringify(value) : String(value)}.`,
  );
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value <= MAX_AMOUNT ? value : undefined;
}

/** What binds in one window: an administrator's limit goes before the code's, metric by metric. */
export function limitsInForce(
  stored: { hard: LimitAmounts; soft: LimitAmounts } | undefined,
  code: { hard: LimitAmounts; soft: LimitAmounts },
): LimitInForce[] {
  const limits: LimitInForce[] = [];
  for (const soft of [false, true]) {
    const kind = soft ? "soft" : "hard";
    for (const { metric, field } of METRICS) {
      const storedLimit = stored?.[kind][field] ?? null;
      const limit = storedLimit ?? code[kind][field];
      if (limit !== null)
        limits.push({ metric, limit, soft, source: storedLimit === null ? "code" : "store" });
    }
  }
  return limits;
}
