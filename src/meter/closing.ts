/** What follows when a store answered a settle or a release: a receipt and its alerts, or the typed error. */
import { AlreadySettledError, asAgentLimitError, IdConflictError } from "../errors.ts";
import { usageStats } from "../ledger/stats.ts";
import type { CloseAnswer } from "../ledger/store.ts";
import type { MeterEvent, PricedUsage, Receipt } from "../metering/calls.ts";
import { tellCrossings } from "./alerts.ts";
import type { MeterContext } from "./context.ts";
import { bookingText, receiptOf } from "./receipts.ts";

/** What an event says about a call besides its outcome. */
export type EventDetails = Pick<MeterEvent, "provider" | "model" | "tokens" | "durationMs">;

/** An answer to a settle or a release that the store knew the id of. */
export type KnownAnswer = Exclude<CloseAnswer, { outcome: "unknown" }>;

/**
 * The receipt of a settle, after its alerts were told. Never throws a denial.
 *
 * @throws AlreadySettledError with the first receipt, IdConflictError for another chain.
 */
export async function settledReceipt(
  context: MeterContext,
  id: string,
  answer: KnownAnswer,
): Promise<Receipt> {
  const booked = bookedAnswer(id, answer);
  const usage = usageStats(booked);
  const receipt = receiptOf(id, booked, usage);
  if (receipt === undefined) {
    throw new AlreadySettledError(`The call ${id} ${bookingText(booked.booking)} and can't be settled.`);
  }
  await tellCrossings(context, booked, usage);
  return receipt;
}

/** @throws AlreadySettledError with the first receipt, IdConflictError for another chain. */
export function bookedAnswer(id: string, answer: KnownAnswer): Extract<KnownAnswer, { outcome: "booked" }> {
  switch (answer.outcome) {
    case "booked":
      return answer;
    case "done":
      throw new AlreadySettledError(
        `The call ${id} ${bookingText(answer.booking)} before; nothing was changed.`,
        receiptOf(id, { booking: answer.booking, replayed: true }, usageStats(answer)),
      );
    case "conflict":
      throw new IdConflictError(
        `The id ${id} belongs to another operation, or to a hold of another chain; nothing was changed.`,
      );
    default:
      return answer satisfies never;
  }
}

/** What an event says of a usage. */
export function usageDetails(usage: Pick<PricedUsage, "provider" | "model" | "tokenKinds">): EventDetails {
  const { provider, model, tokenKinds } = usage;
  return {
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
    ...(tokenKinds === undefined ? {} : { tokens: tokenKinds }),
  };
}

/** Tells that a usage is booked, and what of it is in doubt. */
export function emitSettled(
  context: MeterContext,
  receipt: Receipt,
  { doubt, ...details }: EventDetails & Pick<PricedUsage, "doubt">,
): void {
  const { id } = receipt;
  context.emit({ type: "settled", id, receipt, ...details });
  if (doubt !== undefined) emitFailure(context, id, doubt, details);
}

/** Tells of a failure; anything but our own errors is wrapped. */
export function emitFailure(
  context: MeterContext,
  id: string,
  error: unknown,
  details: EventDetails = {},
): void {
  context.emit({ type: "failed", id, error: asAgentLimitError(error), ...details });
}
