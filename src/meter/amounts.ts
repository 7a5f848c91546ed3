/** From what callers say of a call, before and after it, to the amounts that the ledger holds and books. */
import { InvalidUsageError } from "../errors.ts";
import { rowName } from "../ledger/history.ts";
import { nanoUsdRoundedUp } from "../ledger/money.ts";
import { type Amounts, type RequestedAmounts, TOKEN_KINDS, type TokenKindCounts } from "../ledger/store.ts";
import type { CallOptions, HeldBound } from "../metering/calls.ts";
import { usageFromResponse } from "../metering/response-usage.ts";
import { shown } from "../pricing/decimal-prices.ts";
import { refuseUnknownFields } from "../pricing/known-fields.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import { type CountedUsage, priceEstimate, priceUsage, USAGE_FIELDS } from "../pricing/price-usage.ts";
import type { Estimate, PricedUsage, Tokens, Usage } from "../pricing/usage.ts";

/** What a call asks for. */
export interface CallRequest {
  requested: RequestedAmounts;
  /** The amounts as the caller gave them: a repetition under the same id says the same. */
  given: string[];
  provider?: string | undefined;
  model?: string | undefined;
}

/** What a call used. */
export interface Actual {
  priced: PricedUsage;
  /** The amounts as the caller gave them. */
  given: string[];
}

/** Whose prices apply where a usage does not say. */
export type CalledModel = Pick<CallRequest, "provider" | "model">;

/** The fields of {@link CallOptions}: they may stand beside any estimate, so that one object serves `check` and `reserve`. */
const CALL_OPTION_NAMES = ["id", "expiresInSeconds"] as const satisfies (keyof CallOptions)[];

/**
 * @throws InvalidUsageError for an estimate that makes no sense, or an unknown field; UnboundedCallError,
 * UnknownModelError for one that bounds nothing.
 */
export function callRequest(prices: PriceBook, estimate: Estimate): CallRequest {
  const priced = priceEstimate(prices, estimate, CALL_OPTION_NAMES);
  const { nanoUsd, tokens, requests, provider, model } = priced;
  return { requested: { nanoUsd, tokens, requests }, given: givenFields(estimate), provider, model };
}

/** A bound that is priced already. */
export function boundRequest({ nanoUsd, tokens, requests, provider, model }: HeldBound): CallRequest {
  const requested = { nanoUsd, tokens, requests };
  return { requested, given: givenFields({ ...requested, provider, model }), provider, model };
}

/** Where a usage comes from. */
export interface UsageOrigin {
  /** The model of the hold that is settled: tokens alone are priced as its own. Left out: there is no hold. */
  called?: CalledModel;
  /** What may stand beside the usage, such as `id`. */
  callFields?: readonly string[];
}

/**
 * Prices a usage in any of its forms.
 *
 * @throws InvalidUsageError for a usage that makes no sense, or an unknown field; UnknownModelError.
 */
export function usedAmounts(
  prices: PriceBook,
  usage: Usage | Tokens,
  { called, callFields = [] }: UsageOrigin = {},
): Actual {
  if (typeof usage !== "object" || usage === null) throw new InvalidUsageError("Usage is an object.");
  if ("response" in usage) {
    refuseOthersThanResponse(usage, callFields);
    return answeredAmounts(prices, usage.response, called);
  }
  if (isWhole(usage)) return { priced: priceUsage(prices, usage, callFields), given: givenFields(usage) };
  refuseUnknownFields(Object.keys(usage), [...USAGE_FIELDS, ...callFields], "Usage");
  const { provider, model } = called ?? {};
  if (provider === undefined || model === undefined) {
    const why = called === undefined ? "" : " The hold was made by `estimatedCostUsd`, so no model is known.";
    throw new InvalidUsageError(
      `This usage has no price: give \`provider\` and \`model\` with the tokens, or \`costUsd\`.${why}`,
    );
  }
  const whole = { ...usage, provider, model };
  return { priced: priceUsage(prices, whole, callFields), given: givenFields(whole) };
}

/** Two statements of one usage would leave open which of them counts. The answer's own fields are the provider's. */
function refuseOthersThanResponse(usage: object, callFields: readonly string[]): void {
  const known = ["response", ...callFields];
  const other = Object.entries(usage).find(([field, value]) => value !== undefined && !known.includes(field));
  if (other === undefined) return;
  throw new InvalidUsageError(`\`response\` says by itself what was used: leave out ${shown(other[0])}.`);
}

/**
 * The usage that a provider's answer states, found by the provider that was called, else by the answer's own shape.
 *
 * @throws InvalidUsageError where it states none; UnknownModelError.
 */
export function answeredAmounts(prices: PriceBook, response: unknown, called: CalledModel = {}): Actual {
  return pricedActual(usageFromResponse(prices, response, called));
}

/** Usage that is priced already; its tokens are what the provider said, its price is not. */
export function pricedActual(priced: PricedUsage): Actual {
  const { nanoUsd, tokens, provider, model, tokenKinds } = priced;
  const said = tokenKinds === undefined ? { nanoUsd, tokens } : tokenKinds;
  return { priced, given: givenFields({ ...said, provider, model }) };
}

/** The fields of a settle or a record that say what was used. */
export function bookedFields({ priced }: Actual): {
  actual: Amounts;
  model: string;
  tokenKinds?: TokenKindCounts;
} {
  const { nanoUsd, tokens, requests, provider, model, tokenKinds } = priced;
  return {
    actual: { nanoUsd, tokens, requests },
    model: historyName(provider, model),
    ...(tokenKinds === undefined ? {} : { tokenKinds: kindCounts(tokenKinds) }),
  };
}

/** Whether it names its own price or model; its fields are checked when it is priced. */
function isWhole(usage: Exclude<Usage, { response: unknown }> | Tokens): usage is CountedUsage {
  return "costUsd" in usage || "provider" in usage || "model" in usage;
}

const GIVEN_FIELDS = [
  "estimatedCostUsd",
  "costUsd",
  "nanoUsd",
  "tokens",
  "requests",
  "provider",
  "model",
  "maxOutputTokens",
  ...TOKEN_KINDS,
  "tokensUsed",
  "serviceTier",
];

/** The amounts in a fixed order. Dollars in nano-USD: 0.1 and "0.10" are the same amount. */
function givenFields(amounts: object): string[] {
  const fields = new Map<string, unknown>(Object.entries(amounts));
  return GIVEN_FIELDS.flatMap((field) => {
    const value = fields.get(field);
    if (value === undefined) return [];
    return `${field}=${field.endsWith("CostUsd") || field === "costUsd" ? nanoUsdRoundedUp(value) : value}`;
  });
}

function historyName(provider: string | undefined, model: string | undefined): string {
  try {
    return rowName(provider, model);
  } catch {
    throw new InvalidUsageError("`provider` and `model` are well-formed text.");
  }
}

function kindCounts(tokens: Tokens): TokenKindCounts {
  return TOKEN_KINDS.map((kind) => tokens[kind] ?? 0);
}
