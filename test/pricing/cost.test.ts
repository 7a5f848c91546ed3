import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidUsageError, UnknownModelError } from "../../src/errors.ts";
import { boundNanoUsd, type CallBound, type CallExtras, costNanoUsd } from "../../src/pricing/cost.ts";
import type { ModelPrice } from "../../src/pricing/model-price.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { PriceTable } from "../../src/pricing/price-table.ts";
import { supportedModels } from "../../src/pricing/supported-models.ts";
import { INPUT_COUNTS, OUTPUT_COUNTS, sumOf, validateTokens } from "../../src/pricing/tokens.ts";
import type { Tokens } from "../../src/pricing/usage.ts";

const book = createPriceBook();
const cost = (provider: string, model: string, tokens: Tokens, extras?: CallExtras) =>
  costNanoUsd(book.find(provider, model), tokens, extras);
const USD = 1_000_000_000;

describe("money is exact", () => {
  it("100,000 calls of gpt-4o-mini with 7 input and 3 output tokens cost $0.285", () => {
    let total = 0;
    for (let call = 0; call < 100_000; call += 1) {
      total += cost("openai", "gpt-4o-mini", { inputTokens: 7, outputTokens: 3 });
    }
    expect(total).toBe(285_000_000);
  });

  it.each([
    ["openai", "gpt-4o", 12.5],
    ["openai", "gpt-4o-mini", 0.75],
    ["openai", "gpt-3.5-turbo", 2],
    ["anthropic", "claude-sonnet-4-6", 18],
    ["anthropic", "claude-haiku-4-5", 6],
    ["anthropic", "claude-haiku-4-5-20251001", 6],
  ])("a million in and a million out of %s %s: $%d", (provider, model, usd) => {
    expect(cost(provider, model, { inputTokens: 1e6, outputTokens: 1e6 })).toBe(usd * USD);
  });

  it("a call is rounded up once, after all addition", () => {
    // 1 × 8,750 pico + 1 × 140,000 pico is 148.75 nano.
    expect(cost("bedrock", "amazon.nova-micro-v1:0", { cachedInputTokens: 1, outputTokens: 1 })).toBe(149);
    // Half of 7 × 75,000 pico: rounded apart, input and output would come to 1 more.
    const tokens = { inputTokens: 7, outputTokens: 3, serviceTier: "batch" } as const;
    expect(cost("mistral", "mistral-nemo", tokens)).toBe(750);
  });

  it("is right beyond what doubles hold, and refuses what no counter holds", () => {
    // 3e7 × 150 + 3e7 × 600 USD per million: 2.25e16 pico-USD.
    expect(cost("openai", "o1-pro", { inputTokens: 30_000_001, outputTokens: 30_000_001 })).toBe(
      22_500_000_750_000,
    );
    expect(() => cost("openai", "o1-pro", { outputTokens: 9e15 })).toThrow(InvalidUsageError);
  });
});

