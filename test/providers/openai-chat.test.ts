import { describe, expect, it } from "vitest";
import { openAiChat } from "../../src/providers/openai-chat.ts";
import type { ApiRequest, UsageContext } from "../../src/providers/provider.ts";

const plain: UsageContext = { cacheWrite: undefined, fast: false, regional: false };
const counts = { prompt_tokens: 100, completion_tokens: 10 };

const answer = (usage: object, more: object = {}) =>
  openAiChat.readAnswer({ model: "m", choices: [], usage: { ...usage }, ...more }, plain);
const tokens = (usage: object) => answer(usage)?.models[0].tokens;
const doubts = (usage: object) => answer(usage)?.doubts;

function stream(...chunks: (object | "[DONE]")[]) {
  const reader = openAiChat.readEvents(plain);
  for (const chunk of chunks) reader.read(typeof chunk === "string" ? chunk : JSON.stringify(chunk));
  return reader;
}
const choice = (finish_reason: string | null, more: object = {}) => ({
  choices: [{ index: 0, delta: {}, finish_reason, ...more }],
});

describe("Cached tokens of a chat completion", () => {
  const read = { inputTokens: 40, cachedInputTokens: 60, outputTokens: 10 };

  it.each([
    ["OpenAI", { prompt_tokens_details: { cached_tokens: 60 } }],
    ["DeepSeek", { prompt_cache_hit_tokens: 60, prompt_cache_miss_tokens: 40 }],
    ["DeepSeek beside a zero", { prompt_tokens_details: { cached_tokens: 0 }, prompt_cache_hit_tokens: 60 }],
    ["Mistral", { num_cached_tokens: 60 }],
    ["Together", { cached_tokens: 60 }],
    ["several names at once", { cached_tokens: 60, prompt_tokens_details: { cached_tokens: 60 } }],
  ])("are found where %s states them, and are counted once", (_name, more) => {
    expect(tokens({ ...counts, ...more })).toEqual(read);
  });

  it("are beside the prompt, and doubted, where they are more than all of it", () => {
    const usage = { prompt_tokens: 50, completion_tokens: 10, prompt_tokens_details: { cached_tokens: 600 } };
    expect(tokens(usage)).toEqual({ inputTokens: 50, cachedInputTokens: 600, outputTokens: 10 });
    expect(doubts(usage)).toEqual([expect.stringContaining("cached")]);
    expect(tokens({ ...usage, total_tokens: 660 })).toEqual(tokens(usage));
    const written = { ...counts, prompt_tokens_details: { cache_write_tokens: 101 } };
    expect(tokens(written)).toEqual({ inputTokens: 100, cacheWriteTokens: 101, outputTokens: 10 });
  });

  it("poison the usage where they are malformed, wherever they stand", () => {
    expect(tokens({ ...counts, cached_tokens: 60, num_cached_tokens: "60" })).toBeUndefined();
    expect(tokens({ ...counts, prompt_tokens_details: { cached_tokens: -1 } })).toBeUndefined();
  });
});

describe("Written and spoken tokens of a chat completion", () => {
  it.each([
    ["OpenAI and OpenRouter", { prompt_tokens_details: { cache_write_tokens: 60 } }],
    ["Alibaba", { prompt_tokens_details: { cached_tokens: 0, cache_creation_input_tokens: 60 } }],
    ["LiteLLM", { cache_creation_input_tokens: 60, prompt_tokens_details: { cached_tokens: 0 } }],
  ])("are found where %s states those that were written to a cache", (_name, more) => {
    expect(tokens({ ...counts, ...more })).toEqual({
      inputTokens: 40,
      cacheWriteTokens: 60,
      outputTokens: 10,
    });
  });

  it("are counted once where sound was read from a cache", () => {
    const prompt_tokens_details = { cached_tokens: 90, audio_tokens: 30 };
    expect(tokens({ ...counts, prompt_tokens_details })).toEqual({
      inputTokens: 0,
      cachedInputTokens: 70,
      audioInputTokens: 10,
      audioCachedInputTokens: 20,
      outputTokens: 10,
    });
  });
});

