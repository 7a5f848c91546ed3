/** Brings a recognised request to the point where it can be held: read, bounded, and rewritten where that was asked for. */
import { UnknownModelError, UnrecognizedRequestError } from "../errors.ts";
import type { ModelPrice } from "../pricing/model-price.ts";
import { priceEstimate } from "../pricing/price-usage.ts";
import { type JsonObject, parseObject } from "../providers/json.ts";
import type { ApiRequest, ProviderApi, ProviderCall } from "../providers/provider.ts";
import { assertBounded, boundOf } from "./bound.ts";
import type { HeldBound } from "./calls.ts";
import type { MeteredFetchOptions } from "./options.ts";
import { type IncomingRequest, isSigned, shownAddress } from "./request.ts";
import type { HideEvent } from "./watch.ts";

/** A call that can be held and sent. */
export interface PreparedCall {
  readonly provider: string;
  readonly model: string;
  readonly call: ProviderCall;
  readonly bound: HeldBound;
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
  const asked = { url, provider, body: await readBody(incoming, url), headers: incoming.headers };
  const { model } = api.readCall(asked);
  if (model === "") throw new UnknownModelError(`This request to ${url.host} names no model.`);
  const price = options.prices.find(provider, model);

  // A signature covers every byte.
  const mayChange = !isSigned(incoming.headers);
  const limited = mayChange ? withDefaultLimit(asked, { api, price, options }) : asked;
  const call = api.readCall(limited);
  const estimate = await estimateOf(incoming, options);
  if (estimate === undefined && options.allowUnbounded !== true) assertBounded(call);
  const bound =
    estimate === undefined
      ? boundOf({ call, body: limited.body, price, serviceTier: options.serviceTier })
      : { ...estimate, provider, model };

  const asking = mayChange ? api.askingForUsage(limited) : undefined;
  const body = asking ?? limited.body;
  return {
    provider,
    model,
    call,
    bound,
    body: body === asked.body ? undefined : JSON.stringify(body),
    hides: asking === undefined ? undefined : api.isUsageOnly,
  };
}

async function readBody(incoming: IncomingRequest, url: URL): Promise<JsonObject> {
  const text = await incoming.text();
  const body = text === undefined ? undefined : parseObject(text);
  if (body !== undefined) return body;
  throw new UnrecognizedRequestError(
    `The body of this POST to ${shownAddress(url)} is no JSON object that can be read beforehand, ` +
      "so nothing bounds its cost. Send it as text or bytes, not as a form or a stream.",
  );
}

function withDefaultLimit(
  request: ApiRequest,
  { api, price, options }: { api: ProviderApi; price: ModelPrice; options: MeteredFetchOptions },
): ApiRequest {
  const { defaultMaxOutputTokens } = options;
  const hasLimit = api.readCall(request).output.limitTokens !== undefined;
  if (hasLimit || defaultMaxOutputTokens === undefined) return request;
  const limitTokens = Math.min(defaultMaxOutputTokens, price.maxOutputTokens ?? defaultMaxOutputTokens);
  return { ...request, body: api.withOutputLimit(request, limitTokens) };
}

/** What the user says that the call may cost. */
async function estimateOf(
  incoming: IncomingRequest,
  { estimate, prices }: MeteredFetchOptions,
): Promise<Pick<HeldBound, "nanoUsd" | "tokens" | "requests"> | undefined> {
  const said = typeof estimate === "function" ? await estimate(incoming.copy()) : undefined;
  if (said === undefined) return undefined;
  const { nanoUsd, tokens, requests } = priceEstimate(prices, said);
  return { nanoUsd, tokens, requests };
}
