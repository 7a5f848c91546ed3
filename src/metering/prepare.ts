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
import type { ApiRequest, ProviderApi, ProviderCall, ReportedUsage } from "../providers/provider.ts";
import { assertBounded, priceBound, type TokenBound, tokenBoundOf } from "./bound.ts";
import type { HeldBound } from "./calls.ts";
import { countMembers, withMembers } from "./json-members.ts";
import type { MeteredFetchOptions } from "./options.ts";
import { type IncomingRequest, isEncoded, isSigned, shownAddress } from "./request.ts";
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
  /** Undefined where the output limit must not change, or no limit bounds the call. */
  readonly lowering: Lowering | undefined;
  /** Takes in what the answer reports; undefined where nothing is learned. */
  readonly learn: ((usage: ReportedUsage) => void) | undefined;
}

/** The same call with lower output limits. */
export interface Lowering {
  /** The limit that bounds it now, for each choice. */
  readonly fromTokens: number;
  /** The API refuses the request below. */
  readonly floorTokens: number;
  /** A cut answer is worthless. */
  readonly structured: boolean;
  boundAt(limitTokens: number): HeldBound;
  at(limitTokens: number): PreparedCall;
}

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
  const { model } = readCall(api, asked);
  if (model === "") throw new UnknownModelError(`This request to ${url.host} names no model.`);
  const price = options.prices.find(provider, model);
  const priced: ApiRequest = { ...asked, price };
  const call = readCall(api, priced);
  // A signature covers every byte.
  const read: Read = { text, api, asked: priced, price, mayChange: !isSigned(incoming.headers) };

  const said = await estimateOf(incoming, options);
  const limited = withDefaultLimit(read, call, options);
  if (said !== undefined) return readyCall(read, limited, { ...said, provider, model: call.model });
  if (options.allowUnbounded !== true) assertBounded(limited.call);
  return boundedCall(read, limited, options);
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

/** Bounds a call by its body, or by what the last ones used. */
function boundedCall(read: Read, { body, call }: Limited, options: MeteredFetchOptions): PreparedCall {
  const { asked, price } = read;
  const { lastCalls, serviceTier } = options;
  const { provider } = asked;
  const strict = tokenBoundOf({ call, body, price });
  const held = lastCalls?.estimate({ provider, call, body }, strict) ?? strict;
  const priced = (tokens: TokenBound): HeldBound => priceBound({ call, price, serviceTier }, tokens);
  const learning = lastCalls && {
    learn: (usage: ReportedUsage) => lastCalls.learn({ provider, call, body }, usage),
  };

  const boundAt = (limitTokens: number) => {
    const most = limitTokens * call.output.choices;
    return priced({ ...held, outputTokens: Math.min(held.outputTokens, most) });
  };
  const lowering: Lowering | undefined =
    read.mayChange && call.output.lowering !== undefined
      ? {
          ...call.output.lowering,
          fromTokens: call.output.limitTokens ?? price.maxOutputTokens ?? 0,
          boundAt,
          at(limitTokens) {
            const lower = withLimit(read, { body, call }, limitTokens);
            return { ...readyCall(read, lower, boundAt(limitTokens)), ...learning };
          },
        }
      : undefined;
  return { ...readyCall(read, { body, call }, priced(held)), ...learning, lowering };
}

/** A call that is bounded. */
function readyCall({ text, api, asked, mayChange }: Read, limited: Limited, bound: HeldBound): PreparedCall {
  const asking = mayChange ? api.askingForUsage({ ...asked, body: limited.body }) : undefined;
  const body = asking ?? limited.body;
  return {
    provider: asked.provider,
    model: limited.call.model,
    call: limited.call,
    bound,
    body: body === asked.body ? undefined : withMembers(text, changedMembers(asked.body, body)),
    hides: asking === undefined ? undefined : api.isUsageOnly,
    lowering: undefined,
    learn: undefined,
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

function withDefaultLimit(
  read: Read,
  call: ProviderCall,
  { defaultMaxOutputTokens }: MeteredFetchOptions,
): Limited {
  const asIs = { body: read.asked.body, call };
  if (!read.mayChange || call.output.limitTokens !== undefined || defaultMaxOutputTokens === undefined)
    return asIs;
  return withLimit(read, asIs, Math.min(defaultMaxOutputTokens, read.price.maxOutputTokens ?? Infinity));
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