describe("Reasoning of a chat completion", () => {
  const details = { completion_tokens_details: { reasoning_tokens: 7 } };

  it("is a part of the completion, or comes on top where the total says so", () => {
    expect(tokens({ ...counts, ...details, total_tokens: 110 })).toMatchObject({ outputTokens: 10 });
    expect(tokens({ ...counts, ...details, total_tokens: 117 })).toMatchObject({
      outputTokens: 17,
      reasoningTokens: 7,
    });
    expect(tokens({ ...counts, ...details })).toMatchObject({ outputTokens: 10, reasoningTokens: 7 });
    const more = { completion_tokens_details: { reasoning_tokens: 70 } };
    expect(tokens({ ...counts, ...more })).toMatchObject({ outputTokens: 80, reasoningTokens: 70 });
  });

  it("comes on top in Perplexity's deep research, with its citations and searches", () => {
    const usage = { ...counts, total_tokens: 110, citation_tokens: 50, reasoning_tokens: 900 };
    const read = answer({ ...usage, num_search_queries: 12 }, { model: "sonar-deep-research" });
    expect(read?.models[0].tokens).toEqual({ inputTokens: 150, outputTokens: 910, reasoningTokens: 900 });
    expect(read?.extras.webSearches).toBe(12);
    expect(read?.doubts).toEqual([]);
    const whole = answer({ ...usage, total_tokens: 1_060 }, { model: "sonar-deep-research" });
    expect(whole?.models[0].tokens).toEqual(read?.models[0].tokens);
    expect(whole?.doubts).toEqual([]);
  });
});

describe("Usage in two naming schemes", () => {
  it("is the one that is not all zeros", () => {
    const zeros = { prompt_tokens: 0, completion_tokens: 0 };
    expect(tokens({ ...zeros, input_tokens: 5, output_tokens: 3 })).toEqual({
      inputTokens: 5,
      outputTokens: 3,
    });
    expect(tokens({ ...counts, input_tokens: 0, output_tokens: 0 })).toMatchObject({ inputTokens: 100 });
  });

  it("is booked at the larger and doubted where both say something", () => {
    expect(tokens({ ...counts, input_tokens: 120, output_tokens: 10 })).toMatchObject({ inputTokens: 120 });
    expect(doubts({ ...counts, input_tokens: 120, output_tokens: 10 })).toEqual([
      "it states both 100 and 120 for one count",
    ]);
  });
});

describe("Counts that can't be the whole truth are booked and doubted", () => {
  it.each([
    ["a total that is less than the sum", { total_tokens: 30 }, /total of 30/],
    [
      "more reasoning than its total has room for",
      { total_tokens: 110, completion_tokens_details: { reasoning_tokens: 70 } },
      /more reasoning/,
    ],
    [
      "hits and misses that are not the prompt",
      { prompt_cache_hit_tokens: 1, prompt_cache_miss_tokens: 1 },
      /hits/,
    ],
    ["sources that have a fee", { num_sources_used: 2 }, /fees/],
    ["a cost that is none", { cost: { total_cost: "free" } }, /no amount/],
  ])("%s", (_name, more, reason) => {
    const read = answer({ ...counts, ...more });
    expect(read?.models[0].tokens).toMatchObject({ outputTokens: 10 });
    expect(read?.doubts).toHaveLength(1);
    expect(read?.doubts?.[0]).toMatch(reason);
  });

  it("but not where reasoning stands apart from the completion, as xAI has it", () => {
    const apart = {
      ...counts,
      total_tokens: 117,
      completion_tokens_details: { reasoning_tokens: 7 },
    };
    expect(tokens(apart)).toEqual({ inputTokens: 100, outputTokens: 17, reasoningTokens: 7 });
    expect(doubts(apart)).toEqual([]);
  });

  it("what the total has beyond its parts as output, be the completion stated as nothing", () => {
    const beyond = (usage: object) => ({ tokens: tokens(usage), doubts: doubts(usage) });
    expect(beyond({ prompt_tokens: 10, completion_tokens: 0, total_tokens: 500 })).toEqual({
      tokens: { inputTokens: 10, outputTokens: 490 },
      doubts: ["its total of 500 tokens is not the 10 of its parts"],
    });
    const reasoning = { completion_tokens_details: { reasoning_tokens: 7 } };
    expect(beyond({ ...counts, ...reasoning, total_tokens: 116 })).toEqual({
      tokens: { inputTokens: 100, outputTokens: 16, reasoningTokens: 7 },
      doubts: [expect.stringContaining("total of 116")],
    });
  });

  it("but not at all where a count is missing, or the total is malformed", () => {
    expect(tokens({ prompt_tokens: 10, total_tokens: 500 })).toBeUndefined();
    expect(tokens({ ...counts, total_tokens: -1 })).toBeUndefined();
    expect(tokens({ ...counts, total_tokens: "110" })).toBeUndefined();
  });

  it("but the provider's own cost has the fees in it", () => {
    expect(doubts({ ...counts, num_sources_used: 2, cost_in_usd_ticks: 10 })).toEqual([]);
  });
});

