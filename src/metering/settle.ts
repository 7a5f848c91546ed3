/** Books what a sent call cost, once its answer has said so, and tells of it. Nothing here reaches the caller. */
import { AgentLimitError, asAgentLimitError, InvalidUsageError } from "../errors.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import type { PricedUsage } from "../pricing/usage.ts";
import type { ReportedUsage } from "../providers/provider.ts";
import type { CallHold, CallMeter, HeldBound, MeterEvent, Receipt } from "./calls.ts";
import { priceReported } from "./response-usage.ts";
import type { Verdict } from "./watch.ts";

/** A call that was sent. */
export interface SentCall {
  readonly hold: CallHold;
  readonly bound: HeldBound;
  readonly provider: string;
  /** As the request names it. */
  readonly model: string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Takes in what was reported, once it is booked. */
  readonly learn?: ((usage: ReportedUsage) => void) | undefined;
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
  const fail = (error: unknown) => tell({ type: "failed", error: asAgentLimitError(error) });
  try {
    if (verdict.kind === "unbilled") return await call.hold.release();
    const booking = bookingOf(call, verdict, prices);
    const receipt = await book(call.hold, booking);
    if (verdict.kind === "reported" && booking.source === "reported") call.learn?.(verdict.usage);
    const tokens = booking.actual?.tokenKinds;
    tell({ type: "settled", receipt, ...(tokens === undefined ? {} : { tokens }) });
    if (booking.problem !== undefined) fail(booking.problem);
  } catch (error) {
    fail(error);
  }
}

interface Booking {
  readonly source: "reported" | "estimated";
  /** Left out: the whole hold. */
  readonly actual?: PricedUsage | undefined;
  readonly problem?: AgentLimitError | undefined;
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
    const priced = priceOrProblem(call, verdict.usage, prices);
    return priced instanceof AgentLimitError
      ? { source: "estimated", actual: tokensAlone(call, verdict.usage, prices), problem: priced }
      : { source: "reported", actual: priced, problem: priced.doubt };
  }
  const known = verdict.known && priceOrProblem(call, verdict.known, prices);
  return {
    source: "estimated",
    actual:
      known === undefined || known instanceof AgentLimitError ? undefined : aboveHold(known, call.bound),
    problem: verdict.reason === undefined ? undefined : unstated(verdict.reason, call),
  };
}

/** What the tokens come to where something besides has no price, if that is above the hold. */
function tokensAlone(call: SentCall, usage: ReportedUsage, prices: PriceBook): PricedUsage | undefined {
  const { fast = false, regional = false } = usage.extras;
  const known = priceOrProblem(call, { ...usage, extras: { fast, regional } }, prices);
  return known instanceof AgentLimitError ? undefined : aboveHold(known, call.bound);
}

/** Of a broken answer the hold stands for the rest, but for what is known to be more. */
function aboveHold(known: PricedUsage, bound: HeldBound): PricedUsage | undefined {
  const heldTokens = bound.tokens ?? 0;
  if (known.nanoUsd <= bound.nanoUsd && known.tokens <= heldTokens) return undefined;
  return {
    ...known,
    nanoUsd: Math.max(known.nanoUsd, bound.nanoUsd),
    tokens: Math.max(known.tokens, heldTokens),
  };
}

function priceOrProblem(
  call: SentCall,
  usage: ReportedUsage,
  prices: PriceBook,
): PricedUsage | AgentLimitError {
  try {
    return priceReported(prices, usage, call);
  } catch (error) {
    if (error instanceof AgentLimitError) return error;
    throw error;
  }
}

function unstated(reason: string, call: SentCall): InvalidUsageError {
  return new InvalidUsageError(
    `${reason}: the call to ${call.provider}/${call.model} is settled at its whole hold.`,
  );
}
