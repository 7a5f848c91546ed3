/** Searches the user's prices and the table for the row that prices a name. */
import { InvalidOptionsError, UnknownModelError } from "../errors.ts";
import { builtInIndex } from "./built-in-prices.ts";
import { shown } from "./decimal-prices.ts";
import type { FoundRow } from "./model-price.ts";
import { canonicalProvider, type NameLookup, nameLookups, priceLender } from "./names.ts";
import type { PriceBookOptions } from "./price-book.ts";
import type { PriceIndex } from "./price-index.ts";
import type { PriceRow } from "./price-row.ts";
import { entriesOf, MAX_NAME_LENGTH, readName, readPrice, readPricing } from "./read-price.ts";
import { readPriceTable } from "./read-price-table.ts";
import { unknownModelMessage } from "./unknown-model.ts";

export class RowSearch {
  readonly #custom: ReadonlyMap<string, ReadonlyMap<string, PriceRow>>;
  readonly #models: ReadonlyMap<string, string>;
  readonly #unknownRow: PriceRow | undefined;
  readonly #ownTable: PriceIndex | undefined;

  /** @throws InvalidOptionsError */
  constructor(options: PriceBookOptions) {
    const { customPricing = {}, models = {} } = options;
    this.#custom = readPricing(customPricing);
    this.#models = readModels(models);
    this.#unknownRow = readUnknownModel(options.unknownModel);
    this.#ownTable = options.prices === undefined ? undefined : readPriceTable(options.prices);
  }

  get table(): PriceIndex {
    return this.#ownTable ?? builtInIndex();
  }

  /**
   * @param provider Its canonical name.
   * @param model In lower case.
   * @throws UnknownModelError
   */
  find(provider: string, model: string): FoundRow {
    const isTooLong = Math.max(provider.length, model.length) > MAX_NAME_LENGTH;
    const target = isTooLong ? undefined : this.#target(provider, model);
    const found = isTooLong ? undefined : this.#firstOf(this.#lookups(provider, model, target));
    const isMapped = target !== undefined;
    if (found !== undefined) return { ...found, provider, isMapped };
    if (this.#unknownRow !== undefined && !isTooLong) {
      return this.#ownPrice(provider, { ...this.#unknownRow, model }, "unknownModel");
    }
    throw new UnknownModelError(this.#unknownMessage(provider, model, target));
  }

  /** What the user's `models` make of a name. */
  #target(provider: string, model: string): string | undefined {
    return this.#models.get(`${provider}/${model}`) ?? this.#models.get(modelsKey(model));
  }

  /** A mapped name is this provider's own, else the one that it says itself, else one whose prices are borrowed. */
  #lookups(provider: string, model: string, target: string | undefined): NameLookup[] {
    const isProvider = (name: string) => this.#isProvider(name);
    if (target === undefined) return nameLookups({ provider, model, from: "call", isProvider });
    const lookups = nameLookups({ provider, model: target, from: "models", isProvider });
    const [left = "", ...right] = target.split("/");
    const said = { provider: canonicalProvider(left), model: right.join("/") };
    return [
      ...lookups.filter(({ isBorrowed }) => !isBorrowed),
      ...nameLookups({ ...said, from: "models", isProvider }),
      ...lookups,
    ];
  }

  #firstOf(lookups: readonly NameLookup[]): FoundRow | undefined {
    for (const lookup of lookups) {
      const found = this.#findIn(lookup);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #findIn({ provider, names, isBorrowed, regional }: NameLookup): FoundRow | undefined {
    const ownRows = isBorrowed ? undefined : this.#custom.get(provider);
    const listed = this.table.providers.get(provider);
    for (const name of names) {
      const row = listed?.find(name);
      const own = ownRows?.get(name) ?? (row && ownRows?.get(row.model.toLowerCase()));
      if (own !== undefined) return this.#ownPrice(provider, own, "custom");
      if (row === undefined || listed === undefined) continue;
      const { terms } = listed;
      const writesCacheUnasked = terms.writesCacheUnasked === true;
      return { provider, row, source: "table", terms, feeTerms: terms, regional, writesCacheUnasked };
    }
    return undefined;
  }

  /** A price of the user's. Providers that the table does not know may write to their caches unasked. */
  #ownPrice(provider: string, row: PriceRow, source: "custom" | "unknownModel"): FoundRow {
    const terms = this.table.providers.get(priceLender(provider))?.terms;
    const writesCacheUnasked = terms === undefined || terms.writesCacheUnasked === true;
    return { provider, row, source, terms: undefined, feeTerms: terms, regional: false, writesCacheUnasked };
  }

  #isProvider(name: string): boolean {
    const provider = canonicalProvider(name);
    return this.#custom.has(provider) || this.table.providers.has(priceLender(provider));
  }

  #unknownMessage(provider: string, model: string, mapped: string | undefined): string {
    const { asOf, providers } = this.table;
    const known = [
      ...(this.#custom.get(provider)?.keys() ?? []),
      ...(providers.get(priceLender(provider))?.names() ?? []),
    ];
    const names = [...new Set([...providers.keys(), ...this.#custom.keys()])];
    return unknownModelMessage({ provider, model, mapped, known, providers: names, asOf });
  }
}

function readModels(value: unknown): ReadonlyMap<string, string> {
  return new Map(
    entriesOf(value, "models").map(([from, to]) => {
      if (typeof to !== "string") {
        throw new InvalidOptionsError(`models: ${shown(from)} has to name a model; it is ${shown(to)}.`);
      }
      return [modelsKey(readName(from, "models")), readName(to, `models: ${shown(from)}`)];
    }),
  );
}

/** `provider/name` with the provider's name as prices know it. */
function modelsKey(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name : `${canonicalProvider(name.slice(0, slash))}${name.slice(slash)}`;
}

function readUnknownModel(value: unknown): PriceRow | undefined {
  if (value === undefined || value === "reject") return undefined;
  if (typeof value === "string") {
    throw new InvalidOptionsError(`unknownModel has to be "reject" or a price; it is ${shown(value)}.`);
  }
  return readPrice("", value, "unknownModel");
}
