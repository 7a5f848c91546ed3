import { describe, expect, it } from "vitest";
import { InvalidUsageError } from "../../src/errors.ts";
import { assertBounded, inputTokensOf } from "../../src/metering/bound.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { Price } from "../../src/pricing/usage.ts";
import { anthropicMessages } from "../../src/providers/anthropic-messages.ts";
import type { JsonObject } from "../../src/providers/json.ts";
import { openAiChat } from "../../src/providers/openai-chat.ts";
import type { ProviderApi } from "../../src/providers/provider.ts";
import { boundOf } from "../support/bound-of.ts";

const url = new URL("https://api.example/v1");
const hello = [{ role: "user", content: "hello" }];

function bounded(
  api: ProviderApi,
  body: JsonObject,
  options: { price?: Price; serviceTier?: "default" } = {},
) {
  const provider = api.defaultProvider;
  const model = String(body.model);
  const prices = createPriceBook(
    options.price ? { customPricing: { [provider]: { [model]: options.price } } } : {},
  );
  const price = prices.find(provider, model);
  const call = api.readCall({ url, provider, body, price });
  return {
    call,
    inputTokens: inputTokensOf(call, body, price),
    ...boundOf({ call, body, price, serviceTier: options.serviceTier }),
  };
}

const chat = (body: JsonObject, options?: Parameters<typeof bounded>[2]) =>
  bounded(openAiChat, { model: "gpt-4o-mini", messages: hello, max_tokens: 10, ...body }, options);
const claude = (body: JsonObject, options?: Parameters<typeof bounded>[2]) =>
  bounded(
    anthropicMessages,
    { model: "claude-haiku-4-5", messages: hello, max_tokens: 10, ...body },
    options,
  );
const bytesOf = (body: JsonObject) => new TextEncoder().encode(JSON.stringify(body)).length;

