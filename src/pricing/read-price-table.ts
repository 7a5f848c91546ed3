/** Reads a whole table of prices that a user hands in. */
import { InvalidOptionsError } from "../errors.ts";
import { perMille, shown, tokenLimit } from "./decimal-prices.ts";
import { canonicalProvider } from "./names.ts";
import { type PriceIndex, type ProviderIndex, providerIndex } from "./price-index.ts";
import type { OffPeak, PriceRow, ProviderTerms, ScheduledChange, SizeTier, TierTerms } from "./price-row.ts";
import { RATE_KINDS } from "./rates.ts";
import {
  entriesOf,
  type Fields,
  fieldsOf,
  readName,
  readNumbers,
  readRates,
  readStatedRates,
} from "./read-price.ts";

/**
 * Reads a whole table.
 *
 * @throws InvalidOptionsError naming the provider, the model and the field.
 */
export function readPriceTable(value: unknown): PriceIndex {
  const table = fieldsOf(value, ["asOf", "providers"], "prices");
  const asOf = new Date(readDay(table.get("asOf"), "prices: asOf")).toISOString().slice(0, 10);
  const read = entriesOf(table.get("providers"), "prices: providers").map(([name, prices]) => {
    const where = `prices: ${name}`;
    const fields = fieldsOf(prices, PROVIDER_FIELDS, where);
    const rows = entriesOf(fields.get("models"), `${where}, models`).map(([model, price]) =>
      readTablePrice(model, price, `${where} ${shown(model)}`),
    );
    checkNames(rows, where);
    return { provider: canonicalProvider(readName(name, where)), fields, rows, where };
  });
  const twice = read.find(
    ({ provider }, at) => read.findIndex((other) => other.provider === provider) !== at,
  );
  if (twice !== undefined) throw new InvalidOptionsError(`${twice.where} stands there twice.`);
  const allRows = read.flatMap(({ rows }) => rows);
  const providers = read.map(({ provider, fields, rows, where }): [string, ProviderIndex] => [
    provider,
    providerIndex(readTerms(fields, rows, { allRows, where }), rows),
  ]);
  return { asOf, providers: new Map(providers) };
}

const TIER_FIELDS = ["batch", "flex", "priority"] as const;
const PROVIDER_FIELDS = [...TIER_FIELDS, "regional", "writesCacheUnasked", "models"];
const TABLE_FIELDS = [
  ...RATE_KINDS,
  ...TIER_FIELDS,
  "regional",
  "fast",
  "perCall",
  "webSearchPer1k",
  "fileSearchPer1k",
  "contextTokens",
  "maxOutputTokens",
  "aliases",
  "tiers",
  "scheduled",
  "offPeak",
];

function readTablePrice(model: string, value: unknown, where: string): PriceRow {
  const fields = fieldsOf(value, TABLE_FIELDS, where);
  return {
    model: model.trim(),
    aliases: listOf(fields.get("aliases"), `${where}, aliases`).map((alias) =>
      typeof alias === "string" ? alias.trim() : readName("", `${where}, aliases`),
    ),
    rates: readStatedRates(fields, where),
    sizeTiers: listOf(fields.get("tiers"), `${where}, tiers`)
      .map((tier) => readSizeTier(tier, `${where}, tiers`))
      .sort((a, b) => a.aboveInputTokens - b.aboveInputTokens),
    ...readTiers(fields, where),
    ...readNumbers(fields, where),
    scheduled: listOf(fields.get("scheduled"), `${where}, scheduled`)
      .map((change) => readScheduled(change, `${where}, scheduled`))
      .sort((a, b) => a.fromMs - b.fromMs),
    ...(fields.has("offPeak") && { offPeak: readOffPeak(fields.get("offPeak"), `${where}, offPeak`) }),
  };
}

function readSizeTier(value: unknown, where: string): SizeTier {
  const fields = fieldsOf(value, [...RATE_KINDS, "aboveInputTokens"], where);
  return {
    aboveInputTokens: tokenLimit(fields.get("aboveInputTokens"), `${where}, aboveInputTokens`, 0),
    rates: readStatedRates(fields, where),
  };
}

