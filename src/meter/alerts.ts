/** Alerts: thresholds of a budget that settled spend has reached, each told once a period over all processes. */
import { AgentLimitError, InvalidBudgetError, InvalidOptionsError } from "../errors.ts";
import type { BudgetStatus, UsageStats } from "../ledger/budgets.ts";
import { agentIdOf } from "../ledger/names.ts";
import type { Crossing } from "../ledger/store.ts";
import { windowName } from "../ledger/window-names.ts";
import { readUsage } from "./check.ts";
import type { MeterContext } from "./context.ts";
import { scopeOperation } from "./operations.ts";

/** A threshold of a budget was reached. */
export interface AlertEvent {
  /** Names scope, budget, threshold and period: the same whenever this alert is told again. */
  id: string;
  scope: string;
  /** Only for scopes `agent:<agentId>`. */
  agentId?: string;
  /** 0 to 100 of what is spent; may pass 100. */
  percent: number;
  /** The fraction that was reached, as in `alertThresholds`. */
  threshold: number;
  /** Dollars spent in the budget's window; NaN, and left out of JSON, unless the budget is in dollars. */
  currentUsd: number;
  /** The budget in dollars; NaN, and left out of JSON, unless the budget is in dollars. */
  budgetUsd: number;
  budget: BudgetStatus;
}

/** The user's callback. */
export type OnAlert = (event: AlertEvent) => void | Promise<void>;

/** What a meter with a callback marks and tells. */
export interface AlertSettings {
  /** Fractions, ascending. */
  thresholds: number[];
  onAlert: OnAlert;
  /** Ids of alerts that this process told or gave back lately: a replayed operation carries its crossings again. */
  handled: Set<string>;
}

const DEFAULT_THRESHOLDS = [0.8, 0.9, 1];
const HANDLED_MAX = 1000;

/**
 * Checks the two options; the thresholds too where nobody listens.
 *
 * @throws InvalidBudgetError unless every threshold is above 0 and at most 1, and they ascend without doubles.
 * @throws InvalidOptionsError when `onAlert` is no function.
 */
export function alertSettings(
  thresholds: unknown = DEFAULT_THRESHOLDS,
  onAlert: OnAlert | undefined,
): AlertSettings | undefined {
  const checked = checkedThresholds(thresholds);
  if (onAlert === undefined) return undefined;
  if (typeof onAlert !== "function") throw new InvalidOptionsError("`onAlert` is a function.");
  return { thresholds: checked, onAlert, handled: new Set() };
}

/** The thresholds that an operation marks as fired: none without a callback that would tell them. */
export function markedThresholds(context: MeterContext): number[] {
  return context.alerts?.thresholds ?? [];
}

/**
 * Tells every crossing, in order, and waits for the callbacks. One that fails does not use its threshold up: the mark is
 * taken off again, and the next settle anywhere tells it. Never rejects.
 */
export async function tellCrossings(
  context: MeterContext,
  answer: { crossings: Crossing[]; replayed: boolean },
  usage: UsageStats,
): Promise<void> {
  const { alerts } = context;
  if (alerts === undefined) return;
  const untold = answer.crossings.filter(
    (crossing) => !(answer.replayed && alerts.handled.has(alertId(crossing))),
  );
  await Promise.all(untold.map((crossing) => tell(context, alerts, crossing, usage)));
}

async function tell(
  context: MeterContext,
  alerts: AlertSettings,
  crossing: Crossing,
  usage: UsageStats,
): Promise<void> {
  const id = alertId(crossing);
  remember(alerts.handled, id);
  const budget = crossedIn(usage.budgets, crossing) ?? (await recordedBudget(context, crossing));
  try {
    if (budget !== undefined) return await alerts.onAlert(alertEvent(alerts, crossing, budget));
  } catch (error) {
    context.emit({ type: "failed", id, error: callbackError(error) });
  }
  if (!(await takeMarkOff(context, crossing))) alerts.handled.delete(id);
}

