/** Reads prices that users hand in. Every mistake is an error that names its place. */
import { InvalidOptionsError } from "../errors.ts";
import { perMille, picoPerCall, picoPerToken, shown, tokenLimit } from "./decimal-prices.ts";
import { canonicalProvider } from "./names.ts";
import type { PriceRow } from "./price-row.ts";
import { type NamedRates, RATE_KINDS, type StatedRates } from "./rates.ts";

/** The longest name of a provider or model that is looked up. */
export const MAX_NAME_LENGTH = 200;

/**
 * Reads `customPricing`.
 *
 * @returns rows by canonical provider, and by model in lower case.
 * @throws InvalidOptionsError naming the provider, the model and the kind.
 */
export function readPricing(value: unknown): ReadonlyMap<string, ReadonlyMap<string, PriceRow>> {
  const providers = new Map<string, Map<string, PriceRow>>();
  for (const [providerName, models] of entriesOf(value, "customPricing")) {
    const provider = canonicalProvider(readName(providerName, "customPricing"));
    const rows = providers.get(provider) ?? new Map<string, PriceRow>();
    for (const [modelName, price] of entriesOf(models, `customPricing: ${provider}`)) {
      const where = `customPricing: ${provider} ${shown(modelName)}`;
      const model = readName(modelName, where);
      if (rows.has(model)) throw new InvalidOptionsError(`${where} stands there twice, letter case aside.`);
      rows.set(model, readPrice(model, price, where));
    }
    providers.set(provider, rows);
  }
  return providers;
}

/**
 * Reads one price of a user. Without tiers of its own it is the price on every service tier.
 *
 * @throws InvalidOptionsError naming `where` and the kind.
 */
export function readPrice(model: string, value: unknown, where: string): PriceRow {
  const fields = fieldsOf(value, PRICE_FIELDS, where);
  const rates = readRates(fields, where);
  const namesRates = Object.keys(rates).length > 0;
  if (!namesRates && !fields.has("perCall")) {
    throw new InvalidOptionsError(
      `${where} states no price. Give input and output in USD per million tokens, or perCall in USD; 0 is a price.`,
    );
  }
  return {
    model,
    aliases: [],
    rates: namesRates ? readStatedRates(fields, where) : { input: 0, output: 0 },
    sizeTiers: [],
    batch: 1000,
    flex: 1000,
    priority: 1000,
    ...readNumbers(fields, where),
    scheduled: [],
  };
}

/** A name as it is compared: trimmed and in lower case. @throws InvalidOptionsError when it is empty or too long. */
export function readName(name: string, where: string): string {
  const trimmed = name.trim().toLowerCase();
  if (trimmed !== "" && trimmed.length <= MAX_NAME_LENGTH) return trimmed;
  throw new InvalidOptionsError(
    `${where}: a name has 1 to ${MAX_NAME_LENGTH} characters; this is ${shown(name)}.`,
  );
}

const PRICE_FIELDS = [
  ...RATE_KINDS.filter((kind) => kind !== "reasoningOutput"),
  "perCall",
  "maxOutputTokens",
];
type NumberReader = readonly [field: string, as: string, read: (value: unknown, where: string) => number];
const NUMBER_READERS: readonly NumberReader[] = [
  ["regional", "regionalPerMille", perMille],
  ["fast", "fastPerMille", perMille],
  ["perCall", "perCallPico", picoPerCall],
  ["webSearchPer1k", "webSearchPico", (value, where) => picoPerCall(value, where, 1000)],
  ["fileSearchPer1k", "fileSearchPico", (value, where) => picoPerCall(value, where, 1000)],
  ["contextTokens", "contextTokens", tokenLimit],
  ["maxOutputTokens", "maxOutputTokens", tokenLimit],
];

/** The fields of an object that are set. */
export type Fields = ReadonlyMap<string, unknown>;

/** Rates of which input and output have to be stated. */
export function readStatedRates(fields: Fields, where: string): StatedRates {
  const { input, output, ...others } = readRates(fields, where);
  if (input !== undefined && output !== undefined) return { input, output, ...others };
  const missing = input === undefined ? "input" : "output";
  throw new InvalidOptionsError(
    `${where} has no ${missing} price. Give input and output, both; 0 is a price.`,
  );
}

/** The rates that are stated. */
export function readRates(fields: Fields, where: string): NamedRates {
  const kinds = RATE_KINDS.filter((kind) => fields.has(kind));
  return Object.fromEntries(kinds.map((kind) => [kind, picoPerToken(fields.get(kind), `${where}, ${kind}`)]));
}

/** The factors, fees and limits that are stated, by their names in a row. */
export function readNumbers(fields: Fields, where: string): Record<string, number> {
  return Object.fromEntries(
    NUMBER_READERS.filter(([field]) => fields.has(field)).map(([field, as, read]) => [
      as,
      read(fields.get(field), `${where}, ${field}`),
    ]),
  );
}

/** The fields that are set; those set to undefined count as left out. @throws InvalidOptionsError for an unknown one. */
export function fieldsOf(value: unknown, known: readonly string[], where: string): Fields {
  const entries = entriesOf(value, where).filter(([, each]) => each !== undefined);
  const unknown = entries.find(([name]) => !known.includes(name));
  if (unknown === undefined) return new Map(entries);
  throw new InvalidOptionsError(`${where}: there is no ${shown(unknown[0])}. Known: ${known.join(", ")}.`);
}

/** @throws InvalidOptionsError unless it is an object. */
export function entriesOf(value: unknown, where: string): [string, unknown][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new InvalidOptionsError(`${where} has to be an object; it is ${shown(value)}.`);
}
