/** Every name that has a price. */
import { builtInIndex } from "./built-in-prices.ts";
import { usdPerCall } from "./decimal-prices.ts";
import { ratesAt } from "./model-price.ts";
import type { PriceRow } from "./price-row.ts";
import { type KindPrices, kindPricesOf } from "./price-table.ts";
import { readPricing } from "./read-price.ts";
import type { Price, Pricing } from "./usage.ts";

export interface SupportedModel {
  provider: string;
  /** A model's name, or another name of it. */
  model: string;
  /** USD per million tokens as exact decimal text: the kinds that have a price of their own. */
  price: Price;
}

/**
 * Every provider and name with a price, aliases included, sorted; custom prices in place of the built-in ones.
 *
 * @throws InvalidOptionsError for a custom price that is none.
 */
export function supportedModels(options: { customPricing?: Pricing } = {}): SupportedModel[] {
  const nowMs = Date.now();
  const custom = readPricing(options.customPricing ?? {});
  const listed = [...builtInIndex().providers].flatMap(([provider, { rows }]) =>
    rows().flatMap((row) => {
      const own = custom.get(provider);
      return [row.model, ...row.aliases]
        .filter((name) => !own?.has(name.toLowerCase()))
        .map((model) => ({ provider, model, row: own?.get(row.model.toLowerCase()) ?? row }));
    }),
  );
  const added = [...custom].flatMap(([provider, rows]) =>
    [...rows].map(([model, row]) => ({ provider, model, row })),
  );
  return [...listed, ...added]
    .map(({ provider, model, row }) => ({ provider, model, price: priceOf(row, nowMs) }))
    .sort((a, b) => compare(a.provider, b.provider) || compare(a.model, b.model));
}

function priceOf(row: PriceRow, nowMs: number): Price {
  const { reasoningOutput: _, ...kinds }: KindPrices = kindPricesOf(ratesAt(row, nowMs).rates);
  return {
    ...kinds,
    ...(row.perCallPico !== undefined && { perCall: usdPerCall(row.perCallPico) }),
    ...(row.maxOutputTokens !== undefined && { maxOutputTokens: row.maxOutputTokens }),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
