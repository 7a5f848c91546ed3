/** A table of prices as it is searched: providers, their terms, and a row for each name. */
import type { PriceRow, ProviderTerms } from "./price-row.ts";

export interface PriceIndex {
  /** The day the prices were looked up, `YYYY-MM-DD`. */
  readonly asOf: string;
  readonly providers: ReadonlyMap<string, ProviderIndex>;
}

export interface ProviderIndex {
  readonly terms: ProviderTerms;
  /** The row of a model or alias, by its name in lower case. */
  find(name: string): PriceRow | undefined;
  /** Every row once. */
  rows(): PriceRow[];
  /** Every name in lower case, aliases included. */
  names(): Iterable<string>;
}

/** Searches rows that are at hand. A name that stands twice is the first row's. */
export function providerIndex(terms: ProviderTerms, rows: readonly PriceRow[]): ProviderIndex {
  const byName = new Map<string, PriceRow>();
  for (const row of rows) {
    for (const name of [row.model, ...row.aliases].map((each) => each.toLowerCase())) {
      if (!byName.has(name)) byName.set(name, row);
    }
  }
  return {
    terms,
    find: (name) => byName.get(name),
    rows: () => [...rows],
    names: () => byName.keys(),
  };
}
