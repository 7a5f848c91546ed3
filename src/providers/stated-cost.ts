/** What a provider itself says that a call cost: tokens, fees and all. */
import { scaledInteger, sumNanoUsdRoundedUp } from "../ledger/money.ts";
import { isGiven, isObject, type JsonObject } from "./json.ts";
import type { ReportedUsage, UsageContext } from "./provider.ts";

/**
 * Reads the cost out of a usage object: xAI's `cost_in_usd_ticks`, OpenRouter's `cost` in dollars, Perplexity's `cost`
 * with its parts. A cost that can't be read is a doubt, and the price decides; what others call a cost is not read.
 */
export function statedCost(
  usage: JsonObject,
  { provider }: UsageContext,
): Pick<ReportedUsage, "statedNanoUsd" | "doubts"> {
  const { cost, cost_in_usd_ticks: ticks } = usage;
  if (!isGiven(ticks) && !isGiven(cost)) return {};
  const isBelieved = provider === undefined ? hasKnownForm(usage) : COST_STATING_PROVIDERS.has(provider);
  if (!isBelieved) return {};
  const statedNanoUsd = isGiven(ticks) ? nanoOfTicks(ticks) : nanoOfDollars(cost, usage);
  if (statedNanoUsd === undefined) return { doubts: ["it states a cost that is no amount of dollars"] };
  return isObject(cost) && isRounded(statedNanoUsd) ? {} : { statedNanoUsd };
}

/** Those who document that they state what a call cost in dollars, be it nothing. With others it may be in any unit. */
const COST_STATING_PROVIDERS: ReadonlySet<string> = new Set(["openrouter", "perplexity", "xai"]);

/** Of an answer that anyone may have sent: the forms of those three. Nothing is no cost. */
function hasKnownForm({ cost, cost_in_usd_ticks: ticks, cost_details: details }: JsonObject): boolean {
  return Boolean(ticks) || isObject(cost) || (Boolean(cost) && isObject(details));
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
