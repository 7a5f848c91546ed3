/**
 * The compact text that the built-in table is kept in.
 *
 * A line is a model: its name and aliases between commas, then its numbers, each behind the letter of its field.
 * Numbers behind `/` belong to a part of the row: `/>271999` a size tier, `/B`, `/F`, `/P` the prices of batch, flex and
 * priority, `/@2027-01-01` a scheduled change, `/!60-240,360-600` the off-peak prices outside these minutes of the day.
 * A line that begins with `#` is a provider and the terms of its models. Numbers end in `e4` for four zeros.
 */
import type { PeakHours, PriceRow, ProviderTerms, TierTerms } from "./price-row.ts";
import type { NamedRates, RateKind } from "./rates.ts";

const RATE_LETTERS = [
  ["input", "i"],
  ["output", "o"],
  ["cachedInput", "c"],
  ["cacheWrite", "w"],
  ["cacheWrite1h", "h"],
  ["audioInput", "a"],
  ["audioCachedInput", "d"],
  ["audioOutput", "e"],
  ["imageInput", "m"],
  ["imageOutput", "n"],
  ["reasoningOutput", "r"],
] as const satisfies Letters<RateKind>;

const TIER_LETTERS = [
  ["batch", "B"],
  ["flex", "F"],
  ["priority", "P"],
] as const;

/** What a provider's line may state, too. */
const TERM_LETTERS = [
  ["regionalPerMille", "G"],
  ["fastPerMille", "Z"],
  ["webSearchPico", "S"],
  ["fileSearchPico", "D"],
  ["contextTokens", "C"],
  ["maxOutputTokens", "M"],
] as const;

const NUMBER_LETTERS = [["perCallPico", "K"], ...TERM_LETTERS] as const;

const WRITES_CACHE_UNASKED = "W";

/** One provider of the text: its terms, and for each of its names the line that prices it, not yet read. */
export interface ProviderText {
  readonly provider: string;
  readonly terms: ProviderTerms;
  readonly lines: readonly string[];
}

/** Splits the text into providers and lines; the lines are read by {@link decodeRow} when somebody asks for them. */
export function decodeProviders(text: string): ProviderText[] {
  return text
    .split("#")
    .slice(1)
    .map((section) => {
      const [header = "", ...lines] = section.trim().split("\n");
      const [provider = "", ...fields] = header.split(" ");
      return { provider, terms: decodeTerms(fieldsOf(fields)), lines };
    });
}

/** The names that a line prices: the model, then its aliases. */
export function namesOfLine(line: string): string[] {
  const end = line.indexOf(" ");
  return line.slice(0, end < 0 ? undefined : end).split(",");
}

/** Reads one line. */
export function decodeRow(line: string): PriceRow {
  const [model = "", ...aliases] = namesOfLine(line);
  const [ownText = "", ...partTexts] = line.split(" /");
  const own = fieldsOf(ownText.split(" ").slice(1));
  const parts = partTexts.map((text) => {
    const [mark = "", ...fields] = text.split(" ");
    return { kind: mark.slice(0, 1), value: mark.slice(1), fields: fieldsOf(fields) };
  });
  const partsOf = (kind: string) => parts.filter((part) => part.kind === kind);
  const tiers = TIER_LETTERS.flatMap(([tier, letter]): [string, TierTerms][] => {
    const factor = own.get(letter);
    const [prices] = partsOf(letter);
    if (factor !== undefined) return [[tier, factor]];
    return prices === undefined ? [] : [[tier, named(RATE_LETTERS, prices.fields)]];
  });
  const [offPeak] = partsOf("!");
  return {
    model,
    aliases,
    rates: { input: own.get("i") ?? 0, output: own.get("o") ?? 0, ...named(RATE_LETTERS, own) },
    sizeTiers: partsOf(">").map(({ value, fields }) => ({
      aboveInputTokens: Number(value),
      rates: named(RATE_LETTERS, fields),
    })),
    ...Object.fromEntries(tiers),
    ...named(NUMBER_LETTERS, own),
    scheduled: partsOf("@").map(({ value, fields }) => ({
      fromMs: Date.parse(value),
      rates: named(RATE_LETTERS, fields),
      ...named(NUMBER_LETTERS, fields),
    })),
    ...(offPeak && {
      offPeak: { peakHours: decodeHours(offPeak.value), rates: named(RATE_LETTERS, offPeak.fields) },
    }),
  };
}

