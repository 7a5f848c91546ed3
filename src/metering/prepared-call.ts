/** Brings a call to the point where it can be held, and sets its output limit: for requests and for calls of the AI SDK. */
import type { ModelPrice } from "../pricing/model-price.ts";
import { LEAST_OUTPUT_TOKENS } from "../providers/bounding-fields.ts";
import type { JsonObject } from "../providers/json.ts";
import type { OutputShape, ProviderCall, ReportedUsage } from "../providers/provider.ts";
import { assertBounded, priceBound, type TokenBound, tokenBoundOf } from "./bound.ts";
import type { HeldBound } from "./calls.ts";
import type { MeteredFetchOptions } from "./options.ts";
import type { HideEvent } from "./watch.ts";

/** What is sent under a hold. */
export interface CallToSend {
  readonly provider: string;
  readonly model: string;
  readonly call: ProviderCall;
  /** The body to send in place of the caller's; undefined where it stays as it is. */
  readonly body: string | undefined;
  /** Events of the answer that the caller did not ask for. */
  readonly hides: HideEvent;
}

/** A call that can be held and sent. */
export interface PreparedCall extends CallToSend {
  readonly bound: HeldBound;
  /** Undefined where the output limit must not change, or no limit bounds the call. */
  readonly lowering: Lowering | undefined;
  /** Takes in what the answer reports; undefined where nothing is learned. */
  readonly learn: ((usage: ReportedUsage) => void) | undefined;
}

/** The same call with lower output limits. */
export interface Lowering {
  /** The limit that bounds it now, for each choice. */
  readonly fromTokens: number;
  /** The API refuses the request below, or no answer is left. */
  readonly floorTokens: number;
  /** A cut answer is worthless. */
  readonly structured: boolean;
  boundAt(limitTokens: number): HeldBound;
  at(limitTokens: number): PreparedCall;
}

/** A call as it was read. */
export interface CallToBound {
  readonly provider: string;
  readonly call: ProviderCall;
  /** What of it is billed as input. */
  readonly body: JsonObject;
  readonly price: ModelPrice;
}

/** The limit to write into a call, for each choice; undefined where it sets one itself, or nobody chose a default. */
export function defaultLimitOf(
  { output }: ProviderCall,
  { maxOutputTokens }: ModelPrice,
  { defaultMaxOutputTokens }: MeteredFetchOptions,
): number | undefined {
  if (output.limitTokens !== undefined || output.takesNoLimit) return undefined;
  if (defaultMaxOutputTokens === undefined) return undefined;
  return Math.min(defaultMaxOutputTokens + thinkingTokensOf(output), maxOutputTokens ?? Infinity);
}

/** A limit counts the thoughts that the request sets a budget for, and has to be above that. */
function thinkingTokensOf({ lowering }: OutputShape): number {
  const floorTokens = lowering?.floorTokens ?? 0;
  return floorTokens > LEAST_OUTPUT_TOKENS ? floorTokens - 1 : 0;
}

/**
 * Bounds a call by its body, or by what the last ones used.
 *
 * @param sentAt what is sent with a lower limit for each choice; undefined where nothing may change.
 * @throws UnboundedCallError, InvalidUsageError: nothing was sent.
 */
export function preparedCall(
  { provider, call, body, price }: CallToBound,
  { sent, sentAt }: { sent: CallToSend; sentAt: ((limitTokens: number) => CallToSend) | undefined },
  { allowUnbounded, serviceTier, lastCalls }: MeteredFetchOptions,
): PreparedCall {
  if (allowUnbounded !== true) assertBounded(call);
  const strict = tokenBoundOf({ call, body, price });
  const held = lastCalls?.estimate({ provider, call, body }, strict) ?? strict;
  const learn = lastCalls && ((usage: ReportedUsage) => lastCalls.learn({ provider, call, body }, usage));

  const ready = (sending: CallToSend, tokens: TokenBound): PreparedCall => ({
    ...sending,
    bound: priced(tokens),
    lowering: undefined,
    learn,
  });
  const priced = (tokens: TokenBound) => ({ ...priceBound({ call, price, serviceTier }, tokens), provider });
  const tokensAt = (limitTokens: number) => ({
    ...held,
    outputTokens: Math.min(held.outputTokens, limitTokens * call.output.choices),
  });
  const lowering = sentAt &&
    call.output.lowering && {
      ...call.output.lowering,
      fromTokens: call.output.limitTokens ?? price.maxOutputTokens ?? 0,
      boundAt: (limitTokens: number) => priced(tokensAt(limitTokens)),
      at: (limitTokens: number) => ready(sentAt(limitTokens), tokensAt(limitTokens)),
    };
  return { ...ready(sent, held), lowering };
}
