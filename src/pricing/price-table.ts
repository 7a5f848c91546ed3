/** A whole table of prices, as users read and write it. */
import type { Usd } from "../ledger/money.ts";
import { factorText, usdPerCall, usdPerMillion } from "./decimal-prices.ts";
import type { PriceIndex, ProviderIndex } from "./price-index.ts";
import type { PeakHours, PriceRow, TierTerms } from "./price-row.ts";
import { type NamedRates, RATE_KINDS } from "./rates.ts";
import type { Price } from "./usage.ts";

/** A table that takes the place of the built-in one: plain JSON. */
export interface PriceTable {
  /** The day the prices were looked up, `YYYY-MM-DD`. */
  asOf: string;
  /** By the provider's name in lower case. */
  providers: Record<string, ProviderPrices>;
}

/** A factor on ordinary prices: `"0.5"` is half. */
export type Factor = number | string;

/** A provider's models, and what applies to those that do not state it themselves. */
export interface ProviderPrices {
  /** Left out: the ordinary price. */
  batch?: Factor;
  /** Left out: the ordinary price. */
  flex?: Factor;
  /** Left out: twice the ordinary price, the dearest that any provider is known to ask. */
  priority?: Factor;
  /** Calls pinned to a region. Left out: the ordinary price. */
  regional?: Factor;
  /** The provider writes to its cache without being asked, and bills it: every bound counts the write rate. */
  writesCacheUnasked?: boolean;
  models: Record<string, TablePrice>;
}

/** USD per million tokens, by kind. */
export type KindPrices = Omit<Price, "perCall" | "maxOutputTokens"> & {
  /** Reasoning, where it costs less or more than other output. */
  reasoningOutput?: Usd;
};

/** One model's prices. A kind left out costs what its plain one costs. */
export interface TablePrice extends KindPrices {
  input: Usd;
  output: Usd;
  /** Other names at the same price. */
  aliases?: string[];
  /** A tier re-prices the whole request when its input (cached and cache-written included) is above the size. */
  tiers?: (KindPrices & { aboveInputTokens: number })[];
  batch?: Factor | KindPrices;
  flex?: Factor | KindPrices;
  priority?: Factor | KindPrices;
  regional?: Factor;
  /** The provider's fastest mode: Anthropic's `speed: "fast"`, OpenAI's ultrafast tier. */
  fast?: Factor;
  /** USD for each call. */
  perCall?: Usd;
  /** USD per 1,000. */
  webSearchPer1k?: Usd;
  /** USD per 1,000. */
  fileSearchPer1k?: Usd;
  /** The context window. Left out: the largest of the provider's models stands in. */
  contextTokens?: number;
  /** The most that one answer can hold. Left out: the largest of the provider's models stands in. */
  maxOutputTokens?: number;
  /** Announced changes: from 00:00 UTC of a day (`YYYY-MM-DD`) on. */
  scheduled?: (KindPrices & { from: string; fast?: Factor })[];
  /** Prices outside the peak hours (`"01:00-04:00"`, UTC, Monday to Friday); the ordinary ones are the peak's. */
  offPeak?: KindPrices & { peakUtc: string[] };
}

/** Writes a searched table out. */
export function priceTableOf(index: PriceIndex): PriceTable {
  const providers = [...index.providers].map(
    ([name, provider]) => [name, providerPricesOf(provider)] as const,
  );
  return { asOf: index.asOf, providers: Object.fromEntries(providers) };
}

/** Writes rates out as USD per million tokens: exact decimal text. */
export function kindPricesOf(rates: NamedRates): KindPrices {
  return Object.fromEntries(
    RATE_KINDS.flatMap((kind) => {
      const rate = rates[kind];
      return rate === undefined ? [] : [[kind, usdPerMillion(rate)]];
    }),
  );
}

function providerPricesOf({ terms, rows }: ProviderIndex): ProviderPrices {
  return {
    ...factors({
      batch: terms.batch,
      flex: terms.flex,
      priority: terms.priority,
      regional: terms.regionalPerMille,
    }),
    ...(terms.writesCacheUnasked && { writesCacheUnasked: true }),
    models: Object.fromEntries(rows().map((row) => [row.model, tablePriceOf(row)])),
  };
}

function tablePriceOf(row: PriceRow): TablePrice {
  return {
    input: usdPerMillion(row.rates.input),
    output: usdPerMillion(row.rates.output),
    ...kindPricesOf(row.rates),
    ...(row.aliases.length > 0 && { aliases: [...row.aliases] }),
    ...(row.sizeTiers.length > 0 && {
      tiers: row.sizeTiers.map((tier) => ({
        aboveInputTokens: tier.aboveInputTokens,
        ...kindPricesOf(tier.rates),
      })),
    }),
    ...tierTerms({ batch: row.batch, flex: row.flex, priority: row.priority }),
    ...factors({ regional: row.regionalPerMille, fast: row.fastPerMille }),
    ...(row.perCallPico !== undefined && { perCall: usdPerCall(row.perCallPico) }),
    ...(row.webSearchPico !== undefined && { webSearchPer1k: usdPerCall(row.webSearchPico * 1000) }),
    ...(row.fileSearchPico !== undefined && { fileSearchPer1k: usdPerCall(row.fileSearchPico * 1000) }),
    ...(row.contextTokens !== undefined && { contextTokens: row.contextTokens }),
    ...(row.maxOutputTokens !== undefined && { maxOutputTokens: row.maxOutputTokens }),
    ...(row.scheduled.length > 0 && {
      scheduled: row.scheduled.map((change) => ({
        from: new Date(change.fromMs).toISOString().slice(0, 10),
        ...kindPricesOf(change.rates),
        ...factors({ fast: change.fastPerMille }),
      })),
    }),
    ...(row.offPeak && {
      offPeak: { peakUtc: row.offPeak.peakHours.map(spanText), ...kindPricesOf(row.offPeak.rates) },
    }),
  };
}

function factors(perMille: Record<string, number | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(perMille).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, factorText(value)]],
    ),
  );
}

function tierTerms(terms: Record<string, TierTerms | undefined>): Record<string, string | KindPrices> {
  return Object.fromEntries(
    Object.entries(terms).flatMap(([tier, value]) => {
      if (value === undefined) return [];
      return [[tier, typeof value === "number" ? factorText(value) : kindPricesOf(value)]];
    }),
  );
}

function spanText({ fromMinute, untilMinute }: PeakHours): string {
  return `${clock(fromMinute)}-${clock(untilMinute)}`;
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