describe("each kind of token has its price, a kind without one its plain one's", () => {
  it.each<[string, string, string, Tokens, number]>([
    ["cached input", "openai", "gpt-4o", { cachedInputTokens: 1e6 }, 1.25],
    ["cached input without a rate", "openai", "gpt-4", { cachedInputTokens: 1e6 }, 30],
    ["a 5-minute cache write", "anthropic", "claude-opus-4-8", { cacheWriteTokens: 1e5 }, 0.625],
    ["a 1-hour cache write", "anthropic", "claude-opus-4-8", { cacheWrite1hTokens: 1e5 }, 1],
    ["a cache write without a rate", "openai", "gpt-4o", { cacheWriteTokens: 1e6 }, 2.5],
    ["a 1-hour write with a 5-minute rate alone", "openai", "gpt-5.6-sol", { cacheWrite1hTokens: 1e5 }, 0.5],
    ["a 1-hour write of Claude at Google", "google", "claude-opus-4-8", { cacheWrite1hTokens: 1e5 }, 1],
    ["audio in", "openai", "gpt-audio", { audioInputTokens: 1e6 }, 32],
    ["audio out", "openai", "gpt-audio", { audioOutputTokens: 1e6 }, 64],
    ["cached audio", "openai", "gpt-4o-realtime-preview", { audioCachedInputTokens: 1e6 }, 2.5],
    ["cached audio without a rate", "openai", "gpt-audio", { audioCachedInputTokens: 1e6 }, 32],
    ["images in", "openai", "gpt-realtime", { imageInputTokens: 1e6 }, 5],
    ["images out", "google", "gemini-3-pro-image-preview", { imageOutputTokens: 1e6 }, 120],
    ["images out without a rate", "openai", "gpt-image-1", { imageOutputTokens: 1e6 }, 40],
    ["reasoning, which is in output", "openai", "o3", { outputTokens: 1e6, reasoningTokens: 9e5 }, 8],
    [
      "reasoning with a rate of its own",
      "perplexity",
      "sonar-deep-research",
      { outputTokens: 1e6, reasoningTokens: 9e5 },
      0.8 + 2.7,
    ],
    ["tokensUsed alone: the output rate", "openai", "gpt-4o", { tokensUsed: 1e6 }, 10],
    ["tokensUsed beside zeros: the same", "openai", "gpt-4o", { tokensUsed: 1e6, inputTokens: 0 }, 10],
    ["tokensUsed beside a split: the split", "openai", "gpt-4o", { tokensUsed: 5, inputTokens: 1e6 }, 2.5],
  ])("%s", (_what, provider, model, tokens, usd) => {
    expect(cost(provider, model, tokens)).toBe(Math.round(usd * USD));
  });
});

describe("a size tier re-prices the whole request", () => {
  it("as soon as all of its input together is above the size", () => {
    const at = (inputTokens: number) => cost("google", "gemini-2.5-pro", { inputTokens, outputTokens: 1000 });
    expect(at(200_000)).toBe(0.26 * USD);
    expect(at(200_001)).toBe(200_001 * 2500 + 1000 * 15_000);
    const spread = { inputTokens: 1, cachedInputTokens: 100_000, cacheWriteTokens: 100_000, outputTokens: 0 };
    expect(cost("google", "gemini-2.5-pro", spread)).toBe(2500 + 100_000 * 250 + 100_000 * 2500);
  });

  it("keeps what a tier does not name in proportion, or as dear as ever", () => {
    // gpt-6.1-sol above 272,000 names no 12-hour write: twice the ordinary 5.
    expect(cost("openai", "gpt-6.1-sol", { cacheWrite1hTokens: 272_001 })).toBe(272_001 * 10_000);
    expect(cost("openai", "gpt-5.4-pro", { cachedInputTokens: 300_000 })).toBe(300_000 * 60_000);
  });

  it("and so does a service tier: no kind that it does not name gets cheaper for it", () => {
    const cached = { cachedInputTokens: 1000, serviceTier: "batch" } as const;
    expect(cost("openai", "o3-deep-research", cached)).toBe(5_000_000);
    const audio = { audioInputTokens: 1000, serviceTier: "batch" } as const;
    expect(cost("google", "gemini-3.1-flash-lite", audio)).toBe(500_000);
  });
});

