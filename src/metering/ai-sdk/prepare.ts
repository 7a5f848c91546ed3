/** Brings a call of the AI SDK to the point where it can be held, by the same rules as a request. */
import type { ProviderCall } from "../../providers/provider.ts";
import type { MeteredFetchOptions } from "../options.ts";
import { type CallToSend, defaultLimitOf, type PreparedCall, preparedCall } from "../prepared-call.ts";
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
  const price = options.prices.find(provider, model);
  const read = (sent: ModelCallOptions) => readModelCall(sent, { ...names, stream, price });
  const asked = read(params);
  const limitTokens = defaultLimitOf(asked.call, price, options);
  const limited = limitTokens === undefined ? params : { ...params, maxOutputTokens: limitTokens };
  const { call, body } = limited === params ? asked : read(limited);

  const sent: CallToSend = { provider, model, call, body: undefined, hides: undefined };
  const sentAt = (lower: number) => ({ ...sent, call: withLimit(call, lower) });
  return {
    prepared: preparedCall({ provider, call, body, price }, { sent, sentAt }, options),
    paramsOf: ({ call: { output } }) =>
      output.limitTokens === call.output.limitTokens
        ? limited
        : { ...params, maxOutputTokens: output.limitTokens },
  };
}

function withLimit(call: ProviderCall, limitTokens: number): ProviderCall {
  return { ...call, output: { ...call.output, limitTokens } };
}