/**
 * The ledger judges by the list that was declared last. Where that is another meter's, this one's usage shows its own
 * budgets, so the crossed one is looked up. Undefined where it is in force no longer, or the store is gone.
 */
async function recordedBudget(context: MeterContext, crossing: Crossing): Promise<BudgetStatus | undefined> {
  try {
    const { budgets } = await readUsage({ ...context, chain: [{ scope: crossing.scope }] });
    return crossedIn(budgets, crossing);
  } catch {
    return undefined;
  }
}

function remember(handled: Set<string>, id: string): void {
  handled.add(id);
  const [oldest] = handled;
  if (handled.size > HANDLED_MAX && oldest !== undefined) handled.delete(oldest);
}

function callbackError(cause: unknown): AgentLimitError {
  const message = "`onAlert` failed; the next settle tells the alert again.";
  return new AgentLimitError("INVALID_OPTIONS", message, { cause });
}

/** False where the store is gone: unless the operation is replayed, this one alert is lost, as if the process had died. */
async function takeMarkOff(context: MeterContext, crossing: Crossing): Promise<boolean> {
  try {
    await context.store.unmark({ ...scopeOperation(context, crossing.scope, "unmark"), crossing });
    return true;
  } catch {
    return false;
  }
}

function alertEvent(alerts: AlertSettings, crossing: Crossing, budget: BudgetStatus): AlertEvent {
  const isUsd = budget.metric === "usd";
  const agentId = agentIdOf(budget.scope);
  const event: AlertEvent = {
    id: alertId(crossing),
    scope: budget.scope,
    ...(agentId === undefined ? {} : { agentId }),
    percent: budget.percent,
    threshold: asGiven(alerts.thresholds, crossing.threshold),
    currentUsd: isUsd ? budget.spent : Number.NaN,
    budgetUsd: isUsd ? budget.limit : Number.NaN,
    budget,
  };
  if (!isUsd) {
    Object.defineProperty(event, "currentUsd", { enumerable: false });
    Object.defineProperty(event, "budgetUsd", { enumerable: false });
  }
  return event;
}

/** Stores keep thresholds in millionths; the caller may have said 1/3. */
function asGiven(thresholds: number[], stored: number): number {
  return thresholds.find((threshold) => Math.abs(threshold - stored) < 1e-6) ?? stored;
}

function alertId({ scope, window, metric, soft, threshold, baseMicros }: Crossing): string {
  return [scope, window, soft ? `soft-${metric}` : metric, threshold, baseMicros].join("/");
}

/** The crossed budget. One of the same name with a higher limit is another meter's. */
function crossedIn(budgets: BudgetStatus[], crossing: Crossing): BudgetStatus | undefined {
  const { scope, window, metric, soft, threshold } = crossing;
  return budgets.find(
    (budget) =>
      budget.scope === scope &&
      windowName(budget) === window &&
      budget.metric === metric &&
      budget.soft === soft &&
      budget.percent >= threshold * 100 - 1e-6,
  );
}

function checkedThresholds(thresholds: unknown): number[] {
  if (!Array.isArray(thresholds)) {
    throw new InvalidBudgetError("`alertThresholds` is a list of fractions such as [0.8, 0.9, 1].");
  }
  const checked: number[] = [];
  for (const threshold of thresholds) {
    if (typeof threshold !== "number" || !(threshold > 0 && threshold <= 1)) {
      throw new InvalidBudgetError(
        `An alert threshold is a fraction above 0 and at most 1, not ${String(threshold)}.`,
      );
    }
    if (threshold <= (checked.at(-1) ?? 0)) {
      throw new InvalidBudgetError(
        `Alert thresholds ascend without doubles; ${threshold} comes after ${checked.at(-1)}.`,
      );
    }
    checked.push(threshold);
  }
  return checked;
}