/** Writes one line; {@link decodeRow} reads it back to the same row. */
export function encodeRow(row: PriceRow): string {
  const tiers = TIER_LETTERS.map(([tier, letter]) => ({ letter, terms: row[tier] }));
  const factors = tiers.map(({ letter, terms }) => (typeof terms === "number" ? field(letter, terms) : ""));
  const numbers = NUMBER_LETTERS.map(([name, letter]) => field(letter, row[name]));
  const parts = [
    ...row.sizeTiers.map((tier) => ` />${tier.aboveInputTokens}${encodeRates(tier.rates)}`),
    ...tiers.map(({ letter, terms }) =>
      typeof terms === "object" ? ` /${letter}${encodeRates(terms)}` : "",
    ),
    ...row.scheduled.map((change) => {
      const day = new Date(change.fromMs).toISOString().slice(0, 10);
      return ` /@${day}${encodeRates(change.rates)}${field("Z", change.fastPerMille)}`;
    }),
    row.offPeak ? ` /!${encodeHours(row.offPeak.peakHours)}${encodeRates(row.offPeak.rates)}` : "",
  ];
  const names = [row.model, ...row.aliases].join(",");
  return [names, encodeRates(row.rates), ...factors, ...numbers, ...parts].join("");
}

/** Writes the line of a provider. */
export function encodeTerms(provider: string, terms: ProviderTerms): string {
  const factors = TIER_LETTERS.map(([tier, letter]) => field(letter, terms[tier]));
  const numbers = TERM_LETTERS.map(([name, letter]) => field(letter, terms[name]));
  const unasked = terms.writesCacheUnasked ? field(WRITES_CACHE_UNASKED, 1) : "";
  return [`#${provider}`, ...factors, ...numbers, unasked].join("");
}

function decodeTerms(fields: Fields): ProviderTerms {
  return {
    contextTokens: 0,
    maxOutputTokens: 0,
    ...named(TIER_LETTERS, fields),
    ...named(TERM_LETTERS, fields),
    ...(fields.has(WRITES_CACHE_UNASKED) && { writesCacheUnasked: true }),
  };
}

type Letters<Name extends string> = readonly (readonly [Name, string])[];
type Fields = ReadonlyMap<string, number>;

function fieldsOf(texts: readonly string[]): Fields {
  return new Map(texts.map((text) => [text.slice(0, 1), Number(text.slice(1))]));
}

function named(letters: Letters<string>, fields: Fields): Record<string, number> {
  return Object.fromEntries(
    letters.flatMap(([name, letter]) => {
      const value = fields.get(letter);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function decodeHours(text: string): PeakHours[] {
  return text.split(",").map((span) => {
    const [fromMinute = 0, untilMinute = 0] = span.split("-").map(Number);
    return { fromMinute, untilMinute };
  });
}

function encodeHours(hours: readonly PeakHours[]): string {
  return hours.map(({ fromMinute, untilMinute }) => `${fromMinute}-${untilMinute}`).join(",");
}

function encodeRates(rates: NamedRates): string {
  return RATE_LETTERS.map(([kind, letter]) => field(letter, rates[kind])).join("");
}

function field(letter: string, value: number | undefined): string {
  return value === undefined ? "" : ` ${letter}${shortest(value)}`;
}

function shortest(value: number): string {
  const text = String(value);
  const scientific = text.replace(/0+$/, (zeros) => `e${zeros.length}`);
  return value > 0 && scientific.length < text.length ? scientific : text;
}
