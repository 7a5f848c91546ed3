import { describe, expect, it } from "vitest";
import { anthropicMessages } from "../../src/providers/anthropic-messages.ts";
import { openAiChat } from "../../src/providers/openai-chat.ts";
import type { UsageContext } from "../../src/providers/provider.ts";

const plain: UsageContext = { cacheWrite: undefined, fast: false, regional: false };

function anthropicReader(call: UsageContext = plain) {
  const reader = anthropicMessages.readEvents(call);
  return {
    reader,
    start: (usage: object) =>
      reader.read(JSON.stringify({ type: "message_start", message: { model: "m", usage } })),
    delta: (usage: object, stop_reason: string | null = "end_turn") =>
      reader.read(JSON.stringify({ type: "message_delta", delta: { stop_reason }, usage })),
    stop: () => reader.read(JSON.stringify({ type: "message_stop" })),
  };
}

describe("A stream of Anthropic's", () => {
  it("is final after message_stop, however it ends, and after the last message_delta if it closes there", () => {
    const { reader, start, delta, stop } = anthropicReader();
    const state = () => [reader.ended, reader.complete];
    start({ input_tokens: 5, output_tokens: 1 });
    expect(state()).toEqual([false, false]);
    delta({ output_tokens: 3 }, null);
    expect(state()).toEqual([false, false]);
    delta({ output_tokens: 4 });
    expect(state()).toEqual([false, true]);
    stop();
    expect(state()).toEqual([true, true]);
    expect(reader.usage()?.models).toEqual([{ model: "m", tokens: { inputTokens: 5, outputTokens: 4 } }]);
  });

  it("knows nothing before it has said something", () => {
    expect(anthropicReader().reader.usage()).toBeUndefined();
  });
});

describe("Cache writes of Anthropic's that the split does not explain", () => {
  const usage = { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 30 };
  const written = (call: UsageContext, split: object) => {
    const body = { type: "message", model: "m", usage: { ...usage, ...split } };
    return anthropicMessages.readAnswer(body, call)?.models[0].tokens;
  };

  it("are of the hour's kind if the request asked for an hour, else of the five minutes'", () => {
    expect(written(plain, {})).toMatchObject({ cacheWriteTokens: 30 });
    expect(written({ ...plain, cacheWrite: "1h" }, {})).toMatchObject({ cacheWrite1hTokens: 30 });
    const split = { cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 5 } };
    expect(written({ ...plain, cacheWrite: "1h" }, split)).toMatchObject({
      cacheWriteTokens: 10,
      cacheWrite1hTokens: 20,
    });
  });
});

describe("The service tier of an answer", () => {
  const tier = (service_tier: string) =>
    anthropicMessages.readAnswer(
      { type: "message", usage: { input_tokens: 1, output_tokens: 1, service_tier } },
      plain,
    )?.models[0].tokens.serviceTier;

  it("is a price of its own for Anthropic's batches, and not for capacity that was bought beforehand", () => {
    expect(["batch", "priority", "standard"].map(tier)).toEqual(["batch", undefined, undefined]);
  });
});

describe("A stream of OpenAI's", () => {
  it("is final after [DONE], and after its usage if it closes there", () => {
    const reader = openAiChat.readEvents(plain);
    const chunk = (more: object) => reader.read(JSON.stringify({ model: "m", choices: [], ...more }));
    chunk({ usage: { prompt_tokens: 1, completion_tokens: 1 } });
    expect([reader.ended, reader.complete]).toEqual([false, false]);
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    expect([reader.ended, reader.complete]).toEqual([false, true]);
    reader.read("[DONE]");
    expect([reader.ended, reader.complete]).toEqual([true, true]);
  });
});

describe("An error that bills nothing has its API's own form", () => {
  it.each([
    [true, openAiChat, { error: { message: "m", type: "t" } }],
    [true, openAiChat, { error: { code: "DeploymentNotFound", message: "m" } }],
    [true, openAiChat, { object: "error", message: "m", code: 400 }],
    [true, openAiChat, { object: "error", message: { detail: [] } }],
    [true, openAiChat, { code: "invalid-argument", error: "m" }],
    [false, openAiChat, { error: "m" }],
    [false, openAiChat, { message: "Bad gateway" }],
    [false, openAiChat, {}],
    [true, anthropicMessages, { type: "error", error: { type: "t", message: "m" } }],
    [false, anthropicMessages, { error: { message: "m" } }],
    [false, anthropicMessages, { type: "error" }],
  ])("%s: %o", (expected, api, body) => {
    expect(api.isErrorBody(body, 500)).toBe(expected);
  });

  it.each([
    ["Azure's", { statusCode: 401, message: "m" }],
    ["Cerebras's", { message: "m", type: "t", param: "p", code: "c" }],
    ["Mistral's", { message: "m", request_id: "r" }],
    ["Mistral's and Voyage's", { detail: "m" }],
    ["Mistral's for a malformed body", { detail: [{ loc: ["body"], msg: "m" }] }],
    ["xAI's and Ollama's", { error: "m" }],
  ])("or the one in which a request is refused before any model has it: %s", (_, body) => {
    const statuses = [400, 401, 422, 429];
    expect(statuses.filter((status) => openAiChat.isErrorBody(body, status))).toEqual(statuses);
    expect([424, 500, 502].filter((status) => openAiChat.isErrorBody(body, status))).toEqual([]);
  });
});
