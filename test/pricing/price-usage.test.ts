import { describe, expect, it } from "vitest";
import { InvalidUsageError, UnboundedCallError, UnknownModelError } from "../../src/errors.ts";
import { calculateCost } from "../../src/metering/calculate-cost.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { type CountedUsage, priceEstimate, priceUsage } from "../../src/pricing/price-usage.ts";
import { supportedModels } from "../../src/pricing/supported-models.ts";
import { countTokens, validateTokens } from "../../src/pricing/tokens.ts";
import type { Estimate } from "../../src/pricing/usage.ts";

const book = createPriceBook({
  customPricing: {
    serper: { search: { perCall: "0.01" } },
    acme: { small: { input: "1", output: "2", maxOutputTokens: 1000 }, endless: { input: "1", output: "2" } },
  },
});
const GPT = { provider: "openai", model: "gpt-4o-mini" };

/** What no type allows, as JavaScript would pass it. */
function refusal(usage: unknown): unknown {
  return attempt(() => Reflect.apply(priceUsage, undefined, [book, usage]));
}
function estimateRefusal(estimate: unknown): unknown {
  return attempt(() => Reflect.apply(priceEstimate, undefined, [book, estimate]));
}
function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe("calculateCost", () => {
  it("reads the usage in a provider's answer as it came", () => {
    const usage = { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 };
    const response = { object: "chat.completion", model: "gpt-4o-mini-2024-07-18", choices: [], usage };
    expect(calculateCost({ response })).toEqual({ costUsd: 0.00045, costNanoUsd: 450_000 });
    expect(() => calculateCost({ response: { choices: [] } })).toThrow(InvalidUsageError);
  });
});

describe("usage in tokens is priced by its model", () => {
  it("and counted for token budgets", () => {
    const usage = { ...GPT, inputTokens: 1200, outputTokens: 500 };
    expect(priceUsage(book, usage)).toEqual({
      nanoUsd: 480_000,
      tokens: 1700,
      requests: 1,
      ...GPT,
      tokenKinds: { inputTokens: 1200, outputTokens: 500 },
    });
  });

  it("all kinds count once, reasoning in output", () => {
    const tokens = {
      inputTokens: 1,
      cachedInputTokens: 2,
      cacheWriteTokens: 4,
      cacheWrite1hTokens: 8,
      audioInputTokens: 16,
      audioCachedInputTokens: 32,
      imageInputTokens: 64,
      outputTokens: 128,
      audioOutputTokens: 256,
      imageOutputTokens: 512,
      reasoningTokens: 100,
    };
    expect(countTokens(tokens)).toBe(1023);
    expect(countTokens({ ...tokens, tokensUsed: 7 })).toBe(7);
  });

  it("tokensUsed alone is priced at the output rate; beside a split it is what a token budget counts", () => {
    expect(priceUsage(book, { ...GPT, tokensUsed: 1000 })).toMatchObject({ nanoUsd: 600_000, tokens: 1000 });
    const both = { ...GPT, inputTokens: 1000, outputTokens: 0, tokensUsed: 1234 };
    expect(priceUsage(book, both)).toMatchObject({ nanoUsd: 150_000, tokens: 1234 });
  });

  it("names the priced model, however the call named it", () => {
    const usage = { provider: "OpenAI", model: "gpt-4o-mini-2024-07-18", inputTokens: 0 };
    expect(priceUsage(book, usage)).toMatchObject(GPT);
  });

  it("a price per call needs no tokens", () => {
    expect(priceUsage(book, { provider: "serper", model: "search" })).toMatchObject({
      nanoUsd: 10_000_000,
      tokens: 0,
      requests: 1,
    });
  });

  it("zeros are counts", () => {
    expect(priceUsage(book, { ...GPT, inputTokens: 0, outputTokens: 0 })).toMatchObject({
      nanoUsd: 0,
      tokens: 0,
    });
  });

  it("an unknown model or provider is an error, never free", () => {
    expect(refusal({ ...GPT, model: "gpt-9", inputTokens: 1 })).toBeInstanceOf(UnknownModelError);
    expect(refusal({ ...GPT, provider: "acme-ai", inputTokens: 1 })).toBeInstanceOf(UnknownModelError);
  });
});

