/** Brings a recognised request to the point where it can be held: read, bounded, and rewritten where that was asked for. */
import {
  AgentLimitError,
  InvalidUsageError,
  UnknownModelError,
  UnrecognizedRequestError,
} from "../errors.ts";
import type { ModelPrice } from "../pricing/model-price.ts";
import { priceEstimate } from "../pricing/price-usage.ts";
import { type JsonObject, jsonText, parseObject } from "../providers/json.ts";
import type { ApiRequest, ProviderApi, ProviderCall } from "../providers/provider.ts";
import type { HeldBound } from "./calls.ts";
import { countMembers, withMembers } from "./json-members.ts";
import type { MeteredFetchOptions } from "./options.ts";
import { type CallToSend, defaultLimitOf, type PreparedCall, preparedCall } from "./prepared-call.ts";
import { type IncomingRequest, isEncoded, isSigned, shownAddress } from "./request.ts";

/** A body as it came, and what was read from it. */
interface Read {
  readonly text: string;
  readonly api: ProviderApi;
  readonly asked: ApiRequest;
  readonly price: ModelPrice;
  readonly mayChange: boolean;
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
  const { text, body } = await readBody(incoming, url);
  const { includeUsage } = options;
  const asked: ApiRequest = { url, provider, body, headers: incoming.headers, includeUsage };
  // The price shows which model answers, and by that what its images can cost.
  const { model } = readCall(api, asked);
  if (model === "") throw new UnknownModelError(`This request to ${url.host} names no model.`);
  const price = options.prices.find(provider, model);
  const priced: ApiRequest = { ...asked, price };
  const call = readCall(api, priced);
  // A signature covers every byte.
  const read: Read = { text, api, asked: priced, price, mayChange: !isSigned(incoming.headers) };

  const said = await estimateOf(incoming, options);
  const defaultTokens = read.mayChange ? defaultLimitOf(call, price, options) : undefined;
  const asIs: Limited = { body, call };
  const limited = defaultTokens === undefined ? asIs : withLimit(read, asIs, defaultTokens);
  const sent = callToSend(read, limited);
  if (said !== undefined) {
    const bound = { ...said, provider, model: call.model };
    return { ...sent, bound, lowering: undefined, learn: undefined };
  }
  const sentAt = (limitTokens: number) => callToSend(read, withLimit(read, limited, limitTokens));
  return preparedCall(
    { ...limited, provider, price },
    { sent, sentAt: read.mayChange ? sentAt : undefined },
    options,
  );
}

/** @throws InvalidUsageError for fields of such a form that reading them fails: an object without a text, endless nesting. */
function readCall(api: ProviderApi, asked: ApiRequest): ProviderCall {
  try {
    return api.readCall(asked);
  } catch (error) {
    if (error instanceof AgentLimitError) throw error;
    throw new InvalidUsageError(
      `A field of this POST to ${shownAddress(asked.url)} has a form that no server takes, so nothing bounds its cost.`,
    );
  }
}

/** A request as it will be sent, but for the usage that it may ask for. */
interface Limited {
  readonly body: JsonObject;
  readonly call: ProviderCall;
}

function callToSend({ text, api, asked, mayChange }: Read, { body: limited, call }: Limited): CallToSend {
  const asking = mayChange ? api.askingForUsage({ ...asked, body: limited }) : undefined;
  const body = asking ?? limited;
  return {
    provider: asked.provider,
    model: call.model,
    call,
    body: body === asked.body ? undefined : withMembers(text, changedMembers(asked.body, body)),
    hides: asking === undefined ? undefined : api.isUsageOnly,
  };
}

function changedMembers(before: JsonObject, after: JsonObject): Map<string, unknown> {
  return new Map(
    Object.entries(after).filter(([name, value]) => !Object.hasOwn(before, name) || before[name] !== value),
  );
}

/**
 * @throws UnrecognizedRequestError for what is no JSON object; InvalidUsageError where a name stands twice in one: of the
 * two, a server may take the other one.
 */
async function readBody(incoming: IncomingRequest, url: URL): Promise<{ text: string; body: JsonObject }> {
  const text = isEncoded(incoming.headers) ? undefined : await incoming.text();
  const body = text === undefined ? undefined : parseObject(text);
  const compact = body && compactText(body);
  if (text === undefined || body === undefined || compact === undefined) {
    throw new UnrecognizedRequestError(
      `The body of this POST to ${shownAddress(url)} is no JSON object that can be read beforehand, ` +
        "so nothing bounds its cost. Send it as text or bytes in UTF-8, uncompressed, not as a form or a stream.",
    );
  }
  if (text !== compact && countMembers(text) !== countMembers(compact)) {
    throw new InvalidUsageError(
      `In the body of this POST to ${shownAddress(url)} a name stands twice in one object. ` +
        "Servers differ in which of the two they take: send each field once.",
    );
  }
  return { text, body };
}

/** @returns undefined for what is nested too deeply. */
function compactText(body: JsonObject): string | undefined {
  try {
    return jsonText(body);
  } catch {
    return undefined;
  }
}

function withLimit({ api, asked }: Read, { body }: Limited, limitTokens: number): Limited {
  const lower = { ...asked, body: api.withOutputLimit({ ...asked, body }, limitTokens) };
  return { body: lower.body, call: api.readCall(lower) };
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
