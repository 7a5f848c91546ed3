/** Rates: what one token of each kind costs, in integer pico-USD (USD per million tokens times 10^6). */

/** Every kind of token that may have a price of its own. */
export const RATE_KINDS = [
  "input",
  "output",
  "cachedInput",
  "cacheWrite",
  "cacheWrite1h",
  "audioInput",
  "audioCachedInput",
  "audioOutput",
  "imageInput",
  "imageOutput",
  "reasoningOutput",
] as const;

export type RateKind = (typeof RATE_KINDS)[number];

/** Pico-USD per token of every kind. */
export type Rates = Readonly<Record<RateKind, number>>;

/** Pico-USD per token of the kinds that a price names. */
export type NamedRates = Readonly<Partial<Record<RateKind, number>>>;

/** The least that a price names. */
export type StatedRates = NamedRates & { readonly input: number; readonly output: number };

/** Fills in the kinds that a price does not name: each costs what its plain one costs. */
export function completeRates(stated: StatedRates): Rates {
  const { input, output } = stated;
  const cachedInput = stated.cachedInput ?? input;
  const cacheWrite = stated.cacheWrite ?? input;
  return {
    input,
    output,
    cachedInput,
    cacheWrite,
    cacheWrite1h: stated.cacheWrite1h ?? cacheWrite,
    audioInput: stated.audioInput ?? input,
    audioCachedInput: stated.audioCachedInput ?? stated.audioInput ?? cachedInput,
    audioOutput: stated.audioOutput ?? output,
    imageInput: stated.imageInput ?? input,
    imageOutput: stated.imageOutput ?? output,
    reasoningOutput: stated.reasoningOutput ?? output,
  };
}

/**
 * Lays the prices of a tier over the ordinary ones. A kind that the tier does not name costs what it ordinarily costs
 * or what its plain one costs in the tier, whichever is dearer: nobody said that it is cheaper there.
 */
export function overlayRates(base: StatedRates, over: NamedRates): StatedRates {
  const plain = completeRates({
    ...over,
    input: over.input ?? base.input,
    output: over.output ?? base.output,
  });
  const kept = RATE_KINDS.flatMap((kind) => {
    const rate = base[kind];
    return rate === undefined || kind === "input" || kind === "output"
      ? []
      : [[kind, Math.max(rate, plain[kind])] as const];
  });
  return { input: base.input, output: base.output, ...Object.fromEntries(kept), ...over };
}
