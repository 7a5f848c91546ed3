/** One model's prices as a table or an option states them, in integers: what is not stated is not here. */
import type { NamedRates, StatedRates } from "./rates.ts";

/** A discounted or dearer service tier: a factor in per mille of the ordinary price, or prices of its own. */
export type TierTerms = number | NamedRates;

export interface PriceRow {
  /** As the vendor writes it. */
  readonly model: string;
  /** Other names of the same model at the same price. */
  readonly aliases: readonly string[];
  readonly rates: StatedRates;
  /** Ascending. Each re-prices the whole request when its input, cached and cache-written included, is above the size. */
  readonly sizeTiers: readonly SizeTier[];
  readonly batch?: TierTerms;
  readonly flex?: TierTerms;
  readonly priority?: TierTerms;
  /** What a call pinned to a region costs, in per mille of the ordinary price. */
  readonly regionalPerMille?: number;
  /** What the provider's fastest mode costs, in per mille of the ordinary price. */
  readonly fastPerMille?: number;
  readonly perCallPico?: number;
  readonly webSearchPico?: number;
  readonly fileSearchPico?: number;
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  /** Announced changes, ascending. */
  readonly scheduled: readonly ScheduledChange[];
  readonly offPeak?: OffPeak;
}

export interface SizeTier {
  readonly aboveInputTokens: number;
  readonly rates: NamedRates;
}

/** From 00:00 UTC of a day on, these prices replace the ordinary ones; size tiers keep theirs. */
export interface ScheduledChange {
  readonly fromMs: number;
  readonly rates: NamedRates;
  readonly fastPerMille?: number;
}

/** Prices outside the peak hours, which are the same on Monday to Friday (UTC); the row's own rates are the peak's. */
export interface OffPeak {
  readonly peakHours: readonly PeakHours[];
  readonly rates: NamedRates;
}

/** Minutes since 00:00 UTC; the end is not in it. */
export interface PeakHours {
  readonly fromMinute: number;
  readonly untilMinute: number;
}

/** What applies to a provider's models that do not state it themselves. */
export interface ProviderTerms {
  readonly batch?: number;
  readonly flex?: number;
  readonly priority?: number;
  readonly regionalPerMille?: number;
  /** The dearest of the provider's models stands in, as for the fees. */
  readonly fastPerMille?: number;
  readonly webSearchPico?: number;
  readonly fileSearchPico?: number;
  /** The largest of the provider's models stands in, else the largest of the table. */
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  /** The provider writes to its cache without being asked, and bills it. */
  readonly writesCacheUnasked?: boolean;
}