function readTiers(fields: Fields, where: string): Record<string, TierTerms> {
  return Object.fromEntries(
    TIER_FIELDS.filter((tier) => fields.has(tier)).map((tier): [string, TierTerms] => {
      const value = fields.get(tier);
      if (typeof value !== "object") return [tier, perMille(value, `${where}, ${tier}`)];
      return [tier, readRates(fieldsOf(value, RATE_KINDS, `${where}, ${tier}`), `${where}, ${tier}`)];
    }),
  );
}

function readScheduled(value: unknown, where: string): ScheduledChange {
  const fields = fieldsOf(value, [...RATE_KINDS, "from", "fast"], where);
  return {
    fromMs: readDay(fields.get("from"), `${where}, from`),
    rates: readRates(fields, where),
    ...readNumbers(fields, where),
  };
}

function readOffPeak(value: unknown, where: string): OffPeak {
  const fields = fieldsOf(value, [...RATE_KINDS, "peakUtc"], where);
  const peakHours = listOf(fields.get("peakUtc"), `${where}, peakUtc`).map((span) => {
    const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/.exec(String(span));
    if (match === null)
      throw new InvalidOptionsError(`${where}, peakUtc: ${shown(span)} is not like "01:00-04:00".`);
    const [fromHour = 0, fromMinute = 0, untilHour = 0, untilMinute = 0] = match.slice(1).map(Number);
    return { fromMinute: fromHour * 60 + fromMinute, untilMinute: untilHour * 60 + untilMinute };
  });
  return { peakHours, rates: readRates(fields, where) };
}

function readTerms(
  fields: Fields,
  rows: readonly PriceRow[],
  of: { allRows: readonly PriceRow[]; where: string },
): ProviderTerms {
  const factors = TIER_FIELDS.filter((tier) => fields.has(tier)).map(
    (tier) => [tier, perMille(fields.get(tier), `${of.where}, ${tier}`)] as const,
  );
  const fastPerMille = largest(rows, (row) => row.fastPerMille);
  const webSearchPico = largest(rows, (row) => row.webSearchPico);
  const fileSearchPico = largest(rows, (row) => row.fileSearchPico);
  const limit = (limitOf: (row: PriceRow) => number | undefined) =>
    largest(rows, limitOf) ?? largest(of.allRows, limitOf) ?? 0;
  return {
    ...Object.fromEntries(factors),
    ...readNumbers(fields, of.where),
    ...(fastPerMille !== undefined && { fastPerMille }),
    ...(webSearchPico !== undefined && { webSearchPico }),
    ...(fileSearchPico !== undefined && { fileSearchPico }),
    contextTokens: limit((row) => row.contextTokens),
    maxOutputTokens: limit((row) => row.maxOutputTokens),
    ...(fields.get("writesCacheUnasked") === true && { writesCacheUnasked: true }),
  };
}

function largest(
  rows: readonly PriceRow[],
  numberOf: (row: PriceRow) => number | undefined,
): number | undefined {
  const numbers = rows.map(numberOf).filter((number) => number !== undefined);
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

function readDay(value: unknown, where: string): number {
  const ms = typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(ms) && new Date(ms).toISOString().slice(0, 10) === value) return ms;
  throw new InvalidOptionsError(`${where}: ${shown(value)} is not a day such as "2026-11-24".`);
}

function checkNames(rows: readonly PriceRow[], where: string): void {
  const seen = new Set<string>();
  for (const name of rows.flatMap((row) => [row.model, ...row.aliases])) {
    const compared = readName(name, where);
    if (seen.has(compared))
      throw new InvalidOptionsError(`${where}: two prices bear the name ${shown(name)}.`);
    seen.add(compared);
  }
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new InvalidOptionsError(`${where} has to be a list; it is ${shown(value)}.`);
}
