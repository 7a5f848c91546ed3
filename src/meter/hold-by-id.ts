/** Holds that another process made: settled or released by their id, on a meter of the same chain. */
import { UnknownHoldError } from "../errors.ts";
import { parseId } from "../ledger/names.ts";
import type { Receipt } from "../metering/calls.ts";
import { markedThresholds } from "./alerts.ts";
import { type Actual, bookedFields } from "./amounts.ts";
import { bookedAnswer, emitSettled, settledReceipt, usageDetails } from "./closing.ts";
import type { MeterContext } from "./context.ts";
import { unknownHoldMessage } from "./held-call.ts";
import { CORRECTABLE_SECONDS, holdRetentionSeconds, operation } from "./operations.ts";

/** @throws UnknownHoldError, nothing booked; AlreadySettledError with the first receipt; IdConflictError. */
export async function settleById(context: MeterContext, holdId: string, actual: Actual): Promise<Receipt> {
  const id = parseId(holdId);
  const answer = await context.store.settle({
    ...operation(context, id, "settle reported", actual.given, retentionSeconds(context)),
    source: "reported",
    ...bookedFields(actual),
    alertThresholds: markedThresholds(context),
  });
  if (answer.outcome === "unknown") throw new UnknownHoldError(unknownHoldMessage(id));
  const receipt = await settledReceipt(context, id, answer);
  const { priced } = actual;
  emitSettled(context, receipt, { ...usageDetails(priced), doubt: priced.doubt });
  return receipt;
}

/** @throws UnknownHoldError; AlreadySettledError when it was settled before; IdConflictError. */
export async function releaseById(context: MeterContext, holdId: string): Promise<void> {
  const id = parseId(holdId);
  const answer = await context.store.release(
    operation(context, id, "release", [], retentionSeconds(context)),
  );
  if (answer.outcome === "unknown") throw new UnknownHoldError(unknownHoldMessage(id));
  bookedAnswer(id, answer);
}

function retentionSeconds(context: MeterContext): number {
  return holdRetentionSeconds(context, true, CORRECTABLE_SECONDS);
}