describe("usage in dollars is what it says, rounded up to a nano-dollar", () => {
  it.each<[string | number, number]>([
    ["0.05", 50_000_000],
    [0.1, 100_000_000],
    ["0.0000000001", 1],
    [0, 0],
  ])("%s", (costUsd, nanoUsd) => {
    expect(priceUsage(book, { costUsd })).toEqual({ nanoUsd, tokens: 0, requests: 1 });
  });

  it("with names and tokens where they are given", () => {
    const usage = { costUsd: "1", provider: "acme", model: "any", tokensUsed: 12 };
    expect(priceUsage(book, usage)).toEqual({
      nanoUsd: 1e9,
      tokens: 12,
      requests: 1,
      provider: "acme",
      model: "any",
      tokenKinds: { tokensUsed: 12 },
    });
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "1e3", "$1", "", 9_000_001, null])(
    "not %s",
    (costUsd) => {
      expect(String(refusal({ costUsd }))).toMatch(/costUsd has to be dollars/);
    },
  );
});

describe("usage that makes no sense is refused by the name of its field", () => {
  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "12", 9e15 + 2, null, 1n, {}])(
    "a count of %s",
    (count) => {
      for (const field of [
        "inputTokens",
        "outputTokens",
        "cachedInputTokens",
        "tokensUsed",
        "imageOutputTokens",
      ]) {
        const error = refusal({ ...GPT, [field]: count });
        expect(error).toBeInstanceOf(InvalidUsageError);
        expect(String(error)).toContain(field);
      }
    },
  );

  it.each<[string, unknown, RegExp]>([
    ["nothing at all", { ...GPT }, /states no tokens/],
    ["details that are undefined", { ...GPT, cachedInputTokens: undefined }, /states no tokens/],
    [
      "input that nobody counted",
      { ...GPT, inputTokens: undefined, outputTokens: 5 },
      /inputTokens is undefined/,
    ],
    [
      "output that nobody counted",
      { ...GPT, inputTokens: 5, outputTokens: undefined },
      /outputTokens is undef/,
    ],
    ["a tier alone", { ...GPT, serviceTier: "batch" }, /states no tokens/],
    ["more reasoning than output", { ...GPT, outputTokens: 1, reasoningTokens: 2 }, /reasoningTokens \(2\)/],
    ["more than 9e15 in all", { ...GPT, inputTokens: 9e15, outputTokens: 9e15 }, /9e15/],
    ["an unknown tier", { ...GPT, inputTokens: 1, serviceTier: "turbo" }, /serviceTier.*"turbo"/],
    ["another naming", { ...GPT, prompt_tokens: 1 }, /no field "prompt_tokens".*inputTokens/],
    [
      "a slip of the pen",
      { ...GPT, inputTokens: 1, outputTokns: 5 },
      /no field "outputTokns"; did you mean "outputTokens"\?/,
    ],
    ["what no usage has", { ...GPT, inputTokens: 1, metadata: {} }, /no field "metadata".*inputTokens/],
    ["dollars in another spelling", { costUSD: 1 }, /no field "costUSD"; did you mean "costUsd"\?/],
    ["a total", { ...GPT, totalTokens: 5 }, /no field "totalTokens"/],
    [
      "dollars and a split",
      { costUsd: 1, inputTokens: 5 },
      /costUsd goes with tokensUsed alone.*inputTokens/,
    ],
    ["no provider", { model: "gpt-4o", inputTokens: 1 }, /provider has to be a name/],
    ["no model", { provider: "openai", model: "", inputTokens: 1 }, /model has to be a name/],
    ["a name beyond any", { costUsd: 1, model: "x".repeat(201) }, /at most 200/],
    ["an answer that nobody read", { response: {} }, /no field "response"/],
    ["no object", 5, /Usage has to be an object/],
    ["null", null, /Usage has to be an object/],
    ["a list", [], /Usage has to be an object/],
  ])("%s", (_what, usage, message) => {
    const error = refusal(usage);
    expect(error).toBeInstanceOf(InvalidUsageError);
    expect(String(error)).toMatch(message);
  });

  it("but for what may stand beside it, and details that are undefined", () => {
    const usage = {
      ...GPT,
      inputTokens: 1,
      id: "call-1",
      outputTokns: undefined,
      cachedInputTokens: undefined,
    };
    expect(priceUsage(book, usage, ["id"])).toMatchObject({ tokens: 1 });
    expect(validateTokens(usage)).toEqual({ inputTokens: 1 });
  });
});