describe("the service tier of the answer prices the call", () => {
  const tokens = { inputTokens: 1000, cachedInputTokens: 1000, outputTokens: 1000 };
  it.each([
    ["batch, its own prices; no cached one: its input's", "openai", "gpt-4o", "batch", 1.25 + 1.25 + 5],
    ["batch, a factor", "anthropic", "claude-sonnet-4-6", "batch", (3 + 0.3 + 15) / 2],
    ["batch, the provider's factor", "openai", "chatgpt-4o-latest", "batch", (5 + 5 + 15) / 2],
    ["batch, nobody's: the full price", "xai", "grok-3", "batch", 3 + 0.75 + 15],
    ["flex, its own prices", "openai", "gpt-5.4", "flex", 1.25 + 0.13 + 7.5],
    ["flex, a factor", "google", "gemini-3.6-flash", "flex", (0.75 + 0.075 + 3.75) / 2],
    ["priority, its own prices", "openai", "gpt-4o", "priority", 4.25 + 2.125 + 17],
    ["priority, a factor", "google", "gemini-3.6-flash", "priority", (0.75 + 0.075 + 3.75) * 1.8],
    ["priority, a slip of the file: the provider's factor", "openai", "gpt-5-nano", "priority", 0.11 + 0.8],
    ["priority, nobody's: twice", "xai", "grok-3", "priority", 2 * (3 + 0.75 + 15)],
    ["priority at Anthropic, sold as capacity", "anthropic", "claude-sonnet-4-6", "priority", 3 + 0.3 + 15],
  ] as const)("%s", (_what, provider, model, serviceTier, usdPerMillion) => {
    expect(cost(provider, model, { ...tokens, serviceTier })).toBe(Math.round(usdPerMillion * 1e6));
  });

  it("above a size in proportion", () => {
    const large = { inputTokens: 272_000, outputTokens: 1000, serviceTier: "batch" } as const;
    expect(cost("openai", "gpt-5.4", large)).toBe(272_000 * 2500 + 1000 * 11_250);
    const priority = { inputTokens: 200_001, serviceTier: "priority" } as const;
    expect(cost("google", "gemini-3-pro-preview", priority)).toBe(200_001 * 7200);
  });
});

describe("what costs besides tokens is added", () => {
  it("per call, per web search and per file search, whatever the tier", () => {
    expect(cost("perplexity", "sonar", { inputTokens: 1000, outputTokens: 0 })).toBe(13_000_000);
    expect(cost("anthropic", "claude-haiku-4-5", { inputTokens: 0 }, { webSearches: 3 })).toBe(30_000_000);
    expect(cost("openai", "gpt-4.1", { inputTokens: 0 }, { webSearches: 1, fileSearches: 2 })).toBe(
      15_000_000,
    );
    const batch = { inputTokens: 1000, serviceTier: "batch" } as const;
    expect(cost("anthropic", "claude-haiku-4-5", batch, { webSearches: 1 })).toBe(10_500_000);
  });

  it("a search on a model that states no fee costs the provider's dearest", () => {
    expect(cost("openai", "o1", { inputTokens: 0 }, { webSearches: 1 })).toBe(35_000_000);
  });

  it("whatever has no known fee is never free", () => {
    const none = { inputTokens: 0 };
    expect(() => cost("deepseek", "deepseek-chat", none, { webSearches: 1 })).toThrow(UnknownModelError);
    expect(() => cost("openai", "gpt-4.1", none, { containers: 1 })).toThrow(/containers.*openai/);
    expect(() => cost("openai", "gpt-4.1", none, { images: 1 })).toThrow(/images/);
    expect(cost("deepseek", "deepseek-chat", none, { webSearches: 0 })).toBe(0);
  });

  it("whose model the user priced pays the provider's fees all the same", () => {
    const customPricing = { anthropic: { mine: { input: "1", output: "1" } } };
    const price = createPriceBook({ customPricing }).find("anthropic", "mine");
    expect(costNanoUsd(price, { inputTokens: 0 }, { webSearches: 2 })).toBe(20_000_000);
  });

  it("pinned to a region and in the fastest mode, tokens cost more", () => {
    const tokens = { inputTokens: 1000, outputTokens: 1000 };
    expect(cost("anthropic", "claude-opus-4-8", tokens, { regional: true })).toBe(33_000_000);
    expect(cost("anthropic", "claude-opus-4-8", tokens, { fast: true })).toBe(60_000_000);
    expect(cost("anthropic", "claude-opus-4-6", tokens, { fast: true, regional: true })).toBe(198_000_000);
    expect(cost("openai", "gpt-6.2-sol", tokens, { fast: true })).toBe(36_000_000);
    expect(cost("anthropic", "claude-fable-5", tokens, { fast: true })).toBe(360_000_000);
  });

  it("a region that the name states counts once", () => {
    const tokens = { inputTokens: 1000, outputTokens: 1000 };
    const model = "us.anthropic.claude-opus-4-8";
    expect(cost("bedrock", model, tokens)).toBe(33_000_000);
    expect(cost("bedrock", model, tokens, { regional: true })).toBe(33_000_000);
  });

  it("fractions of a search are no count", () => {
    expect(() => cost("openai", "gpt-4.1", { inputTokens: 0 }, { webSearches: 0.5 })).toThrow(/webSearches/);
  });
});

