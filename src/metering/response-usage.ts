/** Prices what an answer says that it used. */
import { InvalidUsageError, UnknownModelError } from "../errors.ts";
import { MAX_AMOUNT } from "../ledger/money.ts";
import { costNanoUsd } from "../pricing/cost.ts";
import type { ModelPrice } from "../pricing/model-price.ts";
import { canonicalProvider } from "../pricing/names.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import { countTokens, INPUT_COUNTS, sumOf } from "../pricing/tokens.ts";
import type { PricedUsage, Tokens } from "../pricing/usage.ts";
import { readResponse } from "../providers/index.ts";
import type { ModelUsage, ReportedUsage } from "../providers/provider.ts";

/** The model that was asked for, where that is known. */
export interface CalledModel {
  provider?: string | undefined;
  model?: string | undefined;
}

/**
 * Reads and prices the usage in a provider's answer, as it came or as an SDK parsed it. Recognised by its shape; priced
 * as `called.provider`, else as the provider whose API has that shape.
 *
 * @throws InvalidUsageError for what states no usage; UnknownModelError where a model that took part has no price.
 */
export function usageFromResponse(
  prices: PriceBook,
  response: unknown,
  called: CalledModel = {},
): PricedUsage {
  const answer = readResponse(response, called.provider && canonicalProvider(called.provider));
  if (answer === undefined) {
    throw new InvalidUsageError(
      "This answer states no usage that can be read. Hand in the provider's whole answer as it came, or the tokens themselves.",
    );
  }
  const model = called.model ?? answer.usage.models[0].model;
  if (model === undefined)
    throw new InvalidUsageError("This answer names no model; say which one was called.");
  return priceReported(prices, answer.usage, {
    provider: called.provider ?? answer.api.defaultProvider,
    model,
  });
}

/**
 * Prices what an answer reports: at the cost that the provider states, else each part by the model that it names.
 *
 * @throws UnknownModelError where no cost is stated and one of them has no price; InvalidUsageError above $9,000,000, and
 * where neither input nor a cost is stated.
 */
export function priceReported(
  prices: PriceBook,
  usage: ReportedUsage,
  called: { provider: string; model: string },
): PricedUsage {
  const { models, statedNanoUsd } = usage;
  const [first] = models;
  const sumUp = (count: (tokens: Tokens) => number) =>
    models.reduce((sum, part) => sum + count(part.tokens), 0);
  // Hosts that leave a count out state zero.
  if (statedNanoUsd === undefined && sumUp((tokens) => sumOf(tokens, INPUT_COUNTS)) === 0) {
    throw new InvalidUsageError(
      `${called.provider}/${called.model} states that it used no token of input: no call does without.`,
    );
  }
  const nanoUsd = statedNanoUsd ?? costOf(usage, called, prices);
  const tokens = sumUp(countTokens);
  if (Math.max(nanoUsd, tokens) > MAX_AMOUNT) {
    throw new InvalidUsageError(
      `${called.provider}/${called.model} states that it used more than any call can.`,
    );
  }
  return {
    nanoUsd,
    tokens,
    requests: 1,
    provider: called.provider,
    model: first.model ?? called.model,
    tokenKinds: first.tokens,
    doubt: doubtOf(usage, called),
  };
}

function doubtOf(
  { doubts = [] }: ReportedUsage,
  { provider, model }: { provider: string; model: string },
): InvalidUsageError | undefined {
  if (doubts.length === 0) return undefined;
  return new InvalidUsageError(
    `The usage that ${provider}/${model} reports is booked, but may not be all: ${doubts.join("; ")}.`,
  );
}

function costOf(
  { models, extras }: ReportedUsage,
  called: { provider: string; model: string },
  prices: PriceBook,
): number {
  const [first, ...others] = models;
  // Fees are of the call, not of each model.
  const dearer = { fast: extras.fast ?? false, regional: extras.regional ?? false, requests: 0 };
  const costs = [
    costNanoUsd(priceOf(first, called, prices), first.tokens, extras),
    ...others.map(({ model = called.model, tokens }) =>
      costNanoUsd(prices.find(called.provider, model), tokens, dearer),
    ),
  ];
  return costs.reduce((sum, cost) => sum + cost, 0);
}

/**
 * The model that answered prices its part. What the user says of the one that was called goes before it on Azure, where
 * answers name a base model that versions of different prices share; elsewhere it stands in for a name without a price.
 */
function priceOf(
  { model }: ModelUsage,
  called: { provider: string; model: string },
  prices: PriceBook,
): ModelPrice {
  const ofCalled = priceOrError(prices, called.provider, called.model);
  const ofAnswer =
    model === undefined || (called.provider === "azure" && isUsersChoice(ofCalled))
      ? ofCalled
      : priceOrError(prices, called.provider, model);
  if (isKnown(ofAnswer)) return ofAnswer;
  const standsIn = called.provider === "azure" ? isKnown(ofCalled) : isUsersChoice(ofCalled);
  const price = standsIn ? ofCalled : ofAnswer;
  if (price instanceof UnknownModelError) throw price;
  return price;
}

function priceOrError(prices: PriceBook, provider: string, model: string): ModelPrice | UnknownModelError {
  try {
    return prices.find(provider, model);
  } catch (error) {
    if (error instanceof UnknownModelError) return error;
    throw error;
  }
}

function isKnown(price: ModelPrice | UnknownModelError): price is ModelPrice {
  return !(price instanceof UnknownModelError) && price.source !== "unknownModel";
}

function isUsersChoice(price: ModelPrice | UnknownModelError): boolean {
  return !(price instanceof UnknownModelError) && price.isUsersChoice;
}
