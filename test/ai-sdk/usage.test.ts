/** What an answer of the AI SDK counts, in the exclusive kinds of the ledger. */
import { describe, expect, it } from "vitest";
import { reportedUsage } from "../../src/metering/ai-sdk/answer.ts";
import { pricedNames } from "../../src/metering/ai-sdk/vendor.ts";

const PLAIN = { cacheWrite: undefined, fast: false, regional: false, unbounded: [] };

interface Told {
  cacheWrite?: "1h";
  providerMetadata?: object;
}

const tokensOf = (usage: object, { cacheWrite, providerMetadata }: Told = {}) =>
  reportedUsage({ usage, modelId: "a-model", providerMetadata }, { ...PLAIN, cacheWrite })?.models[0].tokens;

describe("Usage of the AI SDK", () => {
  it("is taken apart into uncached, cached and written input, and output with its reasoning", () => {
    const inputTokens = { total: 100, noCache: 50, cacheRead: 30, cacheWrite: 20 };
    const outputTokens = { total: 40, text: 25, reasoning: 15 };
    expect(tokensOf({ inputTokens, outputTokens })).toEqual({
      inputTokens: 50,
      cachedInputTokens: 30,
      cacheWriteTokens: 20,
      outputTokens: 40,
      reasoningTokens: 15,
    });
  });

  it("is complete with the total alone, and with the parts alone", () => {
    const totals = { inputTokens: { total: 10, cacheRead: 4 }, outputTokens: { total: 3 } };
    expect(tokensOf(totals)).toEqual({ inputTokens: 6, cachedInputTokens: 4, outputTokens: 3 });
    const parts = { inputTokens: { noCache: 6, cacheRead: 4 }, outputTokens: { text: 2, reasoning: 1 } };
    expect(tokensOf(parts)).toEqual({
      inputTokens: 6,
      cachedInputTokens: 4,
      outputTokens: 3,
      reasoningTokens: 1,
    });
  });

  it("tells the hour's cache writes apart, by the answer or else by what was asked for", () => {
    const usage = { inputTokens: { noCache: 1, cacheWrite: 9 }, outputTokens: { total: 1 } };
    const raw = { cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 5 } };
    expect(tokensOf({ ...usage, raw })).toMatchObject({ cacheWriteTokens: 4, cacheWrite1hTokens: 5 });
    expect(tokensOf(usage)).toMatchObject({ cacheWriteTokens: 9 });
    expect(tokensOf(usage, { cacheWrite: "1h" })).toMatchObject({ cacheWrite1hTokens: 9 });
  });

  it("has the audio that only the provider's own counts tell", () => {
    const raw = {
      prompt_tokens: 10,
      completion_tokens: 5,
      prompt_tokens_details: { audio_tokens: 8 },
      completion_tokens_details: { audio_tokens: 2 },
    };
    const usage = { inputTokens: { total: 10, noCache: 10 }, outputTokens: { total: 5 }, raw };
    expect(tokensOf(usage)).toEqual({
      inputTokens: 2,
      audioInputTokens: 8,
      outputTokens: 3,
      audioOutputTokens: 2,
    });
  });

  it("tells Gemini's audio and thoughts apart by Gemini's own counts", () => {
    const raw = {
      promptTokenCount: 10,
      candidatesTokenCount: 5,
      thoughtsTokenCount: 2,
      totalTokenCount: 17,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 4 },
        { modality: "AUDIO", tokenCount: 6 },
      ],
    };
    const usage = { inputTokens: { total: 10, noCache: 10 }, outputTokens: { total: 7, reasoning: 2 }, raw };
    expect(tokensOf(usage)).toMatchObject({ inputTokens: 4, audioInputTokens: 6, outputTokens: 7 });
  });

  it("is in doubt where the provider ran tools of its own, whose fees nobody states", () => {
    const usage = { inputTokens: { total: 10 }, outputTokens: { total: 5 } };
    const ran = { ...PLAIN, cacheWrite: undefined, unbounded: ["webSearch" as const] };
    expect(reportedUsage({ usage, modelId: "a-model" }, ran)?.doubts).toHaveLength(1);
    expect(reportedUsage({ usage, modelId: "a-model" }, PLAIN)?.doubts).toBeUndefined();
  });

  it("has the tier that was asked for where nothing names one, with Gemini's own counts too", () => {
    const asked = { ...PLAIN, priorityTier: "asked" } as const;
    const tier = (usage: object, providerMetadata?: object) =>
      reportedUsage({ usage, modelId: "a-model", providerMetadata }, asked)?.models[0].tokens.serviceTier;
    const usage = { inputTokens: { total: 10 }, outputTokens: { total: 5 } };
    const gemini = { ...usage, raw: { promptTokenCount: 10, candidatesTokenCount: 5 } };
    const standard = { vendor: { serviceTier: "standard" } };
    for (const each of [usage, gemini]) {
      expect([tier(each), tier(each, standard)]).toEqual(["priority", undefined]);
    }
    expect(tier(usage, { openai: { serviceTier: "fast" } })).toBe("priority");
  });

  it("ran at the speed that was asked for where nothing names one", () => {
    const fast = (raw: object) => {
      const usage = { inputTokens: { total: 10 }, outputTokens: { total: 5 }, raw };
      return reportedUsage({ usage, modelId: "a-model" }, { ...PLAIN, fast: true })?.extras.fast;
    };
    expect([fast({}), fast({ speed: "fast" }), fast({ speed: "standard" })]).toEqual([true, true, false]);
  });

  it("has the tier that served the call", () => {
    const usage = { inputTokens: { total: 10 }, outputTokens: { total: 5 } };
    expect(tokensOf(usage, { providerMetadata: { openai: { serviceTier: "priority" } } })).toMatchObject({
      serviceTier: "priority",
    });
    const raw = { prompt_tokens: 10, completion_tokens: 5 };
    const flex = { providerMetadata: { openai: { serviceTier: "flex" } } };
    expect(tokensOf({ ...usage, raw }, flex)).toMatchObject({ serviceTier: "flex" });
  });

  it.each([
    ["nothing", {}],
    ["no counts", { inputTokens: {}, outputTokens: {} }],
    [
      "zeros, as packages read what is missing",
      { inputTokens: { total: 0, noCache: 0 }, outputTokens: { total: 0 } },
    ],
    ["input alone", { inputTokens: { total: 5 }, outputTokens: {} }],
    ["a negative count", { inputTokens: { total: 5, noCache: -1 }, outputTokens: { total: 1 } }],
    ["NaN", { inputTokens: { total: Number.NaN }, outputTokens: { total: 1 } }],
  ])("is not known where it states %s", (_name, usage) => {
    expect(tokensOf(usage)).toBeUndefined();
  });
});