describe("The input bound", () => {
  it("is the bytes of the body and what templates may add", () => {
    const body = { model: "gpt-4o-mini", messages: hello, max_tokens: 10 };
    expect(chat({}).inputTokens).toBe(bytesOf(body) + 1_024);
  });

  it("grows with text byte by byte", () => {
    const long = [{ role: "user", content: "é".repeat(1_000) }];
    const short = [{ role: "user", content: "" }];
    expect(chat({ messages: long }).inputTokens - chat({ messages: short }).inputTokens).toBe(2_000);
  });

  it("counts text that grows when it is normalised at its normal form, escaped in the body or not", () => {
    const one = "ﷺ";
    const growth =
      chat({ messages: [{ role: "user", content: one.repeat(101) }] }).inputTokens -
      chat({ messages: [{ role: "user", content: one }] }).inputTokens;
    expect(growth).toBe(100 * new TextEncoder().encode(one.normalize("NFKC")).length);
    const escaped = JSON.parse(`{"messages":[{"role":"user","content":"\\ufdfa"}]}`);
    expect(chat(escaped).inputTokens).toBe(chat({ messages: [{ role: "user", content: one }] }).inputTokens);
  });

  it("is never above the context window", () => {
    expect(chat({ messages: [{ role: "user", content: "x".repeat(500_000) }] }).inputTokens).toBe(128_000);
  });

  it("has an allowance for an image in place of its bytes", () => {
    const image = (data: string) => ({
      type: "image_url",
      image_url: { url: `data:image/png;base64,${data}` },
    });
    const small = chat({ model: "gpt-4o", messages: [{ role: "user", content: [image("AAAA")] }] });
    const large = chat({
      model: "gpt-4o",
      messages: [{ role: "user", content: [image("A".repeat(90_000))] }],
    });
    expect(large.inputTokens).toBe(small.inputTokens);
    expect(small.inputTokens).toBeGreaterThan(16_384);
    const claudeImage = {
      type: "image",
      source: { type: "base64", media_type: "image/png", data: "A".repeat(90_000) },
    };
    const result = { type: "tool_result", tool_use_id: "t", content: [claudeImage] };
    expect(claude({ messages: [{ role: "user", content: [result] }] }).inputTokens).toBeLessThan(8_000);
  });

  it("allows for every patch of a large image since gpt-5.6, which scales none down", () => {
    const image = { type: "image_url", image_url: { url: "https://a.example/b.png" } };
    const large = (model: string) =>
      chat({ model, messages: [{ role: "user", content: [image] }] }).inputTokens;
    for (const model of ["gpt-5.6-sol", "gpt-6-luna", "gpt-6.1-sol"]) {
      expect(large(model)).toBeGreaterThan(30_000 * 1.2);
    }
    expect(large("gpt-5.4")).toBeLessThan(20_000);
  });

  it("takes no text for Base64, however an image or a sound calls it", () => {
    const text = "not base64, ".repeat(1_000);
    const parts = [
      { type: "image_url", image_url: { url: `data:image/png;base64,${text}` } },
      { type: "input_audio", input_audio: { data: text, format: "mp3" } },
    ];
    for (const part of parts) {
      expect(chat({ messages: [{ role: "user", content: [part] }] }).inputTokens).toBeGreaterThan(12_000);
    }
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: text } };
    expect(claude({ messages: [{ role: "user", content: [image] }] }).inputTokens).toBeGreaterThan(12_000);
  });

  it("does not take text for an image because it says so", () => {
    const input = { type: "image", source: { type: "base64", data: "x".repeat(5_000) } };
    const call = { type: "tool_use", id: "t", name: "draw", input };
    expect(claude({ messages: [{ role: "assistant", content: [call] }] }).inputTokens).toBeGreaterThan(6_000);
  });

  it.each([
    [
      "a file",
      () => chat({ messages: [{ role: "user", content: [{ type: "file", file: { file_id: "f" } }] }] }),
    ],
    ["an earlier spoken answer", () => chat({ messages: [{ role: "assistant", audio: { id: "a" } }] })],
    ["content of an unknown form", () => chat({ messages: [{ role: "user", content: { type: "text" } }] })],
  ])("is the context window for %s, whose size the body does not show", (_name, make) => {
    expect(make().inputTokens).toBe(128_000);
  });

  it("is the context window for PDFs, addresses and server-held turns of Claude", () => {
    const document = (source: JsonObject) => ({
      messages: [{ role: "user", content: [{ type: "document", source }] }],
    });
    expect(claude(document({ type: "base64", data: "AAAA" })).inputTokens).toBe(200_000);
    expect(claude(document({ type: "url", url: "https://x" })).inputTokens).toBe(200_000);
    expect(claude({ system: { type: "text" } }).inputTokens).toBe(200_000);
    expect(claude({ thread: { type: "continue", previous_message_id: "m" } }).inputTokens).toBe(200_000);
    expect(claude(document({ type: "text", data: "short" })).inputTokens).toBeLessThan(2_000);
  });

  it("needs a known window where only that bounds it", () => {
    const file = [{ role: "user", content: [{ type: "file", file: {} }] }];
    const price = { input: "1", output: "1", maxOutputTokens: 10 };
    expect(() => chat({ model: "mine", messages: file }, { price })).toThrow(
      /context window of mine is not known/,
    );
  });
});