describe("an estimate in dollars", () => {
  it("knows no tokens unless they are given", () => {
    expect(priceEstimate(book, { estimatedCostUsd: 0.05 })).toEqual({
      nanoUsd: 5e7,
      tokens: null,
      requests: 1,
    });
    const full = { estimatedCostUsd: "0.05", tokens: 100, requests: 2 };
    expect(priceEstimate(book, full)).toEqual({ nanoUsd: 5e7, tokens: 100, requests: 2 });
  });

  it("is rounded up", () => {
    expect(priceEstimate(book, { estimatedCostUsd: "0.0000000011" }).nanoUsd).toBe(2);
  });
});

describe("an estimate by model is an upper bound", () => {
  it("of the given tokens", () => {
    const estimate = { provider: "acme", model: "small", inputTokens: 100, maxOutputTokens: 10 };
    expect(priceEstimate(book, estimate)).toEqual({
      nanoUsd: 120_000,
      tokens: 110,
      requests: 1,
      provider: "acme",
      model: "small",
    });
  });

  it("of the model's most output where none is given, for each request", () => {
    expect(priceEstimate(book, { ...GPT, inputTokens: 0 })).toMatchObject({
      tokens: 16_384,
      nanoUsd: 9_830_400,
    });
    const small = { provider: "acme", model: "small", inputTokens: 100 };
    expect(priceEstimate(book, small)).toMatchObject({ tokens: 1100 });
  });

  it("of the tokens of each request, whether the output is given or not", () => {
    const small = { provider: "acme", model: "small", inputTokens: 100, maxOutputTokens: 10 };
    const three = { nanoUsd: 360_000, tokens: 330, requests: 3 };
    expect(priceEstimate(book, { ...small, requests: 3 })).toMatchObject(three);
    const most = { ...small, maxOutputTokens: undefined };
    expect(priceEstimate(book, { ...most, requests: 3 })).toMatchObject({ tokens: 3300, requests: 3 });
    expect(priceEstimate(book, { ...most, requests: 0 })).toMatchObject({ tokens: 1100, requests: 0 });
  });

  it("of the dearest size that all requests reach together, since they are settled together", () => {
    const sized = { provider: "google", model: "gemini-2.5-pro" };
    const estimate = { ...sized, inputTokens: 150_000, maxOutputTokens: 0, requests: 2 };
    expect(priceEstimate(book, { ...estimate, requests: 1 }).nanoUsd).toBe(187_500_000);
    const held = priceEstimate(book, estimate).nanoUsd;
    expect(held).toBe(750_000_000);
    expect(priceUsage(book, { ...sized, inputTokens: 300_000 }).nanoUsd).toBeLessThanOrEqual(held);
  });

  it("with no limit anywhere it is unbounded", () => {
    const endless = { provider: "acme", model: "endless", inputTokens: 1 };
    expect(() => priceEstimate(book, endless)).toThrow(UnboundedCallError);
    expect(priceEstimate(book, { ...endless, maxOutputTokens: 5 }).tokens).toBe(6);
  });

  it("needs the input, unless the price is per call alone", () => {
    expect(() => priceEstimate(book, { ...GPT, maxOutputTokens: 5 })).toThrow(/needs inputTokens/);
    expect(priceEstimate(book, { provider: "serper", model: "search", requests: 3 })).toEqual({
      nanoUsd: 30_000_000,
      tokens: 0,
      requests: 3,
      provider: "serper",
      model: "search",
    });
  });

  it("counts the cache write of providers that write unasked", () => {
    const estimate: Estimate = {
      provider: "openai",
      model: "gpt-5.6-sol",
      inputTokens: 1000,
      maxOutputTokens: 0,
    };
    expect(priceEstimate(book, estimate).nanoUsd).toBe(5_000_000);
  });

  it("of an unknown model is an error", () => {
    expect(() => priceEstimate(book, { provider: "acme", model: "x", inputTokens: 1 })).toThrow(
      UnknownModelError,
    );
  });
});