describe("A provider of the AI SDK", () => {
  it.each([
    ["openai.responses", "gpt-5", "openai", "gpt-5"],
    ["anthropic.messages", "claude-haiku-4-5", "anthropic", "claude-haiku-4-5"],
    ["google.generative-ai", "gemini-2.5-flash", "google", "gemini-2.5-flash"],
    ["google.vertex.chat", "gemini-2.5-flash", "google", "gemini-2.5-flash"],
    ["vertex.anthropic.messages", "claude-haiku-4-5@20251001", "anthropic", "claude-haiku-4-5@20251001"],
    ["azure.chat", "my-deployment", "azure", "my-deployment"],
    ["azure-openai.responses", "my-deployment", "azure", "my-deployment"],
    ["amazon-bedrock", "us.anthropic.claude-haiku-4-5-v1:0", "bedrock", "us.anthropic.claude-haiku-4-5-v1:0"],
    [
      "bedrock.anthropic.messages",
      "anthropic.claude-haiku-4-5-v1:0",
      "bedrock",
      "anthropic.claude-haiku-4-5-v1:0",
    ],
    ["gateway", "anthropic/claude-haiku-4.5", "anthropic", "claude-haiku-4.5"],
    ["gateway", "x-ai/grok-4", "xai", "grok-4"],
    ["togetherai.chat", "meta-llama/Llama-3", "together", "meta-llama/Llama-3"],
    ["groq.chat", "openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"],
  ])("%s with %s is priced as %s, %s", (provider, modelId, vendor, model) => {
    expect(pricedNames({ provider, modelId })).toMatchObject({ provider: vendor, model });
  });
});