describe("The output bound", () => {
  const output = ({ tokens, inputTokens }: { tokens: number; inputTokens: number }) => tokens - inputTokens;

  it("is the request's own limit for each choice", () => {
    expect(output(chat({ max_tokens: 7 }))).toBe(7);
    expect(output(chat({ max_tokens: 7, max_completion_tokens: 9 }))).toBe(9);
    expect(output(chat({ max_tokens: 7, n: 4 }))).toBe(28);
    expect(output(chat({ max_tokens: 7, n: 2, best_of: 4 }))).toBe(28);
    expect(output(claude({ max_tokens: 7 }))).toBe(7);
  });

  it.each([undefined, null])("is the model's maximum where the limit is %s", (limit) => {
    expect(output(chat({ max_tokens: limit }))).toBe(16_384);
    expect(output(claude({ max_tokens: limit }))).toBe(64_000);
  });

  it.each([-1, 1.5, "9", [5], {}, true])("refuses a limit or a number of choices of %j", (value) => {
    for (const field of ["max_tokens", "max_completion_tokens", "n", "best_of"]) {
      expect(() => chat({ [field]: value })).toThrow(InvalidUsageError);
      expect(() => chat({ [field]: value })).toThrow(field);
    }
    expect(() => claude({ max_tokens: value })).toThrow(InvalidUsageError);
  });

  it("is nothing for a call to Claude that only fills the cache; elsewhere a limit of 0 has no meaning", () => {
    expect(output(claude({ max_tokens: 0 }))).toBe(0);
    expect(() => chat({ max_tokens: 0 })).toThrow(InvalidUsageError);
  });

  it("needs a maximum from somewhere", () => {
    expect(() => chat({ model: "mine", max_tokens: null }, { price: { input: "1", output: "1" } })).toThrow(
      /Nothing limits the output of mine/,
    );
  });
});

describe("An output limit can be lowered", () => {
  const lowering = (made: ReturnType<typeof chat>) => made.call.output.lowering;

  it("to 16 tokens, unless a thinking budget has to stay below it", () => {
    expect(lowering(chat({}))).toEqual({ floorTokens: 16, structured: false });
    const budget = { type: "enabled", budget_tokens: 3_000 };
    expect(lowering(chat({ thinking: budget }))?.floorTokens).toBe(3_001);
    expect(lowering(chat({ reasoning: { max_tokens: 2_000 } }))?.floorTokens).toBe(2_001);
    const thinking = { type: "enabled", budget_tokens: 1_024 };
    expect(lowering(chat({ thinking }))?.floorTokens).toBe(1_025);
    expect(lowering(claude({ max_tokens: 2_000, thinking }))?.floorTokens).toBe(1_025);
    expect(lowering(claude({ max_tokens: 1_024, thinking }))).toBeUndefined();
    expect(lowering(claude({ thinking: { type: "adaptive" } }))?.floorTokens).toBe(16);
  });

  it("but the answer is then worthless where it has to be whole JSON", () => {
    for (const type of ["json_object", "json_schema"]) {
      expect(lowering(chat({ response_format: { type } }))?.structured).toBe(true);
    }
    expect(lowering(chat({ response_format: { type: "text" } }))?.structured).toBe(false);
    expect(lowering(claude({ output_config: { format: { type: "json_schema" } } }))?.structured).toBe(true);
    expect(lowering(claude({ output_format: { type: "json_schema" } }))?.structured).toBe(true);
    expect(lowering(claude({ output_config: { effort: "low" } }))?.structured).toBe(false);
  });

  it("but not beside a predicted output, with which OpenAI takes no limit", () => {
    expect(lowering(chat({ prediction: { type: "content", content: "x" } }))).toBeUndefined();
  });

  it("in each field that the caller used, and else in the one that the model knows", () => {
    const lowered = (provider: string, body: JsonObject) =>
      openAiChat.withOutputLimit({ url, provider, body: { model: "m", ...body } }, 5);
    expect(lowered("openai", { max_tokens: 9 })).toEqual({ model: "m", max_tokens: 5 });
    expect(lowered("groq", { max_completion_tokens: 9 })).toEqual({ model: "m", max_completion_tokens: 5 });
    const both = { max_completion_tokens: 9, max_tokens: 9 };
    expect(lowered("groq", both)).toEqual({ model: "m", max_completion_tokens: 5, max_tokens: 5 });
    expect(lowered("openai", { max_tokens: null })).toMatchObject({ max_completion_tokens: 5 });
    expect(lowered("groq", {})).toEqual({ model: "m", max_tokens: 5 });
    expect(lowered("azure", {})).toEqual({ model: "m", max_completion_tokens: 5 });
  });
});

