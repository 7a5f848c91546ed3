/** Prices what users say: usage of a call, and the estimate of one. */
import { InvalidUsageError, UnboundedCallError } from "../errors.ts";
import { nanoUsdRoundedUp } from "../ledger/money.ts";
import { boundNanoUsd, costNanoUsd } from "./cost.ts";
import { shown } from "./decimal-prices.ts";
import { refuseUnknownFields } from "./known-fields.ts";
import type { ModelPrice } from "./model-price.ts";
import type { PriceBook } from "./price-book.ts";
import { MAX_NAME_LENGTH } from "./read-price.ts";
import {
  countTokens,
  refuseUnknownCounts,
  statesTokens,
  TOKEN_FIELDS,
  validateTokens,
  wholeCount,
} from "./tokens.ts";
import type { Estimate, PricedUsage, Tokens, Usage } from "./usage.ts";

/** Usage in numbers; a provider's answer has to be read first. */
export type CountedUsage = Exclude<Usage, { response: unknown }>;

/** What a call may use at most, priced. */
export interface PricedEstimate {
  nanoUsd: number;
  /** Null where the estimate is in dollars alone: nobody knows. */
  tokens: number | null;
  requests: number;
  provider?: string;
  model?: string;
}

/** Every field that a usage in numbers may have. */
export const USAGE_FIELDS: readonly string[] = ["provider", "model", "costUsd", ...TOKEN_FIELDS];

/**
 * Prices what a call used.
 *
 * @param callFields what may stand beside the usage, such as `id`.
 * @throws InvalidUsageError naming the field, and where neither tokens nor a cost are stated.
 * @throws UnknownModelError where the model has no price.
 */
export function priceUsage(
  book: PriceBook,
  usage: CountedUsage,
  callFields: readonly string[] = [],
): PricedUsage {
  const fields = fieldsOf(usage, "Usage");
  refuseUnknownCounts(usage);
  refuseUnknownFields(fields.keys(), [...USAGE_FIELDS, ...callFields], "Usage");
  if (fields.get("costUsd") !== undefined) return priceStatedCost(fields);
  const price = book.find(nameOf(fields, "provider"), nameOf(fields, "model"));
  return priceTokens(price, validateTokens(Object.fromEntries(fields)));
}

/**
 * Prices the most that a call may use.
 *
 * @param callFields what may stand beside the estimate, such as `id`.
 * @throws InvalidUsageError naming the field, and for a model without `inputTokens`, unless its price is per call alone.
 * @throws UnboundedCallError where neither the estimate nor the price states the most output.
 * @throws UnknownModelError where the model has no price.
 */
export function priceEstimate(
  book: PriceBook,
  estimate: Estimate,
  callFields: readonly string[] = [],
): PricedEstimate {
  const fields = fieldsOf(estimate, "An estimate");
  refuseUnknownFields(fields.keys(), [...ESTIMATE_FIELDS, ...callFields], "An estimate");
  const requests = countOf(fields, "requests") ?? 1;
  if (!["estimatedCostUsd", "provider", "model"].some((name) => fields.get(name) !== undefined)) {
    throw new InvalidUsageError("An estimate is `estimatedCostUsd`, or `provider` and `model` with tokens.");
  }
  return fields.get("estimatedCostUsd") === undefined
    ? estimateTokens(book, fields, requests)
    : estimateStatedCost(fields, requests);
}
const ESTIMATE_FIELDS: readonly string[] = [
  "estimatedCostUsd",
  "tokens",
  "requests",
  "provider",
  "model",
  "inputTokens",
  "maxOutputTokens",
];

type Fields = ReadonlyMap<string, unknown>;

function priceTokens(price: ModelPrice, tokens: Tokens): PricedUsage {
  if (!statesTokens(tokens) && !price.perCallOnly) {
    throw new InvalidUsageError(
      `Usage of ${price.provider} ${price.model} states no tokens: give inputTokens and outputTokens, tokensUsed, or costUsd.`,
    );
  }
  return {
    nanoUsd: costNanoUsd(price, tokens),
    tokens: countTokens(tokens),
    requests: 1,
    provider: price.provider,
    model: price.model,
    tokenKinds: tokens,
  };
}