describe("A call of Groq's compound systems", () => {
  it("is billed by the models that took part", () => {
    const breakdown = {
      models: ["a", "b"].map((model) => ({ model, usage: { prompt_tokens: 50, completion_tokens: 5 } })),
    };
    const part = { tokens: { inputTokens: 50, outputTokens: 5 } };
    const parts = [
      { ...part, model: "a" },
      { ...part, model: "b" },
    ];
    expect(answer(counts, { usage_breakdown: breakdown })?.models).toEqual(parts);
    const streamed = stream({ ...choice("stop"), x_groq: { usage: counts, usage_breakdown: breakdown } });
    expect(streamed.usage()?.models).toEqual(parts);
  });

  it("is billed once where a stream states the sum at each of them", () => {
    const models = ["a", "b", "a"].map((model) => ({ model, usage: counts }));
    const streamed = stream({ ...choice("stop"), x_groq: { usage: counts, usage_breakdown: { models } } });
    const tokens = { inputTokens: 100, outputTokens: 10 };
    expect(streamed.usage()?.models).toEqual([{ model: "a", tokens }]);
  });

  it("leaves a doubt, since the fees of its tools are not stated", () => {
    const models = [{ model: "a", usage: counts }];
    expect(answer(counts, { usage_breakdown: { models } })?.doubts).toEqual([
      "it used sources or tools of the provider's, and does not state their fees",
    ]);
  });
});

