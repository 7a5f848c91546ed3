/** Books what a sent call cost, once its answer has said so, and tells of it. Nothing here reaches the caller. */
import { AgentLimitError, InvalidUsageError, StoreUnavailableError, UnknownModelError } from "../errors.ts";
import { costNanoUsd } from "../pricing/cost.ts";
import type { ModelPrice } from "../pricing/model-price.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import { countTokens } from "../pricing/tokens.ts";
import type { PricedUsage } from "../pricing/usage.ts";
import type { ModelUsage, ReportedUsage } from "../providers/provider.ts";
import type { CallHold, CallMeter, MeterEvent, Receipt } from "./calls.ts";
import type { Verdict } from "./watch.ts";

/** A call that was sent. */
export interface SentCall {
  readonly hold: CallHold;
  readonly bound: PricedUsage;
  readonly provider: string;
  /** As the request names it. */
  readonly model: string;
  /** Of `model`. */
  readonly price: ModelPrice;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
}

/** Settles or releases the hold by what the answer says. Never rejects: what goes wrong is a `failed` event. */
export async function settleCall(
  call: SentCall,
  verdict: Verdict,
  { meter, prices }: { meter: CallMeter; prices: PriceBook },
): Promise<void> {
  const tell = (event: Pick<MeterEvent, "type" | "error" | "receipt" | "tokens">) =>
    meter.emit({
      id: call.hold.id,
      provider: call.provider,
      model: call.model,
      durationMs: Date.now() - call.startedAtMs,
      ...event,
    });
  const fail = (error: unknown) => tell({ type: "failed", error: asOurs(error) });
  try {
    if (verdict.kind === "unbilled") return await call.hold.release();
    const booking = bookingOf(call, verdict, prices);
    const receipt = await book(call.hold, booking);
    const tokens = booking.actual?.tokenKinds;
    tell({ type: "settled", receipt, ...(tokens === undefined ? {} : { tokens }) });
    if (booking.problem !== undefined) fail(booking.problem);
  } catch (error) {
    fail(error);
  }
}

interface Booking {
  source: "reported" | "estimated";
  /** Left out: the whole hold. */
  actual?: PricedUsage | undefined;
  problem?: AgentLimitError | undefined;
}

function book(hold: CallHold, { source, actual }: Booking): Promise<Receipt> {
  return source === "reported" && actual !== undefined
    ? hold.settleReported(actual)
    : hold.settleEstimated(actual);
}

function bookingOf(
  call: SentCall,
  verdict: Exclude<Verdict, { kind: "unbilled" }>,
  prices: PriceBook,
): Booking {
  if (verdict.kind === "reported") {
    const { actual, unknown } = priceUsage(call, verdict.usage, prices);
    if (unknown === undefined) return { source: "reported", actual };
    return { source: "estimated", actual: atLeast(actual, call.bound), problem: unknown };
  }
  const known = verdict.known && priceUsage(call, verdict.known, prices).actual;
  const exceedsHold = known && (known.nanoUsd > call.bound.nanoUsd || known.tokens > call.bound.tokens);
  return {
    source: "estimated",
    actual: exceedsHold ? atLeast(known, call.bound) : undefined,
    problem: verdict.reason === undefined ? undefined : unstated(verdict.reason, call),
  };
}

/** Nobody knows the rest: the hold stands for it, or what is known where that is more. */
function atLeast(known: PricedUsage, bound: PricedUsage): PricedUsage {
  return {
    ...known,
    nanoUsd: Math.max(known.nanoUsd, bound.nanoUsd),
    tokens: Math.max(known.tokens, bound.tokens),
  };
}

/** Prices usage by the models that the answer names. `unknown`: one has no price, so the call's own stands in for it. */
function priceUsage(
  call: SentCall,
  usage: ReportedUsage,
  prices: PriceBook,
): { actual: PricedUsage; unknown?: UnknownModelError } {
  const [first] = usage.models;
  let unknown: UnknownModelError | undefined;
  let nanoUsd = 0;
  let tokens = 0;
  for (const part of usage.models) {
    const price = priceOf(part, call, prices);
    if (price === undefined) unknown = unpriced(part, call);
    // Fees are the call's, not each model's.
    const extras =
      part === first ? usage.extras : { ...usage.extras, requests: 0, webSearches: 0, fileSearches: 0 };
    nanoUsd += costNanoUsd(price ?? call.price, part.tokens, extras);
    tokens += countTokens(part.tokens);
  }
  const actual: PricedUsage = {
    nanoUsd,
    tokens,
    requests: 1,
    provider: call.provider,
    model: first.model ?? call.model,
    tokenKinds: first.tokens,
  };
  return unknown === undefined ? { actual } : { actual, unknown };
}

/**
 * The model that answered prices the call. Azure names the base model of a deployment, which versions of different
 * prices share: there the deployment's own price stands, by which the call was admitted. So does a price of the user's
 * where the answer gives its model another name.
 */
function priceOf({ model }: ModelUsage, call: SentCall, prices: PriceBook): ModelPrice | undefined {
  if (model === undefined || model === call.model || call.provider === "azure") return call.price;
  try {
    return prices.find(call.provider, model);
  } catch (error) {
    if (!(error instanceof UnknownModelError)) throw error;
    return call.price.source === "table" ? undefined : call.price;
  }
}

function unpriced({ model }: ModelUsage, call: SentCall): UnknownModelError {
  return new UnknownModelError(
    `${call.provider} answered with the model ${model}, which has no price; ${call.model} was asked for. ` +
      "The call is settled at its whole hold, or more where its usage says so. Give the model a price in `customPricing`.",
  );
}

function unstated(reason: string, call: SentCall): InvalidUsageError {
  return new InvalidUsageError(
    `${reason}: the call to ${call.provider}/${call.model} is settled at its whole hold.`,
  );
}

function asOurs(error: unknown): AgentLimitError {
  if (error instanceof AgentLimitError) return error;
  return new StoreUnavailableError("A call could not be settled; its hold becomes spend when it expires.", {
    cause: error,
  });
}
