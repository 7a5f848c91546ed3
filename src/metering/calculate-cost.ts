/** The cost of a call, without a meter. */
import { usdFromNano } from "../ledger/money.ts";
import { createPriceBook, type PriceBook } from "../pricing/price-book.ts";
import { priceUsage } from "../pricing/price-usage.ts";
import type { Pricing, Usage } from "../pricing/usage.ts";
import { usageFromResponse } from "./response-usage.ts";

/**
 * What a call costs at the built-in prices, or at your own. `costNanoUsd` is exact, `costUsd` is for display.
 *
 * @throws InvalidUsageError naming the field, UnknownModelError, or InvalidOptionsError for a custom price.
 * @example
 * ```ts
 * calculateCost({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1000, outputTokens: 500 }).costUsd; // 0.00045
 * calculateCost({ response: await openai.chat.completions.create(request) }).costUsd;
 * ```
 */
export function calculateCost(
  usage: Usage,
  options: { customPricing?: Pricing } = {},
): { costUsd: number; costNanoUsd: number } {
  const book = bookFor(options.customPricing);
  const { nanoUsd } = isAnswer(usage) ? usageFromResponse(book, usage.response) : priceUsage(book, usage);
  return { costUsd: usdFromNano(nanoUsd), costNanoUsd: nanoUsd };
}

function isAnswer(usage: Usage): usage is { response: unknown } {
  return typeof usage === "object" && usage !== null && "response" in usage;
}

let builtInBook: PriceBook | undefined;

function bookFor(customPricing: Pricing | undefined): PriceBook {
  if (customPricing !== undefined) return createPriceBook({ customPricing });
  builtInBook ??= createPriceBook();
  return builtInBook;
}