describe("The usage of a stream is the last one stated", () => {
  const read = (...chunks: (object | "[DONE]")[]) => stream(...chunks).usage()?.models[0];

  it("in a chunk of its own, which is not every chunk without choices", () => {
    const first = { choices: [], model: "", prompt_filter_results: [] };
    const last = { choices: [], model: "gpt-5-mini-2025-08-07", usage: counts };
    const chunks = [first, { ...choice(null), model: "model-router", usage: null }, choice("stop"), last];
    expect(read(...chunks, "[DONE]")).toMatchObject({ model: "gpt-5-mini-2025-08-07" });
    expect(chunks.map((chunk) => openAiChat.isUsageOnly(JSON.stringify(chunk)))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it("and is not the last before a reason to finish, which an empty text is none of", () => {
    const running = { ...choice(""), usage: counts };
    expect(stream(running).complete).toBe(false);
    expect(stream(running, choice("stop")).complete).toBe(true);
  });

  it("in every chunk, growing and at times falling", () => {
    const usages = [101, 100].map((prompt_tokens) => ({ prompt_tokens, completion_tokens: prompt_tokens }));
    const [first, last] = usages.map((usage) => ({ ...choice(null), model: "sonar", usage }));
    const end = { ...choice("stop"), usage: { prompt_tokens: 100, completion_tokens: 120 } };
    expect(read(first ?? {}, last ?? {}, end)?.tokens).toEqual({ inputTokens: 100, outputTokens: 120 });
  });

  it("once, where Groq states it twice; in its own place, where only that has it; in the choice, at Moonshot", () => {
    const once = { inputTokens: 100, outputTokens: 10 };
    expect(read({ ...choice("stop"), usage: counts, x_groq: { usage: counts } })?.tokens).toEqual(once);
    expect(read({ ...choice("stop"), x_groq: { usage: counts } })?.tokens).toEqual(once);
    expect(read(choice("stop", { usage: counts }))?.tokens).toEqual(once);
  });

  it("and is not the last where the chunk with the reason to finish was cut off", () => {
    const reader = stream({ ...choice(null), usage: counts });
    reader.read(JSON.stringify({ ...choice("stop"), usage: counts }).slice(0, -5));
    expect(reader.complete).toBe(false);
  });

  it("though null, an empty object or an error follow", () => {
    const chunks = [
      { ...choice("stop"), usage: counts },
      { choices: [], usage: null },
      { choices: [], usage: {} },
    ];
    expect(read(...chunks)?.tokens).toMatchObject({ inputTokens: 100 });
    expect(read({ ...choice("length"), error: { code: 400, message: "m" }, usage: counts })).toBeDefined();
  });

  it("with the tier that a chunk before it named", () => {
    const chunks = [
      { ...choice("stop"), service_tier: "priority" },
      { choices: [], usage: counts },
    ];
    expect(read(...chunks)?.tokens.serviceTier).toBe("priority");
  });

  it("and there is none after an error that broke it off", () => {
    const reader = stream(choice(null), { error: { message: "m", type: "invalid_request_error" } });
    expect([reader.ended, reader.complete, reader.usage()]).toEqual([false, false, undefined]);
  });
});

describe("A search inside of a chat completion", () => {
  it("is one of each call of a search model, which counts none", () => {
    expect(answer(counts, { model: "gpt-4o-search-preview-2025-03-11" })?.extras.webSearches).toBe(1);
    expect(answer(counts)?.extras.webSearches).toBe(0);
  });
});

function request(address: string, body: object, includeUsage?: "always"): ApiRequest {
  const url = new URL(address);
  const known: Record<string, string> = {
    "x.openai.azure.com": "azure",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "openrouter.ai": "openrouter",
    "api.perplexity.ai": "perplexity",
  };
  const provider = known[url.hostname] ?? "openai";
  return { url, provider, body: { messages: [], ...body }, ...(includeUsage && { includeUsage }) };
}

describe("A stream is asked for its usage where that comes by asking alone", () => {
  const asks = (address: string, model: string, includeUsage?: "always") =>
    openAiChat.askingForUsage(request(address, { model, stream: true }, includeUsage)) !== undefined;

  it.each([
    [true, "https://api.openai.com/v1/chat/completions", "anything"],
    [true, "https://x.openai.azure.com/openai/v1/chat/completions", "deployed"],
    [true, "https://x.openai.azure.com/openai/deployments/D/chat/completions?api-version=2024-10-21", ""],
    [false, "https://x.openai.azure.com/openai/deployments/D/chat/completions?api-version=2024-02-01", ""],
    [true, "https://gateway.example/v1/account/gateway/openai/chat/completions", "anything"],
    [true, "http://localhost:1/v1/chat/completions", "gpt-5-mini"],
    [false, "http://localhost:11434/v1/chat/completions", "gpt-oss:20b"],
    [false, "http://localhost:8000/v1/chat/completions", "mistral-small"],
    [false, "https://api.mistral.ai/v1/chat/completions", "mistral-small-latest"],
    [false, "https://api.groq.com/openai/v1/chat/completions", "openai/gpt-oss-120b"],
  ])("%s: %s %s", (expected, address, model) => {
    expect(asks(address, model)).toBe(expected);
  });

  it("or everywhere but where usage comes unasked, if the user says so", () => {
    expect(asks("http://localhost:11434/v1/chat/completions", "qwen3", "always")).toBe(true);
    expect(asks("https://api.mistral.ai/v1/chat/completions", "mistral-small", "always")).toBe(false);
  });

  it("beside the options that it has, and its answer is rid of that one chunk alone", () => {
    const stream_options = { include_obfuscation: false };
    const body = { model: "gpt-5-mini", stream: true, stream_options };
    const asked = openAiChat.askingForUsage(request("https://api.openai.com/v1/chat/completions", body));
    expect(asked?.stream_options).toEqual({ include_obfuscation: false, include_usage: true });
    const isHidden = (chunk: object) => openAiChat.isUsageOnly(JSON.stringify(chunk));
    const usage = { prompt_tokens: 7, completion_tokens: 3 };
    expect(isHidden({ choices: [], usage })).toBe(true);
    expect(isHidden({ choices: [{ index: 0 }], extra: { choices: [] }, usage })).toBe(false);
    expect(isHidden({ choices: [], usage: null })).toBe(false);
  });
});

describe("A chat completion is refused as unbounded", () => {
  const unbounded = (address: string, body: object) => openAiChat.readCall(request(address, body)).unbounded;

  it.each([
    ["https://openrouter.ai/api/v1/chat/completions", { model: "openai/gpt-5:online" }, "webSearch"],
    ["https://openrouter.ai/api/v1/chat/completions", { model: "openrouter/auto" }, "otherModels"],
    ["https://openrouter.ai/api/v1/chat/completions", { model: "m", preset: "mine" }, "otherModels"],
    ["https://openrouter.ai/api/v1/chat/completions", { model: "m@preset/mine" }, "otherModels"],
    ["https://api.groq.com/openai/v1/chat/completions", { model: "groq/compound" }, "severalPasses"],
    ["https://api.openai.com/v1/chat/completions", { model: "m", web_search_options: {} }, "webSearch"],
    [
      "https://api.perplexity.ai/chat/completions",
      { model: "sonar-pro", web_search_options: { search_type: "pro" } },
      "webSearch",
    ],
  ])("at %s: %o", (address, body, feature) => {
    expect(unbounded(address, body)).toEqual([feature]);
  });

  it("but Perplexity's own search has its fee in the price", () => {
    const body = { model: "sonar", web_search_options: { search_context_size: "low" } };
    expect(unbounded("https://api.perplexity.ai/chat/completions", body)).toEqual([]);
  });
});

describe("The priority tier", () => {
  const tier = (address: string, service_tier?: string) =>
    openAiChat.readCall(request(address, { model: "m", service_tier })).priorityTier;

  it("is the one that was asked for where the answer names none", () => {
    const tier = (more: object, call: Partial<UsageContext>) =>
      openAiChat.readAnswer({ model: "m", choices: [], usage: counts, ...more }, { ...plain, ...call });
    const asked = { priorityTier: "asked" } as const;
    expect(tier({}, asked)?.models[0].tokens.serviceTier).toBe("priority");
    expect(tier({ service_tier: "default" }, asked)?.models[0].tokens.serviceTier).toBeUndefined();
    expect(tier({}, { priorityTier: "open" })?.models[0].tokens.serviceTier).toBeUndefined();
    expect(tier({}, { ...asked, fast: true })?.extras.fast).toBe(true);
  });

  it("may be an account's default at OpenAI alone", () => {
    expect(tier("https://api.openai.com/v1/chat/completions")).toBe("open");
    expect(tier("https://api.groq.com/openai/v1/chat/completions")).toBe("excluded");
    expect(tier("https://api.groq.com/openai/v1/chat/completions", "on_demand")).toBe("excluded");
    expect(tier("https://api.openai.com/v1/chat/completions", "priority")).toBe("asked");
  });
});
