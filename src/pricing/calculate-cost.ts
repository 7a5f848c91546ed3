/** The cost of a call, without a meter. */
import { usdFromNano } from "../ledger/money.ts";
import { createPriceBook, type PriceBook } from "./price-book.ts";
import { type CountedUsage, priceUsage } from "./price-usage.ts";
import type { Pricing } from "./usage.ts";

/**
 * What a call costs at the built-in prices, or at your own. `costNanoUsd` is exact, `costUsd` is for display.
 *
 * @throws InvalidUsageError naming the field, UnknownModelError, or InvalidOptionsError for a custom price.
 * @example
 * ```ts
 * calculateCost({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1000, outputTokens: 500 }).costUsd; // 0.00045
 * ```
 */
export function calculateCost(
  usage: CountedUsage,
  options: { customPricing?: Pricing } = {},
): { costUsd: number; costNanoUsd: number } {
  const { nanoUsd } = priceUsage(bookFor(options.customPricing), usage);
  return { costUsd: usdFromNano(nanoUsd), costNanoUsd: nanoUsd };
}

let builtInBook: PriceBook | undefined;

function bookFor(customPricing: Pricing | undefined): PriceBook {
  if (customPricing !== undefined) return createPriceBook({ customPricing });
  builtInBook ??= createPriceBook();
  return builtInBook;
}
