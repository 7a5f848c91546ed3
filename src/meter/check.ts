/** Reads that hold nothing: whether a call would be admitted now, and how the chain stands. */
import { BudgetExceededError } from "../errors.ts";
import type { UsageStats } from "../ledger/budgets.ts";
import { usageStats } from "../ledger/stats.ts";
import type { CheckAnswer, RequestedAmounts } from "../ledger/store.ts";
import type { MeterContext } from "./context.ts";
import { denialMessage, pausedMessage } from "./denial-message.ts";
import { isLimited, unbudgetedError } from "./unbudgeted.ts";

/** Whether a call would be admitted now. Advisory: nothing is held, so a later `reserve` may answer otherwise. */
export type Check =
  | { allowed: true; error?: undefined; usage: UsageStats }
  | { allowed: false; error: BudgetExceededError; usage: UsageStats };

/** A call of which nothing is known but that it is one: refused where any budget has nothing left. */
export const UNKNOWN_REQUEST: RequestedAmounts = { nanoUsd: null, tokens: null, requests: 1 };

/** @throws StoreUnavailableError, StoreDataError: a guess is never `allowed`. */
export async function check(context: MeterContext, requested: RequestedAmounts): Promise<Check> {
  const { namespace, chain } = context;
  const answer = await context.store.check({ namespace, chain, requested });
  const usage = usageStats(answer);
  const error = denialOf(context, answer, requested);
  return error === undefined ? { allowed: true, usage } : { allowed: false, error, usage };
}

/** The usage of the chain's leaf, and every budget of the chain. */
export async function readUsage({
  store,
  namespace,
  chain,
}: Pick<MeterContext, "store" | "namespace" | "chain">): Promise<UsageStats> {
  return usageStats(await store.check({ namespace, chain, requested: UNKNOWN_REQUEST }));
}

function denialOf(
  context: MeterContext,
  answer: CheckAnswer,
  requested: RequestedAmounts,
): BudgetExceededError | undefined {
  const { denials, nowMs, pausedScope: scope } = answer;
  if (scope !== undefined)
    return new BudgetExceededError(pausedMessage(scope, answer.pauseReason), { code: "PAUSED", scope });
  if (denials.length > 0)
    return new BudgetExceededError(denialMessage(denials, requested), { denials, nowMs });
  if (context.unbudgeted === "deny" && !isLimited(answer.accounts)) return unbudgetedError(context);
  return undefined;
}
