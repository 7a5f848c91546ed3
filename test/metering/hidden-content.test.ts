/** Requests that bring along more than they show: the hold covers it, or nothing is sent. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UnboundedCallError } from "../../src/errors.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { JsonObject } from "../../src/providers/json.ts";
import { failure } from "../support/outcomes.ts";
import {
  AZURE,
  chatAnswer,
  GEMINI_CHAT,
  type HeldCalls,
  OPENAI,
  said,
  startHeldCalls,
} from "./held-calls.ts";

let calls: HeldCalls;

beforeEach(async () => {
  calls = await startHeldCalls();
});
afterEach(() => calls.close());

describe("A hold covers what a request brings along under another name", () => {
  const gemini = { model: "gemini-2.5-flash", messages: said({ type: "text", text: "Hi" }), max_tokens: 10 };

  it.each([
    ["extra_body", { extra_body: { google: { cached_content: "cachedContents/a" } } }],
    ["google", { google: { cachedContent: "cachedContents/a" } }],
  ])("contents that Gemini keeps, named in `%s`", async (_name, more) => {
    await calls.expectCovered({
      address: GEMINI_CHAT,
      body: { ...gemini, ...more },
      answer: {
        ...chatAnswer(900_000, 10, "gemini-2.5-flash"),
        usage: {
          prompt_tokens: 900_000,
          completion_tokens: 10,
          prompt_tokens_details: { audio_tokens: 900_000 },
        },
      },
    });
  });

  it("pictures of an earlier answer", async () => {
    const images = [{ type: "image_url", image_url: { url: "https://a.example/b.png" } }];
    const messages = [{ role: "assistant", content: "Look", images }, ...gemini.messages];
    const body = { ...gemini, messages };
    await calls.expectCovered({ address: GEMINI_CHAT, body, answer: chatAnswer(6_708, 10, gemini.model) });
  });

  it("pictures that nobody asked for", async () => {
    const model = "gemini-2.5-flash-image";
    const { held } = await calls.call({
      address: GEMINI_CHAT,
      body: { ...gemini, model, max_tokens: 2_000 },
      answer: chatAnswer(10, 1_290, model),
    });
    expect(held.nanoUsd).toBeGreaterThanOrEqual(1_290 * 30_000);
  });

  it("an image in Anthropic's messages that another model sees", async () => {
    const content = [{ type: "image", source: { type: "url", url: "https://a.example/b.png" } }];
    const body = { model: "gpt-4o-mini", max_tokens: 10, messages: [{ role: "user", content }] };
    await calls.expectCovered({
      address: "https://gateway.example/openai/v1/messages",
      body,
      answer: {
        type: "message",
        model: "gpt-4o-mini",
        content: [],
        usage: { input_tokens: 48_169, output_tokens: 10 },
      },
    });
  });
});

describe("A request that brings along what nothing bounds is refused", () => {
  const chat = { model: "gpt-4o", messages: said(), max_tokens: 10 };
  const answer = chatAnswer(9, 9, "gpt-4o");
  const RESPONSES = "https://api.openai.com/v1/responses";
  const prompt = { id: "pmpt_1" };

  it.each<[name: string, address: string, body: JsonObject]>([
    ["a tool without a type", OPENAI, { ...chat, tools: [{ googleSearch: {} }] }],
    ["a search by a switch", OPENAI, { ...chat, enable_search: true }],
    ["a search in the middle of the model's name", OPENAI, { ...chat, model: "gpt-4o:online:floor" }],
    ["Azure's older name for its data sources", AZURE, { ...chat, dataSources: [{}] }],
    ["the tools of a stored prompt", RESPONSES, { model: "gpt-4o", prompt, max_output_tokens: 20 }],
  ])("%s", async (_name, address, body) => {
    const models = { eyes: "gpt-4o", "gpt-4o:online:floor": "gpt-4o" };
    const asked = calls.call({ address, body, answer, options: { prices: createPriceBook({ models }) } });
    expect(await failure(asked)).toBeInstanceOf(UnboundedCallError);
    expect(calls.requests).toEqual([]);
  });

  it("but not a stored prompt beside tools of the request's own", async () => {
    const body = { model: "gpt-4o", prompt, tools: [], max_output_tokens: 20 };
    const usage = { input_tokens: 120_000, output_tokens: 20 };
    await calls.expectCovered({
      address: RESPONSES,
      body,
      answer: { object: "response", model: "gpt-4o", usage },
    });
  });
});

describe("A hold covers the whole context window where a request may stand for more than it shows", () => {
  const asked = (...content: unknown[]) => ({ max_tokens: 10, messages: [{ role: "user", content }] });
  const image = (url: string) => ({ type: "image_url", image_url: { url } });
  const PERPLEXITY = "https://api.perplexity.ai/chat/completions";
  const MISTRAL = "https://api.mistral.ai/v1/chat/completions";
  const RESPONSES = "https://api.openai.com/v1/responses";
  const CLAUDE = "https://api.anthropic.com/v1/messages";
  const NOVA = "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse";
  const document = { type: "document", source: { type: "url", url: "https://a.example/b.pdf" } };
  const file = { type: "input_file", file_id: "file_1" };

  it.each<[name: string, address: string, tokens: number, body: JsonObject]>([
    [
      "a film for Gemini, called an image",
      GEMINI_CHAT,
      1_048_576,
      { model: "gemini-2.5-flash", ...asked(image("https://a.example/b")) },
    ],
    [
      "a document for Gemini, called an image",
      GEMINI_CHAT,
      1_048_576,
      { model: "gemini-2.5-flash", ...asked(image("data:application/pdf;base64,AAAA")) },
    ],
    [
      "an image that Perplexity bills by its pixels",
      PERPLEXITY,
      128_000,
      { model: "sonar", ...asked(image("https://a.example/b")) },
    ],
    [
      "sound by its address",
      MISTRAL,
      128_000,
      {
        model: "pixtral-large-latest",
        ...asked({ type: "input_audio", input_audio: { data: "https://a.example/b.mp3", format: "mp3" } }),
      },
    ],
    [
      "parts in a list of their own",
      OPENAI,
      128_000,
      { model: "gpt-4o", ...asked([image("https://a.example/b")]) },
    ],
    [
      "messages in a list of their own",
      OPENAI,
      128_000,
      { model: "gpt-4o", max_tokens: 10, messages: [asked().messages] },
    ],
    [
      "items in a list of their own",
      RESPONSES,
      128_000,
      { model: "gpt-4o", max_output_tokens: 16, input: [[{ role: "user", content: [file] }]] },
    ],
    [
      "an item's parts in a list of their own",
      RESPONSES,
      128_000,
      { model: "gpt-4o", max_output_tokens: 16, input: [{ role: "user", content: [[file]] }] },
    ],
    [
      "Claude's blocks in a list of their own",
      CLAUDE,
      200_000,
      { model: "claude-haiku-4-5", ...asked([document]) },
    ],
    [
      "a block alone as what a tool answered",
      CLAUDE,
      200_000,
      { model: "claude-haiku-4-5", ...asked({ type: "tool_result", tool_use_id: "t", content: document }) },
    ],
    [
      "a document in what a search found",
      CLAUDE,
      200_000,
      { model: "claude-haiku-4-5", ...asked({ type: "search_result", content: [document] }) },
    ],
    [
      "messages among a model's own fields",
      NOVA,
      300_000,
      { inferenceConfig: { maxTokens: 10 }, additionalModelRequestFields: { messages: [{ role: "user" }] } },
    ],
  ])("%s", async (_name, address, tokens, body) => {
    const { held } = await calls.call({ address, body, answer: {} });
    expect(held.tokens).toBeGreaterThanOrEqual(tokens);
  });
});
