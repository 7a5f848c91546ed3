/** What one model costs at one moment: everything that pricing a call needs, in integers. */
import type { PriceRow, ProviderTerms, TierTerms } from "./price-row.ts";
import { completeRates, overlayRates, RATE_KINDS, type Rates, type StatedRates } from "./rates.ts";
import type { Tokens } from "./usage.ts";

/** The price of a model, found by a `PriceBook`. */
export interface ModelPrice {
  /** The one that was asked for, in lower case and the spelling that prices use. */
  readonly provider: string;
  /** The priced model, which the caller may have named by an alias, a date or a deployment. */
  readonly model: string;
  readonly source: "table" | "custom" | "unknownModel";
  /** The user's own word: a custom price, or a name that `models` maps. */
  readonly isUsersChoice: boolean;
  /** What calls cost on each service tier now. */
  readonly serviceTiers: ServiceTiers;
  /** What they cost at each of the provider's hours, peak and off-peak: a call may end in another than it began. */
  readonly hourlyServiceTiers: readonly ServiceTiers[];
  /** On all tokens: 1000, or more where the name itself says that the call is pinned to a region. */
  readonly multiplierPerMille: number;
  /** What `regional` and `fast` in {@link CallExtras} multiply by. */
  readonly regionalPerMille: number;
  readonly fastPerMille: number;
  /** Pico-USD each; left out where nobody knows the fee. */
  readonly fees: Fees;
  /** Tokens cost nothing: the price is one per call. */
  readonly perCallOnly: boolean;
  /** The provider writes to its cache without being asked, or may. */
  readonly writesCacheUnasked: boolean;
  /** The context window; undefined where a custom price stands and nobody said. */
  readonly contextTokens: number | undefined;
  /** The most that one answer can hold; undefined where a custom price does not say. */
  readonly maxOutputTokens: number | undefined;
  /** The limits that are not known: the largest of the provider's models stands in. */
  readonly assumed: readonly ("contextTokens" | "maxOutputTokens")[];
}

/** What a price says of what is billed apart from tokens. */
export interface Fees {
  readonly perCall: number;
  readonly webSearch?: number | undefined;
  readonly fileSearch?: number | undefined;
  readonly container?: number | undefined;
  readonly image?: number | undefined;
}

export type ServiceTier = "standard" | NonNullable<Tokens["serviceTier"]>;
export type ServiceTiers = Readonly<Record<ServiceTier, TierPrice>>;

/** The price on one service tier. */
export interface TierPrice {
  readonly perMille: number;
  /** Ascending, the first from 0: the last whose size the request's input reaches prices the whole request. */
  readonly steps: readonly PriceStep[];
}

export interface PriceStep {
  readonly fromInputTokens: number;
  readonly rates: Rates;
}

/** A row as it was found: whose it is, and what the caller's name says beyond the model. */
export interface FoundRow {
  readonly provider: string;
  readonly row: PriceRow;
  readonly source: ModelPrice["source"];
  /** The user's `models` name it. */
  readonly isMapped?: boolean;
  /** Undefined for prices of the user. */
  readonly terms: ProviderTerms | undefined;
  /** Whose fees for searches stand in: the provider's, whoever priced the model. */
  readonly feeTerms: ProviderTerms | undefined;
  readonly regional: boolean;
  readonly writesCacheUnasked: boolean;
}

/** Makes the price of a row at a moment, and says until when it holds (milliseconds since 1970). */
export function modelPrice(found: FoundRow, nowMs: number): { price: ModelPrice; validUntilMs: number } {
  const { provider, row, source, isMapped, terms, feeTerms, regional, writesCacheUnasked } = found;
  const { rates, fastPerMille, nextChangeMs } = ratesAt(row, nowMs);
  const hour = hourAt(row, nowMs);
  const peak = serviceTiersOf(row, rates, terms);
  const offPeak = row.offPeak && serviceTiersOf(row, overlayRates(rates, row.offPeak.rates), terms);
  const regionalPerMille = row.regionalPerMille ?? terms?.regionalPerMille ?? 1000;
  const price: ModelPrice = {
    provider,
    model: row.model,
    source,
    isUsersChoice: source === "custom" || (source === "table" && isMapped === true),
    serviceTiers: hour.isPeak ? peak : (offPeak ?? peak),
    hourlyServiceTiers: offPeak === undefined ? [peak] : [peak, offPeak],
    multiplierPerMille: regional ? regionalPerMille : 1000,
    regionalPerMille: regional ? 1000 : regionalPerMille,
    fastPerMille: fastPerMille ?? terms?.fastPerMille ?? 1000,
    fees: {
      perCall: row.perCallPico ?? 0,
      webSearch: row.webSearchPico ?? feeTerms?.webSearchPico,
      fileSearch: row.fileSearchPico ?? feeTerms?.fileSearchPico,
    },
    perCallOnly: row.perCallPico !== undefined && Object.values(rates).every((rate) => rate === 0),
    writesCacheUnasked,
    contextTokens: row.contextTokens ?? terms?.contextTokens,
    maxOutputTokens: row.maxOutputTokens ?? terms?.maxOutputTokens,
    assumed: terms === undefined ? [] : LIMITS.filter((limit) => row[limit] === undefined),
  };
  return { price, validUntilMs: Math.min(nextChangeMs, hour.nextChangeMs) };
}

