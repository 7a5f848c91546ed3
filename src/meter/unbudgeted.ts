/** `unbudgeted: "deny"`: a chain that nothing limits admits nothing. */
import { BudgetExceededError } from "../errors.ts";
import type { AccountView } from "../ledger/store.ts";
import type { MeterContext } from "./context.ts";
import { unbudgetedMessage } from "./denial-message.ts";

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
