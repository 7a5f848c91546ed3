/** Brings a call of the AI SDK to the point where it can be held, by the same rules as a request. */
import type { ProviderCall } from "../../providers/provider.ts";
import { assertBounded, priceBound, type TokenBound, tokenBoundOf } from "../bound.ts";
import type { HeldBound } from "../calls.ts";
import type { MeteredFetchOptions } from "../options.ts";
import type { PreparedCall } from "../prepare.ts";
import { readModelCall } from "./call.ts";
import type { ModelCallOptions } from "./model.ts";
import type { PricedNames } from "./vendor.ts";

export interface PreparedModelCall {
  readonly prepared: PreparedCall;
  /** What to send for this call, or for the same one with a lower limit. */
  paramsOf(held: PreparedCall): ModelCallOptions;
}

/** @throws UnknownModelError, UnboundedCallError, InvalidUsageError: nothing was sent. */
export function prepareModelCall(
  { params, stream }: { params: ModelCallOptions; stream: boolean },
  names: PricedNames,
  options: MeteredFetchOptions,
): PreparedModelCall {
  const { provider, model } = names;
  const { prices, allowUnbounded, serviceTier, lastCalls } = options;
  const price = prices.find(provider, model);
  const read = (sent: ModelCallOptions) => readModelCall(sent, { ...names, stream, price });
  const asked = read(params);
  const limitTokens = defaultLimit(asked.call, price.maxOutputTokens, options);
  const limited = limitTokens === undefined ? params : { ...params, maxOutputTokens: limitTokens };
  const { call, body } = limited === params ? asked : read(limited);
  if (allowUnbounded !== true) assertBounded(call);

  const strict = tokenBoundOf({ call, body, price });
  const held = lastCalls?.estimate({ provider, call, body }, strict) ?? strict;
  const priced = (tokens: TokenBound): HeldBound => ({
    ...priceBound({ call, price, serviceTier }, tokens),
    provider,
  });
  const ready = (ofLimit: ProviderCall, bound: HeldBound): PreparedCall => ({
    provider,
    model,
    call: ofLimit,
    bound,
    body: undefined,
    hides: undefined,
    lowering: undefined,
    learn: lastCalls && ((usage) => lastCalls.learn({ provider, call: ofLimit, body }, usage)),
  });
  const boundAt = (tokens: number) =>
    priced({ ...held, outputTokens: Math.min(held.outputTokens, tokens * call.output.choices) });
  const lowering = call.output.lowering && {
    ...call.output.lowering,
    fromTokens: call.output.limitTokens ?? price.maxOutputTokens ?? 0,
    boundAt,
    at: (tokens: number) => ready(withLimit(call, tokens), boundAt(tokens)),
  };
  return {
    prepared: { ...ready(call, priced(held)), lowering },
    paramsOf: ({ call: sent }) =>
      sent.output.limitTokens === call.output.limitTokens
        ? limited
        : { ...params, maxOutputTokens: sent.output.limitTokens },
  };
}

function defaultLimit(
  { output }: ProviderCall,
  maxOutputTokens: number | undefined,
  { defaultMaxOutputTokens }: MeteredFetchOptions,
): number | undefined {
  if (output.limitTokens !== undefined || defaultMaxOutputTokens === undefined) return undefined;
  return Math.min(defaultMaxOutputTokens, maxOutputTokens ?? defaultMaxOutputTokens);
}

function withLimit(call: ProviderCall, limitTokens: number): ProviderCall {
  return { ...call, output: { ...call.output, limitTokens } };
}