/** The rates of a row at a moment, its announced changes applied. */
export function ratesAt(
  row: PriceRow,
  nowMs: number,
): { rates: StatedRates; fastPerMille: number | undefined; nextChangeMs: number } {
  const due = row.scheduled.filter((change) => change.fromMs <= nowMs);
  return {
    rates: due.reduce((rates, change) => overlayRates(rates, change.rates), row.rates),
    fastPerMille: due.findLast((change) => change.fastPerMille)?.fastPerMille ?? row.fastPerMille,
    nextChangeMs: row.scheduled[due.length]?.fromMs ?? Number.POSITIVE_INFINITY,
  };
}

const LIMITS = ["contextTokens", "maxOutputTokens"] as const;
const ASSUMED_PRIORITY_PER_MILLE = 2000;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

function serviceTiersOf(row: PriceRow, base: StatedRates, terms: ProviderTerms | undefined): ServiceTiers {
  return {
    standard: tierPriceOf(row, base, 1000),
    batch: tierPriceOf(row, base, row.batch ?? terms?.batch ?? 1000),
    flex: tierPriceOf(row, base, row.flex ?? terms?.flex ?? 1000),
    priority: tierPriceOf(row, base, row.priority ?? terms?.priority ?? ASSUMED_PRIORITY_PER_MILLE),
  };
}

function tierPriceOf(row: PriceRow, base: StatedRates, terms: TierTerms): TierPrice {
  const plain = completeRates(base);
  const sizes = row.sizeTiers.map(({ aboveInputTokens, rates }) => ({
    fromInputTokens: aboveInputTokens + 1,
    rates: completeRates(overlayRates(base, rates)),
  }));
  const ordinary = [{ fromInputTokens: 0, rates: plain }, ...sizes];
  if (typeof terms === "number") return { perMille: terms, steps: ordinary };
  const own = completeRates(overlayRates(base, terms));
  return {
    perMille: 1000,
    steps: ordinary.map((step) => ({ ...step, rates: inProportion(step.rates, { from: plain, to: own }) })),
  };
}

/** A service tier's own prices are of ordinary sizes: above them each kind keeps the tier's proportion, rounded up. */
function inProportion(rates: Rates, { from, to }: { from: Rates; to: Rates }): Rates {
  const scaled = RATE_KINDS.map((kind) => {
    if (from[kind] === 0) return [kind, Math.max(rates[kind], to[kind])] as const;
    const divisor = BigInt(from[kind]);
    return [kind, Number((BigInt(rates[kind]) * BigInt(to[kind]) + divisor - 1n) / divisor)] as const;
  });
  return { ...rates, ...Object.fromEntries(scaled) };
}

function hourAt(row: PriceRow, nowMs: number): { isPeak: boolean; nextChangeMs: number } {
  if (row.offPeak === undefined) return { isPeak: true, nextChangeMs: Number.POSITIVE_INFINITY };
  const weekday = new Date(nowMs).getUTCDay();
  const dayStartMs = Math.floor(nowMs / (DAY_MINUTES * MINUTE_MS)) * DAY_MINUTES * MINUTE_MS;
  const minute = (nowMs - dayStartMs) / MINUTE_MS;
  const { peakHours } = row.offPeak;
  const isPeak =
    weekday >= 1 &&
    weekday <= 5 &&
    peakHours.some(({ fromMinute, untilMinute }) => minute >= fromMinute && minute < untilMinute);
  const boundaries = peakHours.flatMap(({ fromMinute, untilMinute }) => [fromMinute, untilMinute]);
  const nextMinute = Math.min(DAY_MINUTES, ...boundaries.filter((boundary) => boundary > minute));
  return { isPeak, nextChangeMs: dayStartMs + nextMinute * MINUTE_MS };
}
