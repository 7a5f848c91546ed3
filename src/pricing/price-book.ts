/** Finds the price of a model: the user's own first, then the table's. What has no price is an error, never free. */
import { InvalidUsageError } from "../errors.ts";
import { shown } from "./decimal-prices.ts";
import { type ModelPrice, modelPrice } from "./model-price.ts";
import { canonicalProvider } from "./names.ts";
import type { PriceTable } from "./price-table.ts";
import { RowSearch } from "./row-search.ts";
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
  const search = new RowSearch(options);
  const cache = new Map<string, { price: ModelPrice; validUntilMs: number }>();
  return {
    get pricesAsOf() {
      return search.table.asOf;
    },
    find(provider, model) {
      const providerName = canonicalProvider(readCallName(provider, "provider"));
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

function readCallName(value: unknown, kind: "provider" | "model"): string {
  if (typeof value === "string" && value.trim() !== "") return value.trim().toLowerCase();
  throw new InvalidUsageError(`${kind} has to be a name; it is ${shown(value)}.`);
}