describe("a bound takes the dearest that its flags allow", () => {
  const bound = (provider: string, model: string, flags: Partial<CallBound>) =>
    boundNanoUsd(book.find(provider, model), { inputTokens: 1000, outputTokens: 1000, ...flags }) / 1e6;

  it.each<[string, string, string, Partial<CallBound>, number]>([
    ["no flag: plain input, no cache hit", "openai", "gpt-4o", {}, 12.5],
    ["a 5-minute write", "anthropic", "claude-opus-4-8", { cacheWrite: "5m" }, 31.25],
    ["a 1-hour write", "anthropic", "claude-opus-4-8", { cacheWrite: "1h" }, 35],
    ["a provider that writes unasked", "openai", "gpt-5.6-sol", {}, 25],
    ["audio in", "openai", "gpt-audio", { audioInput: true }, 42],
    ["audio out", "openai", "gpt-audio", { audioOutput: true }, 66.5],
    ["images out", "google", "gemini-3-pro-image-preview", { imageOutput: true }, 122],
    ["priority", "openai", "gpt-4o", { priorityTier: true }, 21.25],
    ["a tier that the input reaches", "google", "gemini-2.5-pro", { inputTokens: 200_001 }, 500.0025 + 15],
    ["region and speed", "anthropic", "claude-opus-4-8", { regional: true, fast: true }, 66],
    ["fees", "anthropic", "claude-haiku-4-5", { webSearches: 2 }, 26],
  ])("%s", (_what, provider, model, flags, thousandthsOfUsd) => {
    expect(bound(provider, model, flags)).toBeCloseTo(thousandthsOfUsd, 6);
  });

  it("and the provider's dearest hour, also outside it", () => {
    const saturday = createPriceBook({ now: () => Date.parse("2026-11-28T02:00:00Z") });
    const price = saturday.find("deepseek", "deepseek-v4-pro");
    const tokens = { inputTokens: 1000, outputTokens: 1000 };
    expect(costNanoUsd(price, tokens)).toBe(2_640_000);
    expect(boundNanoUsd(price, tokens)).toBe(5_280_000);
  });

  it("and refuses counts that are none", () => {
    expect(() => bound("openai", "gpt-4o", { outputTokens: Number.POSITIVE_INFINITY })).toThrow(
      InvalidUsageError,
    );
    expect(() => bound("openai", "gpt-4o", { inputTokens: -1 })).toThrow(InvalidUsageError);
    expect(() => bound("openai", "o1-pro", { outputTokens: 9e15 })).toThrow(InvalidUsageError);
  });
});

