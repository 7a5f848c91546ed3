/** What a provider itself says that a call cost: tokens, fees and all. */
import { scaledInteger, sumNanoUsdRoundedUp } from "../ledger/money.ts";
import { isGiven, isObject, type JsonObject } from "./json.ts";
import type { ReportedUsage } from "./provider.ts";

/** Those who state what a call cost, be it nothing. */
export const COST_STATING_PROVIDERS: ReadonlySet<string> = new Set(["openrouter", "perplexity", "xai"]);

/**
 * Reads the cost out of a usage object: xAI's `cost_in_usd_ticks`, OpenRouter's `cost` in dollars, Perplexity's `cost`
 * with its parts. A cost that can't be read is a doubt, and the price decides.
 */
export function statedCost(usage: JsonObject): Pick<ReportedUsage, "statedNanoUsd" | "doubts"> {
  const { cost, cost_in_usd_ticks: ticks } = usage;
  if (!isGiven(ticks) && !isGiven(cost)) return {};
  const statedNanoUsd = isGiven(ticks) ? nanoOfTicks(ticks) : nanoOfDollars(cost, usage);
  if (statedNanoUsd === undefined) return { doubts: ["it states a cost that is no amount of dollars"] };
  return isObject(cost) && isRounded(statedNanoUsd) ? {} : { statedNanoUsd };
}

/** Ten ticks are a nano-USD. */
function nanoOfTicks(ticks: unknown): number | undefined {
  return Number.isSafeInteger(ticks) ? scaledInteger(ticks, -1, "up") : undefined;
}

/**
 * With a key of the caller's own, `cost` is OpenRouter's fee alone, and the vendor's bill comes on top. Where the key is
 * OpenRouter's the same field repeats the cost.
 *
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 */
function nanoOfDollars(cost: unknown, { cost_details: details, is_byok }: JsonObject): number | undefined {
  const parts = [isObject(cost) ? cost.total_cost : cost];
  if (is_byok === true) parts.push(isObject(details) ? details.upstream_inference_cost : undefined);
  return parts.every((part) => typeof part === "number") ? sumNanoUsdRoundedUp(parts) : undefined;
}

const TENTH_OF_A_CENT_NANO_USD = 1_000_000;

/** Some answers of Perplexity's round each part to a tenth of a cent: 400 tokens then cost nothing. */
function isRounded(nanoUsd: number): boolean {
  return nanoUsd % TENTH_OF_A_CENT_NANO_USD === 0;
}
