/** Finds the price of a model: the user's own first, then the table's. What has no price is an error, never free. */
import { InvalidOptionsError, InvalidUsageError, UnknownModelError } from "../errors.ts";
import { builtInIndex } from "./built-in-prices.ts";
import { shown } from "./decimal-prices.ts";
import { type FoundRow, type ModelPrice, modelPrice } from "./model-price.ts";
import { isProviderAlias, nameLookups, providerFamily } from "./names.ts";
import type { PriceIndex } from "./price-index.ts";
import type { PriceRow } from "./price-row.ts";
import type { PriceTable } from "./price-table.ts";
import { entriesOf, MAX_NAME_LENGTH, readName, readPrice, readPricing } from "./read-price.ts";
import { readPriceTable } from "./read-price-table.ts";
import { unknownModelMessage } from "./unknown-model.ts";
import type { Price, Pricing } from "./usage.ts";

export type { PriceTable } from "./price-table.ts";

export interface PriceBookOptions {
  /** USD per million tokens, by provider and model. Each is the price on every service tier. */
  customPricing?: Pricing | undefined;
  /** A deployment or an alias, alone or as `provider/name`, to a priced model, alone or as `provider/model`. */
  models?: Record<string, string> | undefined;
  /** What a model without a price costs; by default it is an error. */
  unknownModel?: "reject" | Price | undefined;
  /** A whole table instead of the built-in one. */
  prices?: PriceTable | undefined;
  /** Milliseconds since 1970, for announced changes and peak hours. */
  now?: (() => number) | undefined;
}

export interface PriceBook {
  /** The day the table's prices were looked up, `YYYY-MM-DD`. */
  readonly pricesAsOf: string;
  /**
   * The price of a model now.
   *
   * @throws UnknownModelError where none is known; the message says how to give one.
   * @throws InvalidUsageError when a name is no text or blank.
   */
  find(provider: string, model: string): ModelPrice;
}

/**
 * Reads the options once; the built-in table is read when something is first looked up.
 *
 * @throws InvalidOptionsError naming the provider, the model and the kind.
 */
export function createPriceBook(options: PriceBookOptions = {}): PriceBook {
  const { now = Date.now } = options;
  const search = rowSearch(options);
  const cache = new Map<string, { price: ModelPrice; validUntilMs: number }>();
  return {
    get pricesAsOf() {
      return search.table().asOf;
    },
    find(provider, model) {
      const providerName = readCallName(provider, "provider");
      const modelName = readCallName(model, "model");
      const nowMs = now();
      const key = `${providerName.length}:${providerName}${modelName}`;
      const cached = cache.get(key);
      if (cached !== undefined && nowMs < cached.validUntilMs) return cached.price;
      const made = modelPrice(search.find(providerName, modelName), nowMs);
      if (cache.size >= CACHE_LIMIT) cache.clear();
      cache.set(key, made);
      return made.price;
    },
  };
}

const CACHE_LIMIT = 1000;

interface RowSearch {
  table(): PriceIndex;
  /** Both names in lower case. @throws UnknownModelError */
  find(provider: string, model: string): FoundRow;
}

function rowSearch(options: PriceBookOptions): RowSearch {
  const custom = readPricing(options.customPricing ?? {});
  const models = readModels(options.models ?? {});
  const unknownRow = readUnknownModel(options.unknownModel);
  const ownTable = options.prices === undefined ? undefined : readPriceTable(options.prices);
  const table = () => ownTable ?? builtInIndex();
  const isProvider = (provider: string) =>
    isProviderAlias(provider) || custom.has(provider) || table().providers.has(provider);

  function findNamed(provider: string, model: string, from: "call" | "models"): FoundRow | undefined {
    for (const lookup of nameLookups({ provider, model, from, isProvider })) {
      const ownRows = custom.get(lookup.provider);
      const tableRows = table().providers.get(lookup.provider);
      for (const each of lookup.names) {
        const listed = tableRows?.find(each);
        const own = ownRows?.get(each) ?? (listed && ownRows?.get(listed.model.toLowerCase()));
        if (own) return { provider, row: own, source: "custom", terms: undefined, regional: false };
        if (listed)
          return {
            provider,
            row: listed,
            source: "table",
            terms: tableRows?.terms,
            regional: lookup.regional,
          };
      }
    }
    return undefined;
  }

  function findMapped(provider: string, target: string): FoundRow | undefined {
    const found = findNamed(provider, target, "models");
    const slash = target.indexOf("/");
    if (found !== undefined || slash < 0) return found;
    return findNamed(target.slice(0, slash), target.slice(slash + 1), "models");
  }

  function unknown(provider: string, model: string, mapped: string | undefined): UnknownModelError {
    const { asOf, providers } = table();
    const rows = providers.get(provider) ?? providers.get(providerFamily(provider));
    const known = [...(custom.get(provider)?.keys() ?? []), ...(rows?.names() ?? [])];
    const names = [...providers.keys(), ...custom.keys()];
    return new UnknownModelError(
      unknownModelMessage({ provider, model, mapped, known, providers: names, asOf }),
    );
  }

  return {
    table,
    find(provider, model) {
      if (Math.max(provider.length, model.length) > MAX_NAME_LENGTH)
        throw unknown(provider, model, undefined);
      const mapped = models.get(`${provider}/${model}`) ?? models.get(model);
      const found = mapped === undefined ? findNamed(provider, model, "call") : findMapped(provider, mapped);
      if (found !== undefined) return found;
      if (unknownRow === undefined) throw unknown(provider, model, mapped);
      const row = { ...unknownRow, model };
      return { provider, row, source: "unknownModel", terms: undefined, regional: false };
    },
  };
}

function readModels(value: unknown): ReadonlyMap<string, string> {
  return new Map(
    entriesOf(value, "models").map(([from, to]) => {
      if (typeof to !== "string") {
        throw new InvalidOptionsError(`models: ${shown(from)} has to name a model; it is ${shown(to)}.`);
      }
      return [readName(from, "models"), readName(to, `models: ${shown(from)}`)];
    }),
  );
}

function readUnknownModel(value: unknown): PriceRow | undefined {
  if (value === undefined || value === "reject") return undefined;
  if (typeof value === "string") {
    throw new InvalidOptionsError(`unknownModel has to be "reject" or a price; it is ${shown(value)}.`);
  }
  return readPrice("", value, "unknownModel");
}

function readCallName(value: unknown, kind: "provider" | "model"): string {
  if (typeof value === "string" && value.trim() !== "") return value.trim().toLowerCase();
  throw new InvalidUsageError(`${kind} has to be a name; it is ${shown(value)}.`);
}