describe("an estimate that makes no sense is refused by the name of its field", () => {
  it.each<[string, unknown, RegExp]>([
    ["nothing", {}, /estimatedCostUsd.*or .provider. and .model./],
    ["negative dollars", { estimatedCostUsd: -1 }, /estimatedCostUsd has to be dollars/],
    ["NaN dollars", { estimatedCostUsd: Number.NaN }, /estimatedCostUsd/],
    ["absurd dollars", { estimatedCostUsd: 1e9 }, /estimatedCostUsd/],
    ["fractional tokens", { estimatedCostUsd: 1, tokens: 1.5 }, /tokens has to be a whole number/],
    ["negative requests", { estimatedCostUsd: 1, requests: -1 }, /requests/],
    ["fractional input", { ...GPT, inputTokens: 0.5 }, /inputTokens/],
    ["more input than is counted", { ...GPT, inputTokens: 9e15, requests: 2 }, /inputTokens times requests/],
    ["negative output", { ...GPT, inputTokens: 1, maxOutputTokens: -1 }, /maxOutputTokens/],
    [
      "more tokens than any counter holds",
      { ...GPT, inputTokens: 9e15, maxOutputTokens: 9e15 },
      /9e15|9,000,000/,
    ],
    ["dollars and input", { estimatedCostUsd: 1, inputTokens: 5 }, /not with inputTokens/],
    ["a model and tokens", { ...GPT, tokens: 5 }, /tokens goes with estimatedCostUsd/],
    ["another naming", { ...GPT, max_tokens: 5 }, /no field "max_tokens".*maxOutputTokens/],
    ["the actual cost", { costUsd: 5 }, /no field "costUsd".*estimatedCostUsd/],
    ["a number", 0.05, /An estimate has to be an object/],
  ])("%s", (_what, estimate, message) => {
    const error = estimateRefusal(estimate);
    expect(error).toBeInstanceOf(InvalidUsageError);
    expect(String(error)).toMatch(message);
  });
});

describe("without a meter", () => {
  it("calculateCost says what a call costs", () => {
    const usage: CountedUsage = { ...GPT, inputTokens: 1000, outputTokens: 500 };
    expect(calculateCost(usage)).toEqual({ costUsd: 0.00045, costNanoUsd: 450_000 });
    const customPricing = { openai: { "gpt-4o-mini": { input: "1", output: "2" } } };
    expect(calculateCost(usage, { customPricing })).toEqual({ costUsd: 0.002, costNanoUsd: 2_000_000 });
  });

  it("supportedModels lists every name with its own prices, the seed models among them", () => {
    const models = supportedModels();
    const priceOf = (provider: string, model: string) =>
      models.find((each) => each.provider === provider && each.model === model)?.price;
    expect(priceOf("openai", "gpt-4o")).toEqual({
      input: "2.5",
      cachedInput: "1.25",
      output: "10",
      maxOutputTokens: 16_384,
    });
    expect(priceOf("openai", "gpt-4o-mini")).toMatchObject({ input: "0.15", output: "0.6" });
    expect(priceOf("openai", "gpt-3.5-turbo")).toMatchObject({ input: "0.5", output: "1.5" });
    expect(priceOf("anthropic", "claude-sonnet-4-6")).toMatchObject({ input: "3", output: "15" });
    expect(priceOf("anthropic", "claude-haiku-4-5")).toMatchObject({ input: "1", output: "5" });
    expect(priceOf("anthropic", "claude-haiku-4-5-20251001")).toMatchObject({ input: "1", output: "5" });
    expect(priceOf("perplexity", "sonar")).toMatchObject({ perCall: "0.012" });
  });

  it("in order, each once, every one of them priced by the book", () => {
    const names = supportedModels().map(({ provider, model }) => `${provider} ${model}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { provider, model, price } of supportedModels()) {
      const [peak] = book.find(provider, model).hourlyServiceTiers;
      const rates = peak?.standard.steps[0]?.rates;
      expect(rates?.input, `${provider} ${model}`).toBe(Math.round(Number(price.input) * 1e6));
    }
  });

  it("custom prices stand in the list in place of the built-in ones, for all of a model's names", () => {
    const own = { input: "1", output: "2" };
    const models = supportedModels({
      customPricing: { OpenAI: { "gpt-4o": own }, acme: { m: { perCall: "0.5" } } },
    });
    const priceOf = (name: string) => models.filter(({ model }) => model === name).map(({ price }) => price);
    expect(priceOf("gpt-4o")).toEqual([own]);
    expect(priceOf("gpt-4o-2024-08-06")).toEqual([own]);
    expect(priceOf("m")).toEqual([{ input: "0", output: "0", perCall: "0.5" }]);
  });
});