describe("The rates of a bound", () => {
  const price: Price = {
    input: "1",
    output: "2",
    cacheWrite: "3",
    cacheWrite1h: "5",
    audioInput: "7",
    audioOutput: "11",
    imageOutput: "13",
  };
  const cost = (
    result: { nanoUsd: number; tokens: number; inputTokens: number },
    input: number,
    output: number,
  ) =>
    expect(result.nanoUsd).toBe(
      result.inputTokens * input * 1_000 + (result.tokens - result.inputTokens) * output * 1_000,
    );
  const cached = (control: JsonObject) => [
    { role: "user", content: [{ type: "text", text: "a", cache_control: control }] },
  ];

  it("are no dearer than the body can trigger", () => {
    cost(claude({ model: "mine" }, { price }), 1, 2);
    cost(claude({ model: "mine", messages: cached({ type: "ephemeral" }) }, { price }), 3, 2);
    cost(claude({ model: "mine", messages: cached({ type: "ephemeral", ttl: "1h" }) }, { price }), 5, 2);
    cost(claude({ model: "mine", cache_control: { type: "ephemeral" } }, { price }), 3, 2);
  });

  it("allow for a cache that is written unasked, where a provider does", () => {
    cost(chat({ model: "mine" }, { price }), 3, 2);
    const inputNanoUsd = (provider: string, model: string, body: JsonObject = {}) => {
      const asked = { model, messages: hello, max_tokens: 1, ...body };
      const found = createPriceBook().find(provider, model);
      const call = openAiChat.readCall({ url, provider, body: asked });
      const bound = boundOf({ call, body: asked, price: found, serviceTier: "default" });
      return bound.nanoUsd / (bound.tokens - 1);
    };
    // 3 dollars a million, written 3.75.
    const claudeThere = ["google", "anthropic/claude-sonnet-4"] as const;
    expect(inputNanoUsd(...claudeThere)).toBeLessThan(3_100);
    expect(inputNanoUsd(...claudeThere, { cache_control: { type: "ephemeral" } })).toBeGreaterThan(3_750);
  });

  it("are those of audio and images where the request has them", () => {
    const audio = [
      { role: "user", content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } }] },
    ];
    cost(chat({ model: "mine", messages: audio }, { price }), 7, 2);
    cost(chat({ model: "mine", modalities: ["text", "audio"] }, { price }), 3, 11);
    cost(chat({ model: "mine", modalities: ["image"] }, { price }), 3, 13);
  });

  it("are those of the priority tier unless the request or the user excludes it", () => {
    const standard = chat({}, { serviceTier: "default" }).nanoUsd;
    expect(chat({ service_tier: "default" }).nanoUsd).toBeLessThan(chat({}).nanoUsd);
    expect(chat({}).nanoUsd).toBeGreaterThan(standard);
    expect(chat({ service_tier: "auto" }, { serviceTier: "default" }).nanoUsd).toBeLessThan(chat({}).nanoUsd);
    for (const service_tier of ["priority", "fast", "scale"]) {
      expect(chat({ service_tier }, { serviceTier: "default" }).nanoUsd).toBeGreaterThan(standard * 1.2);
    }
  });
});

describe("A list that bears on the cost", () => {
  it.each(["messages", "modalities", "tools", "plugins", "data_sources", "models"])(
    "is refused as %s of a chat that is none",
    (field) => {
      for (const value of ["audio", { type: "web" }, true]) {
        expect(() => chat({ [field]: value })).toThrow(InvalidUsageError);
        expect(() => chat({ [field]: value })).toThrow(field);
      }
      if (field !== "messages") expect(chat({ [field]: null }).inputTokens).toBeLessThan(2_000);
    },
  );

  it.each(["messages", "tools", "mcp_servers"])("is refused as %s of Claude that is none", (field) => {
    expect(() => claude({ [field]: { type: "url" } })).toThrow(InvalidUsageError);
    expect(() => claude({ [field]: { type: "url" } })).toThrow(field);
  });
});

