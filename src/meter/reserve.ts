/** Reserves: an atomic check and hold over the whole chain, or the typed error that says why not. */
import {
  AlreadySettledError,
  BudgetExceededError,
  IdConflictError,
  InvalidOptionsError,
  onlyHoldsDeny,
  StoreDataError,
  StoreUnavailableError,
} from "../errors.ts";
import { formatUsd, usdFromNano } from "../ledger/money.ts";
import { randomId } from "../ledger/operation-id.ts";
import { usageStats } from "../ledger/stats.ts";
import type { ReserveAnswer, ReserveOperation } from "../ledger/store.ts";
import type { CallRequest } from "./amounts.ts";
import { emitFailure } from "./closing.ts";
import type { MeterContext } from "./context.ts";
import { denialMessage, pausedMessage } from "./denial-message.ts";
import { HeldCall } from "./held-call.ts";
import {
  CORRECTABLE_SECONDS,
  holdRetentionSeconds,
  type OperationId,
  operation,
  REPLAYABLE_SECONDS,
} from "./operations.ts";
import { bookingText, receiptOf } from "./receipts.ts";
import { unbudgetedError } from "./unbudgeted.ts";

const DEFAULT_EXPIRES_IN_SECONDS = 600;
const MAX_EXPIRES_IN_SECONDS = 26 * 3600;

/**
 * Emits no event.
 *
 * @throws BudgetExceededError when a budget, a pause or a missing budget refuses it; AlreadySettledError with the receipt
 * when the id was closed before; IdConflictError; StoreUnavailableError, after which nothing stays held.
 */
export async function reserve(
  context: MeterContext,
  request: CallRequest,
  options: { id: OperationId; expiresInSeconds?: number | undefined; waitMs?: number },
): Promise<HeldCall> {
  const { id, given } = options.id;
  const reservation: ReserveOperation = {
    ...operation(
      context,
      id,
      "reserve",
      request.given,
      holdRetentionSeconds(context, given, CORRECTABLE_SECONDS),
    ),
    attempt: randomId(),
    requested: request.requested,
    expiresInSeconds: checkedExpiry(options.expiresInSeconds),
    requiresLimit: context.unbudgeted === "deny",
  };
  const answer = await sendUntilDecided(context, reservation, options.waitMs ?? context.waitMs);
  return new HeldCall(context, {
    id,
    given,
    reserveHash: reservation.argumentsHash,
    ...heldAmounts(context, id, { answer, request }),
  });
}

const MAX_PAUSE_MS = 250;

/** Asks again for up to `waitMs` while only holds in flight stand in the way: a denial leaves nothing behind. */
async function sendUntilDecided(
  context: MeterContext,
  reservation: ReserveOperation,
  waitMs: number,
): Promise<ReserveAnswer> {
  const endMs = performance.now() + waitMs;
  for (let tries = 1; ; tries += 1) {
    const answer = await sendReserve(context, reservation);
    const leftMs = endMs - performance.now();
    const isWorthWaiting = answer.outcome === "denied" && onlyHoldsDeny(answer.denials);
    if (!isWorthWaiting || leftMs <= 0) return answer;
    const pauseMs = Math.min(10 * 2 ** tries, MAX_PAUSE_MS) * (0.5 + Math.random() / 2);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)));
  }
}

async function sendReserve(context: MeterContext, reservation: ReserveOperation): Promise<ReserveAnswer> {
  try {
    return await context.store.reserve(reservation);
  } catch (error) {
    // It may have been applied: what this attempt may hold is given back, since nobody will settle it.
    const isUnknown = error instanceof StoreUnavailableError || error instanceof StoreDataError;
    if (isUnknown) context.work.keepAlive(giveBack(context, reservation));
    throw error;
  }
}

async function giveBack(context: MeterContext, { id, attempt }: ReserveOperation): Promise<void> {
  const release = operation(context, id, "release", [], REPLAYABLE_SECONDS);
  try {
    await context.store.release({ ...release, attempt });
  } catch (error) {
    emitFailure(context, id, error);
  }
}

function heldAmounts(
  context: MeterContext,
  id: string,
  { answer, request }: { answer: ReserveAnswer; request: CallRequest },
) {
  switch (answer.outcome) {
    case "held": {
      const { held, expiresAtMs, replayed } = answer;
      return { held, expiresAtMs, replayed, usage: usageStats(answer) };
    }
    case "denied":
      throw new BudgetExceededError(denialMessage(answer.denials, request.requested), {
        denials: answer.denials,
        nowMs: answer.nowMs,
      });
    case "paused":
      throw new BudgetExceededError(pausedMessage(answer.scope, answer.reason), {
        code: "PAUSED",
        scope: answer.scope,
      });
    case "unlimited":
      throw unbudgetedError(context);
    case "closed":
      throw new AlreadySettledError(
        `The call ${id} ${bookingText(answer.booking)} before. Sending it again would pay twice: a new attempt needs a new id.`,
        receiptOf(id, { booking: answer.booking, replayed: true }, usageStats(answer)),
      );
    case "expired":
      throw new AlreadySettledError(
        `The hold ${id} has expired and counts as spend, ${formatUsd(answer.held.nanoUsd)}. Settle it by hold(id) when its usage is known; a new attempt needs a new id.`,
        {
          id,
          costUsd: usdFromNano(answer.held.nanoUsd),
          costNanoUsd: answer.held.nanoUsd,
          source: "estimated",
          replayed: true,
          overrun: false,
          usage: usageStats(answer),
        },
      );
    case "conflict":
      throw new IdConflictError(
        `The id ${id} was used for another operation, chain or amounts. An id names one attempt at one provider call.`,
      );
    case "gone":
      throw new StoreUnavailableError(
        `The reserve ${id} reached the store after it was given up; nothing is held for it. A new attempt needs a new id.`,
      );
    default:
      return answer satisfies never;
  }
}

function checkedExpiry(seconds: number | undefined): number {
  if (seconds === undefined) return DEFAULT_EXPIRES_IN_SECONDS;
  if (typeof seconds === "number" && seconds >= 1 && seconds <= MAX_EXPIRES_IN_SECONDS)
    return Math.ceil(seconds);
  throw new InvalidOptionsError(
    `\`expiresInSeconds\` is 1 to ${MAX_EXPIRES_IN_SECONDS} (26 hours), not ${String(seconds)}.`,
  );
}
