/** `unbudgeted: "deny"`: a chain that nothing limits admits nothing. */
import { BudgetExceededError } from "../errors.ts";
import type { AccountView, LimitAmounts, RequestedAmounts } from "../ledger/store.ts";
import type { MeterContext } from "./context.ts";
import { unbudgetedMessage } from "./denial-message.ts";

/**
 * Refuses a call of a chain without any hard limit. Costs a read of the store only where the code declares none, since
 * a declared limit binds by itself or is replaced by a stored one.
 *
 * @throws BudgetExceededError with the code NO_BUDGET.
 */
export async function refuseUnbudgeted(context: MeterContext, requested: RequestedAmounts): Promise<void> {
  if (context.unbudgeted === "allow" || isLimitedByCode(context)) return;
  const { namespace, chain } = context;
  const { accounts } = await context.store.check({ namespace, chain, requested });
  if (!isLimited(accounts)) throw unbudgetedError(context);
}

/** Whether any hard limit is in force. */
export function isLimited(accounts: readonly AccountView[]): boolean {
  return accounts.some((account) =>
    account.windows.some((window) => window.limits.some((limit) => !limit.soft)),
  );
}

/** The denial, with every scope of the chain in its message. */
export function unbudgetedError(context: MeterContext): BudgetExceededError {
  const scopes = context.chain.map((link) => link.scope);
  return new BudgetExceededError(unbudgetedMessage(scopes), { code: "NO_BUDGET", scope: context.scope });
}

function isLimitedByCode(context: MeterContext): boolean {
  return context.chain.some((link) => link.limits?.some((window) => hasLimit(window.hard)));
}

function hasLimit(limits: LimitAmounts): boolean {
  return limits.nanoUsd !== null || limits.tokens !== null || limits.requests !== null;
}