describe("A call is unbounded, and says why,", () => {
  const tools = (type: string) => ({ tools: [{ type, name: "x" }] });

  it.each<[string, () => ReturnType<typeof chat>, RegExp]>([
    ["with a tool that OpenAI runs", () => chat(tools("web_search")), /runs itself/],
    ["with an MCP server", () => chat(tools("mcp")), /MCP/],
    ["with a web search", () => chat({ web_search_options: {} }), /web search/],
    ["with a model that searches", () => chat({ model: "gpt-4o-search-preview" }), /web search/],
    ["with data sources of Azure's", () => chat({ data_sources: [{ type: "azure_search" }] }), /runs itself/],
    ["with plug-ins", () => chat({ plugins: [{ id: "web" }] }), /runs itself/],
    ["with other models to fall back to", () => chat({ models: ["gpt-4o"] }), /another model/],
    ["with a tool of an unknown form", () => chat({ tools: ["web_search"] }), /runs itself/],
    ["with a search of an unknown form", () => chat({ search_parameters: "on" }), /web search/],
    ["in the background, in whatever words", () => chat({ background: "true" }), /background/],
    ["with several passes", () => chat({ reasoning: { mode: "pro" } }), /several passes/],
    ["with a tool that Anthropic runs", () => claude(tools("web_search_20260318")), /runs itself/],
    ["with code execution", () => claude(tools("code_execution_20260521")), /runs itself/],
    ["with an advisor", () => claude(tools("advisor_20260301")), /runs itself/],
    ["with MCP servers of Claude", () => claude({ mcp_servers: [{ url: "https://x" }] }), /MCP/],
    ["with a container", () => claude({ container: "c" }), /running time/],
    [
      "with compaction",
      () => claude({ context_management: { edits: [{ type: "compact_20260112" }] } }),
      /compaction/,
    ],
    ["with a tool of an unknown form", () => claude({ tools: ["web_search"] }), /runs itself/],
    ["with management of an unknown form", () => claude({ context_management: "compact" }), /compaction/],
    ["with fallbacks", () => claude({ fallbacks: "default" }), /another model/],
  ])("%s", (_name, make, reason) => {
    const { call } = make();
    expect(() => assertBounded(call)).toThrow(reason);
    expect(() => assertBounded(call)).toThrow(/allowUnbounded/);
  });

  it("with the fees of the searches that it allows held, where it is admitted all the same", () => {
    const search = (max_uses?: number) =>
      claude({ tools: [{ type: "web_search_20260318", name: "web_search", ...(max_uses && { max_uses }) }] });
    const fee = (uses: number) => search(uses).nanoUsd - search(uses + 1).nanoUsd;
    expect(-fee(3)).toBe(10_000_000);
    expect(() => assertBounded(search(3).call)).toThrow(/runs itself/);
    expect(() => search(-1)).toThrow(InvalidUsageError);
  });

  it.each([
    ["functions", () => chat({ tools: [{ type: "function", function: { name: "f" } }] })],
    ["what is switched off", () => chat({ background: false, search_parameters: null })],
    ["custom tools", () => chat({ tools: [{ type: "custom", custom: { name: "f" } }] })],
    ["tools of one's own", () => claude({ tools: [{ name: "f", input_schema: {} }] })],
    ["tools that the caller runs", () => claude(tools("bash_20250124"))],
    [
      "clearing edits",
      () => claude({ context_management: { edits: [{ type: "clear_tool_uses_20250919" }] } }),
    ],
  ])("but not with %s", (_name, make) => {
    expect(() => assertBounded(make().call)).not.toThrow();
  });

  it("and a tool that the provider defines brings its prompt", () => {
    expect(claude(tools("bash_20250124")).inputTokens - claude(tools("bash")).inputTokens).toBe(1_024 + 9);
  });
});
