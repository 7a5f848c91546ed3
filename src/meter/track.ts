/** A call between its hold and its settle, whatever becomes of it. */
import { HoldInFlightError, InvalidOptionsError } from "../errors.ts";
import type { CallOptions, Hold } from "../metering/calls.ts";
import { type Actual, answeredAmounts, type CallRequest } from "./amounts.ts";
import { emitFailure } from "./closing.ts";
import type { MeterContext } from "./context.ts";
import { type MeteredHold, openHold } from "./hold.ts";

/**
 * Runs a call under a hold. What it returns is returned, what it throws is thrown, whatever its settle meets: failures
 * after the call are events.
 *
 * @throws what `reserve` throws, HoldInFlightError, InvalidOptionsError for what is no function; no call is run then.
 */
export async function track<T>(
  context: MeterContext,
  call: { request: CallRequest; options: CallOptions },
  run: (hold: Hold) => T | PromiseLike<T>,
): Promise<T> {
  if (typeof run !== "function") {
    throw new InvalidOptionsError(
      "track takes the call as a function: track(estimate, () => callTheModel()).",
    );
  }
  const metered = await openHold(context, call.request, call.options);
  if (metered.held.hold.replayed) {
    throw new HoldInFlightError(
      `The hold ${metered.held.hold.id} is live: another worker is running this call. A new attempt needs a new id.`,
    );
  }
  let answer: T;
  try {
    answer = await run(metered.forUser());
  } catch (error) {
    // It was most likely sent and billed, unless its release says otherwise.
    await context.work.finish(settleRest(metered, () => undefined));
    throw error;
  }
  if (!isStream(answer))
    await context.work.finish(settleRest(metered, () => usageIn(context, metered, answer)));
  return answer;
}

/** Settles what the call did not settle or release itself. Never rejects. */
async function settleRest(metered: MeteredHold, usage: () => Actual | undefined): Promise<void> {
  const { held } = metered;
  await held.idle();
  if (held.isClosed || held.releaseRequested) return;
  await metered.settle(usage()).catch(() => {});
}

/** @returns undefined where the answer says nothing that can be priced; an event tells why. */
function usageIn(context: MeterContext, metered: MeteredHold, answer: unknown): Actual | undefined {
  try {
    return answeredAmounts(context.prices, answer, metered.request);
  } catch (error) {
    emitFailure(context, metered.held.hold.id, error);
    return undefined;
  }
}

/** A stream's usage is known at its end alone: it is settled by hand, or its hold expires into spend. */
function isStream(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null) return false;
  return Symbol.asyncIterator in answer || "getReader" in answer;
}