function priceStatedCost(fields: Fields): PricedUsage {
  const other = TOKEN_FIELDS.find((name) => name !== "tokensUsed" && fields.get(name) !== undefined);
  if (other !== undefined) {
    throw new InvalidUsageError(`costUsd goes with tokensUsed alone, not with ${shown(other)}.`);
  }
  const tokensUsed = countOf(fields, "tokensUsed");
  return {
    nanoUsd: amountOf(fields, "costUsd"),
    tokens: tokensUsed ?? 0,
    requests: 1,
    ...namesOf(fields),
    ...(tokensUsed !== undefined && { tokenKinds: { tokensUsed } }),
  };
}

function estimateStatedCost(fields: Fields, requests: number): PricedEstimate {
  const nanoUsd = amountOf(fields, "estimatedCostUsd");
  const other = ["inputTokens", "maxOutputTokens"].find((name) => fields.get(name) !== undefined);
  if (other !== undefined) {
    throw new InvalidUsageError(`estimatedCostUsd goes with tokens, not with ${other}.`);
  }
  return { nanoUsd, tokens: countOf(fields, "tokens") ?? null, requests, ...namesOf(fields) };
}

function estimateTokens(book: PriceBook, fields: Fields, requests: number): PricedEstimate {
  if (fields.get("tokens") !== undefined) {
    throw new InvalidUsageError(
      "tokens goes with estimatedCostUsd; with a model give inputTokens and maxOutputTokens.",
    );
  }
  const price = book.find(nameOf(fields, "provider"), nameOf(fields, "model"));
  const inputEach = countOf(fields, "inputTokens") ?? (price.perCallOnly ? 0 : undefined);
  if (inputEach === undefined) {
    throw new InvalidUsageError(
      `An estimate for ${price.provider} ${price.model} needs inputTokens, or estimatedCostUsd in its place.`,
    );
  }
  const outputEach = countOf(fields, "maxOutputTokens") ?? mostOutputOf(price);
  // A call that counts as no request uses tokens all the same.
  const calls = Math.max(1, requests);
  const inputTokens = wholeCount(inputEach * calls, "inputTokens times requests");
  const outputTokens = wholeCount(outputEach * calls, "maxOutputTokens times requests");
  return {
    nanoUsd: boundNanoUsd(price, { inputTokens, outputTokens, requests: calls }),
    tokens: wholeCount(inputTokens + outputTokens, "The tokens of an estimate"),
    requests,
    provider: price.provider,
    model: price.model,
  };
}

function mostOutputOf(price: ModelPrice): number {
  if (price.perCallOnly) return 0;
  if (price.maxOutputTokens !== undefined) return price.maxOutputTokens;
  throw new UnboundedCallError(
    `Nothing limits the output of ${price.provider} ${price.model}: give maxOutputTokens with the call, or in its price.`,
  );
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return new Map<string, unknown>(Object.entries(value).filter(([, each]) => each !== undefined));
  }
  throw new InvalidUsageError(`${what} has to be an object; it is ${shown(value)}.`);
}

function countOf(fields: Fields, field: string): number | undefined {
  const value = fields.get(field);
  return value === undefined ? undefined : wholeCount(value, field);
}

function amountOf(fields: Fields, field: string): number {
  const value = fields.get(field);
  const nanoUsd = nanoUsdRoundedUp(value);
  if (nanoUsd !== undefined) return nanoUsd;
  throw new InvalidUsageError(`${field} has to be dollars from 0 to 9,000,000; it is ${shown(value)}.`);
}

function nameOf(fields: Fields, field: "provider" | "model"): string {
  const value = fields.get(field);
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new InvalidUsageError(`${field} has to be a name; it is ${shown(value)}.`);
}

/** Names that are kept as they were given. */
function namesOf(fields: Fields): { provider?: string; model?: string } {
  const names = (["provider", "model"] as const).filter((field) => fields.get(field) !== undefined);
  return Object.fromEntries(
    names.map((field) => {
      const name = nameOf(fields, field).trim();
      if (name.length <= MAX_NAME_LENGTH) return [field, name];
      throw new InvalidUsageError(
        `${field} has at most ${MAX_NAME_LENGTH} characters; this has ${name.length}.`,
      );
    }),
  );
}
