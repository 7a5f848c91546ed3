/** Token counts: which ones there are, which are valid, and what a token budget counts. */
import { InvalidUsageError } from "../errors.ts";
import { MAX_AMOUNT } from "../ledger/money.ts";
import { shown } from "./decimal-prices.ts";
import type { RateKind } from "./rates.ts";
import type { Tokens } from "./usage.ts";

/** The kinds of tokens that exclude each other, and the rate that prices each. Reasoning is a part of output. */
export const RATE_OF_COUNT = {
  inputTokens: "input",
  cachedInputTokens: "cachedInput",
  cacheWriteTokens: "cacheWrite",
  cacheWrite1hTokens: "cacheWrite1h",
  audioInputTokens: "audioInput",
  audioCachedInputTokens: "audioCachedInput",
  imageInputTokens: "imageInput",
  outputTokens: "output",
  audioOutputTokens: "audioOutput",
  imageOutputTokens: "imageOutput",
} as const satisfies Partial<Record<keyof Tokens, RateKind>>;

/** A count that excludes the others. */
export type CountKind = keyof typeof RATE_OF_COUNT;

export const INPUT_COUNTS = [
  "inputTokens",
  "cachedInputTokens",
  "cacheWriteTokens",
  "cacheWrite1hTokens",
  "audioInputTokens",
  "audioCachedInputTokens",
  "imageInputTokens",
] as const satisfies readonly CountKind[];

export const OUTPUT_COUNTS = [
  "outputTokens",
  "audioOutputTokens",
  "imageOutputTokens",
] as const satisfies readonly CountKind[];

const COUNTS = [...INPUT_COUNTS, ...OUTPUT_COUNTS, "reasoningTokens", "tokensUsed"] as const;

/** The fields of {@link Tokens}. */
export const TOKEN_FIELDS = [...COUNTS, "serviceTier"] as const satisfies readonly (keyof Tokens)[];

/** What a token budget counts: `tokensUsed` where it is given, else every kind. */
export function countTokens(tokens: Tokens): number {
  return tokens.tokensUsed ?? splitTokens(tokens);
}

/** The sum of all kinds, `tokensUsed` aside. */
export function splitTokens(tokens: Tokens): number {
  return sumOf(tokens, INPUT_COUNTS) + sumOf(tokens, OUTPUT_COUNTS);
}

/** The sum of these kinds. */
export function sumOf(tokens: Tokens, counts: readonly CountKind[]): number {
  return counts.reduce((sum, count) => sum + (tokens[count] ?? 0), 0);
}

/** Whether any count at all is stated, be it zero. */
export function statesTokens(tokens: Tokens): boolean {
  return COUNTS.some((count) => tokens[count] !== undefined);
}

/**
 * Checks what somebody says that a call used.
 *
 * @returns the counts and the tier alone, fields set to undefined and all others left out.
 * @throws InvalidUsageError naming the field: a count that is no whole number from 0 to 9e15, reasoning above output,
 * more than 9e15 in all, or an unknown tier.
 */
export function validateTokens(value: unknown): Tokens {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidUsageError(`Usage has to be an object; it is ${shown(value)}.`);
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const stated = COUNTS.filter((count) => fields.get(count) !== undefined);
  const tokens: Tokens = Object.fromEntries(
    stated.map((count) => [count, wholeCount(fields.get(count), count)]),
  );
  const serviceTier = fields.get("serviceTier");
  if (serviceTier !== undefined) tokens.serviceTier = readServiceTier(serviceTier);
  checkTogether(tokens);
  return tokens;
}

/**
 * @throws InvalidUsageError for a main count that is there and undefined: nobody said it, and that is not zero. Details,
 * such as what was cached, are left out by providers where there are none.
 */
export function refuseUnknownCounts(usage: object): void {
  const counts = new Map<string, unknown>(Object.entries(usage));
  const unknown = ["inputTokens", "outputTokens"].find(
    (count) => counts.has(count) && counts.get(count) === undefined,
  );
  if (unknown === undefined) return;
  throw new InvalidUsageError(
    `${unknown} is undefined, so what was used is not known. Leave the field out where there were none.`,
  );
}

/** @throws InvalidUsageError unless it is a whole number from 0 to 9e15. */
export function wholeCount(value: unknown, field: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= MAX_AMOUNT)
    return value;
  throw new InvalidUsageError(`${field} has to be a whole number from 0 to 9e15; it is ${shown(value)}.`);
}

const SERVICE_TIERS = ["batch", "flex", "priority"] as const;

function readServiceTier(value: unknown): "batch" | "flex" | "priority" {
  const tier = SERVICE_TIERS.find((each) => each === value);
  if (tier !== undefined) return tier;
  throw new InvalidUsageError(
    `serviceTier has to be ${SERVICE_TIERS.join(", ")} or left out; it is ${shown(value)}.`,
  );
}

function checkTogether(tokens: Tokens): void {
  const { reasoningTokens = 0, outputTokens = 0 } = tokens;
  if (reasoningTokens > outputTokens) {
    throw new InvalidUsageError(
      `reasoningTokens (${reasoningTokens}) are a part of outputTokens (${outputTokens}), so they can't be more.`,
    );
  }
  if (splitTokens(tokens) > MAX_AMOUNT) throw new InvalidUsageError("More than 9e15 tokens in one call.");
}