describe("no usage within a bound costs more than the bound", () => {
  const names = supportedModels();
  const tablePrice = fc
    .tuple(fc.constantFrom(...names), fc.integer({ min: 0, max: 4e12 }))
    .map(([{ provider, model }, now]) => createPriceBook({ now: () => now }).find(provider, model));
  const strangePrice = fc.record({
    input: rate(),
    output: rate(),
    cachedInput: rate(),
    cacheWrite: rate(),
    cacheWrite1h: rate(),
    audioInput: rate(),
    audioCachedInput: rate(),
    audioOutput: rate(),
    imageInput: rate(),
    imageOutput: rate(),
    reasoningOutput: rate(),
    perCall: rate(),
    webSearchPer1k: rate(),
    batch: fc.oneof(rate(), fc.record({ input: rate(), output: rate() })),
    flex: fc.oneof(rate(), fc.record({ cachedInput: rate() })),
    priority: fc.oneof(rate(), fc.record({ audioOutput: rate() })),
    tiers: fc.array(fc.record({ aboveInputTokens: fc.nat(3000), input: rate(), output: rate() }), {
      maxLength: 2,
    }),
    offPeak: fc.record({ input: rate(), peakUtc: fc.constant<string[]>(["01:00-04:00"]) }),
  });

  it("in the built-in table", () => {
    fc.assert(fc.property(tablePrice, callWithin(600_000), holds), { numRuns: 2000 });
  });

  it("nor with prices that no vendor would ask: cheaper tiers, dearer caches, dearer nights", () => {
    const hours = fc.constantFrom("2026-11-25T02:00Z", "2026-11-25T05:00Z").map(Date.parse);
    const price = fc.tuple(strangePrice, hours).map(([strange, nowMs]) => {
      const models = { m: { ...strange, contextTokens: 1, maxOutputTokens: 1 } };
      const prices: PriceTable = { asOf: "2026-01-01", providers: { acme: { models } } };
      return createPriceBook({ prices, now: () => nowMs }).find("acme", "m");
    });
    fc.assert(fc.property(price, callWithin(4000), holds), { numRuns: 2000 });
  });

  interface Call {
    tokens: Tokens;
    bound: CallBound;
  }

  function holds(price: ModelPrice, { tokens, bound }: Call): void {
    const known = price.fees.webSearch === undefined ? { ...bound, webSearches: 0 } : bound;
    expect(costNanoUsd(price, tokens, known)).toBeLessThanOrEqual(boundNanoUsd(price, bound));
  }

  /** Usage of any kinds, and the tightest bound with the flags that these kinds need. */
  function callWithin(mostTokens: number): fc.Arbitrary<Call> {
    const count = fc.oneof(fc.constant(0), fc.nat(mostTokens));
    const counts = fc.record(
      Object.fromEntries([...INPUT_COUNTS, ...OUTPUT_COUNTS, "reasoningTokens"].map((name) => [name, count])),
      { requiredKeys: [] },
    );
    const tier = fc.constantFrom(undefined, "batch", "flex", "priority");
    const extras = fc.record({ webSearches: fc.nat(3), fast: fc.boolean(), regional: fc.boolean() });
    return fc.tuple(counts, tier, extras).map(([anyCounts, serviceTier, modes]) => {
      const reasoningTokens = Math.min(anyCounts.reasoningTokens ?? 0, anyCounts.outputTokens ?? 0);
      const tokens = validateTokens({ ...anyCounts, reasoningTokens, serviceTier });
      const bound: CallBound = {
        ...modes,
        inputTokens: sumOf(tokens, INPUT_COUNTS),
        outputTokens: sumOf(tokens, OUTPUT_COUNTS),
        cacheWrite: tokens.cacheWrite1hTokens ? "1h" : tokens.cacheWriteTokens ? "5m" : undefined,
        audioInput: (tokens.audioInputTokens ?? 0) + (tokens.audioCachedInputTokens ?? 0) > 0,
        audioOutput: (tokens.audioOutputTokens ?? 0) > 0,
        imageOutput: (tokens.imageOutputTokens ?? 0) > 0,
        priorityTier: serviceTier === "priority",
      };
      return { tokens, bound };
    });
  }

  function rate(): fc.Arbitrary<string> {
    return fc.oneof(
      fc.constant("0"),
      fc.integer({ min: 1, max: 200_000 }).map((thousandths) => `${thousandths / 1000}`),
    );
  }
});
