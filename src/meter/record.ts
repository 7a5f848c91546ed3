/** Records: spend that happened without a hold. Always counted; over a limit or while paused it throws afterwards. */
import { BudgetExceededError, IdConflictError } from "../errors.ts";
import { usageStats } from "../ledger/stats.ts";
import type { RecordAnswer } from "../ledger/store.ts";
import type { Receipt } from "../metering/calls.ts";
import { markedThresholds, tellCrossings } from "./alerts.ts";
import { type Actual, bookedFields } from "./amounts.ts";
import { emitFailure, emitSettled, usageDetails } from "./closing.ts";
import type { MeterContext } from "./context.ts";
import { overrunMessage, pausedMessage } from "./denial-message.ts";
import { operation, operationId, plainRetentionSeconds } from "./operations.ts";
import { receiptOf } from "./receipts.ts";

/**
 * @throws BudgetExceededError with the receipt, after recording, when settled spend is now above a hard limit or a scope
 * is paused, and again for each replay; IdConflictError; StoreUnavailableError: the same id may be recorded again.
 */
export async function record(
  context: MeterContext,
  actual: Actual,
  givenId: string | undefined,
): Promise<Receipt> {
  const { id, given } = operationId(givenId);
  const details = usageDetails(actual.priced);
  const recording = context.store.record({
    ...operation(context, id, "record", actual.given, plainRetentionSeconds(context, given)),
    ...bookedFields(actual),
    alertThresholds: markedThresholds(context),
  });
  const answer = await recording.catch((error: unknown) => {
    emitFailure(context, id, error, details);
    throw error;
  });
  if (answer.outcome === "conflict") {
    throw new IdConflictError(
      `The id ${id} was used for another operation, chain or amounts; nothing was recorded.`,
    );
  }
  const usage = usageStats(answer);
  const receipt = receiptOf(id, answer, usage);
  if (receipt === undefined) throw new IdConflictError(`The id ${id} belongs to a released hold.`);
  emitSettled(context, receipt, { ...details, doubt: actual.priced.doubt });
  await tellCrossings(context, answer, usage);
  const denial = verdictOf(answer, receipt);
  if (denial !== undefined) {
    context.emit({ type: "denied", id, error: denial, receipt, ...details });
    throw denial;
  }
  return receipt;
}

function verdictOf(
  answer: Extract<RecordAnswer, { outcome: "booked" }>,
  receipt: Receipt,
): BudgetExceededError | undefined {
  const { pausedScope: scope, booking, denials, nowMs } = answer;
  if (scope !== undefined) {
    const reason = answer.accounts.find((account) => account.scope === scope)?.pauseReason;
    return new BudgetExceededError(pausedMessage(scope, reason), { code: "PAUSED", scope, receipt });
  }
  if (!booking.overrun) return undefined;
  return new BudgetExceededError(overrunMessage(denials, receipt.costNanoUsd), { denials, nowMs, receipt });
}
