import { describe, expect, it } from "vitest";
import { InvalidUsageError, UnknownModelError } from "../../src/errors.ts";
import { usageFromResponse } from "../../src/metering/response-usage.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";

const prices = createPriceBook({ models: { deployed: "gpt-4o-mini" } });
const chat = (model: string) => ({
  model,
  choices: [],
  usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
});
const message = (usage: object) => ({ type: "message", model: "claude-haiku-4-5", content: [], usage });

describe("Usage in a provider's answer", () => {
  it("is read and priced by the answer's shape and model", () => {
    expect(usageFromResponse(prices, chat("gpt-4o-mini-2024-07-18"))).toEqual({
      nanoUsd: 2_850,
      tokens: 10,
      requests: 1,
      provider: "openai",
      model: "gpt-4o-mini-2024-07-18",
      tokenKinds: { inputTokens: 7, outputTokens: 3 },
    });
    expect(usageFromResponse(prices, message({ input_tokens: 7, output_tokens: 3 }))).toMatchObject({
      nanoUsd: 22_000,
      provider: "anthropic",
    });
  });

  it("is that of responses and embeddings, too", () => {
    const usage = { input_tokens: 7, output_tokens: 3, total_tokens: 10 };
    const response = { object: "response", model: "gpt-4o-mini", status: "completed", output: [], usage };
    expect(usageFromResponse(prices, { ...response, output_text: "Hi" })).toMatchObject({
      nanoUsd: 2_850,
      tokens: 10,
      provider: "openai",
    });
    const data = [{ object: "embedding", index: 0, embedding: [0.1] }];
    const embeddings = { object: "list", model: "text-embedding-3-small", data, usage: { total_tokens: 5 } };
    expect(usageFromResponse(prices, embeddings)).toMatchObject({ nanoUsd: 100, tokens: 5 });
    const queued = { ...response, status: "queued", usage: null };
    expect(() => usageFromResponse(prices, queued)).toThrow(InvalidUsageError);
    const offered = { ...response, tools: [{ type: "code_interpreter" }] };
    expect(() => usageFromResponse(prices, offered)).toThrow(/No fee is known for the containers/);
  });

  it("is priced as the provider that was called, whose answers have another's shape", () => {
    const { provider, nanoUsd } = usageFromResponse(prices, chat("llama-3.3-70b-versatile"), {
      provider: "groq",
    });
    expect({ provider, nanoUsd }).toEqual({ provider: "groq", nanoUsd: 7 * 590 + 3 * 790 });
  });

  it("names the model that answered", () => {
    const called = { provider: "openai", model: "gpt-4o-mini" };
    const { model } = usageFromResponse(prices, chat("gpt-4o-mini-2024-07-18"), called);
    expect(model).toBe("gpt-4o-mini-2024-07-18");
  });

  it.each(["xai", "x-ai"])("costs what %s says that it cost, however the provider is spelled", (provider) => {
    const { usage } = chat("grok-4");
    const answer = { ...chat("grok-4"), usage: { ...usage, cost_in_usd_ticks: 120 } };
    expect(usageFromResponse(prices, answer, { provider }).nanoUsd).toBe(12);
  });

  it("is priced by the deployment on Azure", () => {
    const called = { provider: "azure", model: "deployed" };
    expect(usageFromResponse(prices, chat("gpt-4o"), called).nanoUsd).toBe(2_850);
  });

  it("is priced on Azure by a dated answer where the user names no model for the deployment", () => {
    const open = createPriceBook({
      models: { deployed: "gpt-4o-mini" },
      unknownModel: { input: "100", output: "100" },
    });
    const cost = (model: string, deployment: string) =>
      usageFromResponse(open, chat(model), { provider: "azure", model: deployment }).nanoUsd;
    expect(cost("gpt-4o-mini-2024-07-18", "mine")).toBe(2_850);
    expect(cost("gpt-4o-mini", "mine")).toBe(1_000_000);
    expect(cost("gpt-4o-2024-08-06", "deployed")).toBe(2_850);
    expect(cost("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18")).toBe(7 * 2_500 + 3 * 10_000);
    expect(cost("gpt-4o", "gpt-4o-mini-2024-07-18")).toBe(2_850);
    const strict = () => usageFromResponse(prices, chat("gpt-4o"), { provider: "azure", model: "mine" });
    expect(strict).toThrow(UnknownModelError);
  });

  it("is priced by what the user says of the called model where the answer's has no price", () => {
    const called = { provider: "openai", model: "deployed" };
    expect(usageFromResponse(prices, chat("served-by-vllm"), called).nanoUsd).toBe(2_850);
  });

  it("is priced model by model where several took part", () => {
    const iterations = [
      { type: "message", input_tokens: 10, output_tokens: 1 },
      { type: "advisor_message", model: "claude-opus-4-8", input_tokens: 100, output_tokens: 10 },
    ];
    const answer = message({ input_tokens: 10, output_tokens: 1, iterations });
    expect(usageFromResponse(prices, answer)).toMatchObject({
      nanoUsd: 10 * 1_000 + 5_000 + 100 * 5_000 + 10 * 25_000,
      tokens: 121,
      tokenKinds: { inputTokens: 10, outputTokens: 1 },
    });
  });

  it("is an error where its parts come to more together than any call can cost", () => {
    const pass = { type: "message", input_tokens: 1, output_tokens: 1e12 };
    const usage = (...iterations: object[]) => message({ input_tokens: 1, output_tokens: 1e12, iterations });
    expect(usageFromResponse(prices, usage(pass)).nanoUsd).toBe(5e15 + 1_000);
    const other = { ...pass, model: "claude-opus-4-8", output_tokens: 2e11 };
    expect(() => usageFromResponse(prices, usage(pass, other))).toThrow(InvalidUsageError);
  });

  it("is an error where it states more tokens than any call can use, whatever it says that they cost", () => {
    const answer = { ...chat("any"), usage: { prompt_tokens: 9e15, completion_tokens: 1, cost: 0.5 } };
    expect(() => usageFromResponse(prices, answer, { provider: "openrouter" })).toThrow(InvalidUsageError);
  });

  it("has the fee of one call, however many models took part", () => {
    const price = { input: "0", output: "0", perCall: "0.01" };
    const mine = createPriceBook({ customPricing: { anthropic: { a: price, b: price } } });
    const iterations = ["a", "b"].map((model) => ({
      type: "message",
      model,
      input_tokens: 1,
      output_tokens: 1,
    }));
    const answer = { ...message({ input_tokens: 1, output_tokens: 1, iterations }), model: "a" };
    expect(usageFromResponse(mine, answer).nanoUsd).toBe(10_000_000);
  });

  it("costs more in a region and in fast mode", () => {
    const usage = { input_tokens: 1_000, output_tokens: 0 };
    const cost = (more: object) =>
      usageFromResponse(prices, { ...message({ ...usage, ...more }), model: "claude-opus-4-8" }).nanoUsd;
    expect(cost({ inference_geo: "us" })).toBe(cost({}) * 1.1);
    expect(cost({ speed: "fast" })).toBe(cost({}) * 2);
    expect(cost({ inference_geo: "global", speed: "standard" })).toBe(cost({}));
  });

  it.each([
    ["in a region", { inference_geo: "us" }],
    ["in fast mode", { speed: "fast" }],
  ])("costs more %s in each of its parts", (_where, dearer) => {
    const counts = { input_tokens: 1_000, output_tokens: 10 };
    const cost = (model: string, more: object = {}) =>
      usageFromResponse(prices, { ...message({ ...counts, ...dearer, ...more }), model }).nanoUsd;
    const pass = { type: "message", ...counts };
    const iterations = [pass, { ...pass, type: "advisor_message", model: "claude-opus-4-8" }];
    const together = cost("claude-opus-4-7", { iterations });
    expect(together).toBe(cost("claude-opus-4-7") + cost("claude-opus-4-8"));
  });

  it.each([
    ["nothing", undefined],
    ["a text", "answer"],
    ["something else", { hello: 1 }],
    ["no usage", { model: "gpt-4o", choices: [] }],
    ["malformed usage", { ...chat("gpt-4o"), usage: { prompt_tokens: 1.5, completion_tokens: 1 } }],
    [
      "a poisoned detail",
      {
        ...chat("gpt-4o"),
        usage: { prompt_tokens: 9, completion_tokens: 1, prompt_tokens_details: { cached_tokens: -4 } },
      },
    ],
    ["no model", { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }],
  ])("is an error, never zero, in %s", (_name, response) => {
    expect(() => usageFromResponse(prices, response)).toThrow(InvalidUsageError);
  });

  it.each([0, 7])("is an error where it has no input and %d of output: no call goes without", (output) => {
    const usage = { prompt_tokens: 0, completion_tokens: output, total_tokens: output };
    const answer = { model: "gpt-4o-mini", choices: [{ message: { content: "Yes" } }], usage };
    expect(() => usageFromResponse(prices, answer)).toThrow(InvalidUsageError);
  });

  it("needs no input of its own where all of it was cached, or where it states its cost", () => {
    const cached = { input_tokens: 0, cache_read_input_tokens: 9, output_tokens: 7 };
    const message = { type: "message", model: "claude-haiku-4-5", usage: cached };
    expect(usageFromResponse(prices, message).tokens).toBe(16);
    const priced = { prompt_tokens: 0, completion_tokens: 7, cost: 0.5 };
    const answer = { model: "gpt-4o-mini", choices: [], usage: priced };
    expect(usageFromResponse(prices, answer, { provider: "openrouter" }).nanoUsd).toBe(500_000_000);
  });

  it("is an error for a model without a price", () => {
    expect(() => usageFromResponse(prices, chat("nobody-knows-me"))).toThrow(UnknownModelError);
  });
});
