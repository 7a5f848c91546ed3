/** Brings a recognised request to the point where it can be held: read, bounded, and rewritten where that was asked for. */
import { UnknownModelError, UnrecognizedRequestError } from "../errors.ts";
import type { ModelPrice } from "../pricing/model-price.ts";
import { priceEstimate } from "../pricing/price-usage.ts";
import type { PricedUsage } from "../pricing/usage.ts";
import { parseObject } from "../providers/json.ts";
import type { ApiRequest, ProviderApi, ProviderCall } from "../providers/provider.ts";
import { assertBounded, boundOf } from "./bound.ts";
import type { MeteredFetchOptions } from "./options.ts";
import { type IncomingRequest, isSigned } from "./request.ts";
import type { HideEvent } from "./watch.ts";

/** A call that can be held and sent. */
export interface PreparedCall {
  readonly provider: string;
  readonly model: string;
  readonly call: ProviderCall;
  readonly bound: PricedUsage;
  /** The body to send in place of the caller's; undefined where it stays as it is. */
  readonly body: string | undefined;
  /** Events of the answer that the caller did not ask for. */
  readonly hides: HideEvent;
}

/**
 * Reads, bounds and rewrites a request.
 *
 * @throws UnrecognizedRequestError, UnknownModelError, UnboundedCallError, InvalidUsageError: nothing was sent.
 */
export async function prepareCall(
  incoming: IncomingRequest,
  { api, provider, url }: { api: ProviderApi; provider: string; url: URL },
  options: MeteredFetchOptions,
): Promise<PreparedCall> {
  const text = await incoming.text();
  const asked = text === undefined ? undefined : parseObject(text);
  if (asked === undefined) {
    throw new UnrecognizedRequestError(
      `The body of this POST to ${url.host}${url.pathname} is no JSON object that can be read beforehand, so nothing bounds its cost. ` +
        "Send it as text or bytes, not as a form or a stream.",
    );
  }
  let request: ApiRequest = { url, provider, body: asked };
  let call = api.readCall(request);
  if (call.model === "") throw new UnknownModelError(`This request to ${url.host} names no model.`);
  const price = options.prices.find(provider, call.model);
  const maySend = isSigned(incoming.headers) ? refuseChanges : (body: ApiRequest["body"]) => body;

  const limitTokens = defaultLimit(call, price, options);
  if (limitTokens !== undefined) {
    request = { ...request, body: maySend(api.withOutputLimit(request, limitTokens)) ?? request.body };
    call = api.readCall(request);
  }
  const estimate = await estimateOf(incoming, options);
  if (estimate === undefined && options.allowUnbounded !== true) assertBounded(call);
  const bound =
    estimate === undefined
      ? boundOf({ call, body: request.body, price, serviceTier: options.serviceTier })
      : { ...estimate, provider, model: call.model };

  const asking = api.askingForUsage(request);
  const body = asking === undefined ? request.body : (maySend(asking) ?? request.body);
  return {
    provider,
    model: call.model,
    call,
    bound,
    body: body === asked ? undefined : JSON.stringify(body),
    hides: body === asking ? api.isUsageOnly : undefined,
  };
}

/** A signature covers every byte. */
function refuseChanges(): undefined {
  return undefined;
}

function defaultLimit(
  { output }: ProviderCall,
  { maxOutputTokens = Number.POSITIVE_INFINITY }: ModelPrice,
  { defaultMaxOutputTokens }: MeteredFetchOptions,
): number | undefined {
  if (output.limitTokens !== undefined || defaultMaxOutputTokens === undefined) return undefined;
  return Math.min(defaultMaxOutputTokens, maxOutputTokens);
}

/** What the user says that the call may cost, with no tokens where dollars alone were said. */
async function estimateOf(
  incoming: IncomingRequest,
  { estimate, prices }: MeteredFetchOptions,
): Promise<Pick<PricedUsage, "nanoUsd" | "tokens" | "requests"> | undefined> {
  const said = typeof estimate === "function" ? await estimate(incoming.copy()) : undefined;
  if (said === undefined) return undefined;
  const { nanoUsd, tokens, requests } = priceEstimate(prices, said);
  return { nanoUsd, tokens: tokens ?? 0, requests };
}
