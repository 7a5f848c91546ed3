/** Token counts as providers report them. A malformed count poisons the whole usage: it is never read as zero. */
import type { Tokens } from "../pricing/usage.ts";
import { isGiven } from "./json.ts";
import type { UsageContext } from "./provider.ts";

/** A count that must be there: NaN unless it is a whole number from 0. */
export function requiredCount(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN;
}

/** A count that providers leave out when it is zero: 0 when absent or null, NaN when malformed. */
export function optionalCount(value: unknown): number {
  return isGiven(value) ? requiredCount(value) : 0;
}

/** What a total has beyond its parts: of a kind that nobody states, so it counts as output. NaN for a malformed total. */
export function beyondParts(total: unknown, parts: number): number {
  return Math.max(0, optionalCount(total) - parts);
}

/** The doubt that a total leaves which is not the sum of its parts. */
export function totalDoubts(total: unknown, parts: number): string[] {
  return isGiven(total) && total !== parts
    ? [`its total of ${total} tokens is not the ${parts} of its parts`]
    : [];
}

/** Embeddings have no output, whose price is zero there: all that they count was put in. */
export function asInput({ inputTokens = 0, outputTokens = 0, ...others }: Tokens): Tokens {
  return { ...others, inputTokens: inputTokens + outputTokens, outputTokens: 0 };
}

/** A tier that the answer does not name is the one that was asked for, so that nothing dearer is booked as standard. */
export function servedTier(stated: unknown, call: UsageContext): unknown {
  if (isGiven(stated) && stated !== "auto") return stated;
  if (call.fast) return "ultrafast";
  return call.priorityTier === "asked" ? "priority" : undefined;
}

/** Counts of one answer by exclusive kind; a kind that is left out is zero. */
export type TokenCounts = Omit<Tokens, "tokensUsed" | "serviceTier"> & {
  inputTokens: number;
  outputTokens: number;
};

/** @returns the counts without their zeros, or undefined when one of them is malformed or less than nothing. */
export function tokensFrom(counts: TokenCounts, serviceTier: unknown): Tokens | undefined {
  const { inputTokens, outputTokens, ...others } = counts;
  if (!Object.values(counts).every((count) => Number.isSafeInteger(count) && count >= 0)) return undefined;
  const tokens: Tokens = { inputTokens, outputTokens };
  Object.assign(tokens, Object.fromEntries(Object.entries(others).filter(([, count]) => count > 0)));
  // OpenAI's newer models have a new name for it: developers.openai.com/api/docs/guides/fast-mode
  const tier = serviceTier === "fast" ? "priority" : serviceTier;
  if (tier === "priority" || tier === "flex" || tier === "batch") tokens.serviceTier = tier;
  return tokens;
}
