/** The prices that come with the library. Nothing is read before somebody asks, and then a line at a time. */
import type { PriceIndex, ProviderIndex } from "./price-index.ts";
import type { PriceTable } from "./price-table.ts";
import { priceTableOf } from "./price-table.ts";
import { PRICES, PRICES_AS_OF } from "./table.ts";
import { decodeProviders, decodeRow, namesOfLine, type ProviderText } from "./table-text.ts";

let builtIn: PriceIndex | undefined;

/** The built-in table, ready to be searched; made once. */
export function builtInIndex(): PriceIndex {
  builtIn ??= {
    asOf: PRICES_AS_OF,
    providers: new Map(decodeProviders(PRICES).map((text) => [text.provider, lazyIndex(text)])),
  };
  return builtIn;
}

/**
 * The built-in table in the form that the `prices` option takes, to be changed and handed back.
 *
 * @example
 * ```ts
 * const prices = builtInPrices();
 * prices.providers.acme = { models: { "acme-1": { input: "2", output: "8", maxOutputTokens: 128_000 } } };
 * new UsageMeter({ agentId: "a", prices });
 * ```
 */
export function builtInPrices(): PriceTable {
  return priceTableOf(builtInIndex());
}

function lazyIndex({ terms, lines }: ProviderText): ProviderIndex {
  const lineOf = new Map<string, string>();
  for (const line of lines) for (const name of namesOfLine(line)) lineOf.set(name.toLowerCase(), line);
  return {
    terms,
    find(name) {
      const line = lineOf.get(name);
      return line === undefined ? undefined : decodeRow(line);
    },
    rows: () => lines.map(decodeRow),
    names: () => lineOf.keys(),
  };
}
