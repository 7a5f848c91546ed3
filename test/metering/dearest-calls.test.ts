/** Calls that cost the most their request can be billed as: over real HTTP, none costs more than was held for it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UnboundedCallError } from "../../src/errors.ts";
import type { HeldBound } from "../../src/metering/calls.ts";
import { createMeteredFetch, type MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { JsonObject } from "../../src/providers/json.ts";
import { failure } from "../support/outcomes.ts";
import { json, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

let upstream: Upstream;
let meter: MemoryTestMeter;

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter({ usd: "1000000" });
});
afterEach(() => upstream.close());

interface Asked {
  address: string;
  body: JsonObject;
  headers?: Record<string, string>;
  /** What the provider answers. */
  answer: object;
  options?: Partial<MeteredFetchOptions>;
}

/** Sends to a provider's address; the local server gets it in the provider's place. */
async function call({ address, body, headers = {}, answer, options = {} }: Asked) {
  const bounds: HeldBound[] = [];
  upstream.answer = json(answer);
  const fetch = createMeteredFetch({
    meter: {
      ...meter.meter,
      hold(bound, id) {
        bounds.push(bound);
        return meter.meter.hold(bound, id);
      },
    },
    prices: createPriceBook(),
    fetch: (input, init) => globalThis.fetch(upstream.url + new URL(String(input)).pathname, init),
    ...options,
  });
  const before = await meter.standing();
  const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  await response.text();
  const after = await meter.standing();
  const spentNanoUsd = after.spentNanoUsd - before.spentNanoUsd;
  const spentTokens = after.spentTokens - before.spentTokens;
  const [held = { nanoUsd: 0, tokens: 0 }] = bounds;
  return { held, spentNanoUsd, spentTokens };
}

async function expectCovered(asked: Asked): Promise<void> {
  const { held, spentNanoUsd, spentTokens } = await call(asked);
  expect(meter.events.at(-1)?.receipt?.source).toBe("reported");
  expect(spentTokens).toBeGreaterThan(0);
  expect(held.tokens).toBeGreaterThanOrEqual(spentTokens);
  expect(held.nanoUsd).toBeGreaterThanOrEqual(spentNanoUsd);
}

const OPENAI = "https://api.openai.com/v1/chat/completions";
const AZURE = "https://ours.openai.azure.com/openai/deployments/eyes/chat/completions?api-version=2024-10-21";
const GEMINI_CHAT = "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions";
const said = (...content: object[]) => [{ role: "user", content }];
const picture = { type: "image_url", image_url: { url: "https://a.example/b.png" } };
const chatAnswer = (prompt_tokens: number, completion_tokens: number, model = "gpt-4o-mini-2024-07-18") => ({
  model,
  choices: [{ index: 0 }],
  usage: { prompt_tokens, completion_tokens },
});

describe("A hold covers an image by the model that sees it", () => {
  // 2,833 + 8 × 5,667 tokens, the most that gpt-4o-mini counts.
  const answer = chatAnswer(48_169, 10);
  const seen = { address: AZURE, body: { messages: said(picture), max_tokens: 10 }, answer };

  it("where `models` says which one a deployment is", async () => {
    await expectCovered({
      ...seen,
      options: { prices: createPriceBook({ models: { eyes: "gpt-4o-mini" } }) },
    });
  });

  it("and where nobody says it", async () => {
    const unknownModel = { input: "0.15", output: "0.6" };
    await expectCovered({ ...seen, options: { prices: createPriceBook({ unknownModel }) } });
    const customPricing = { openai: { mine: { input: "0.15", output: "0.6" } } };
    await expectCovered({
      ...seen,
      address: OPENAI,
      body: { ...seen.body, model: "mine" },
      answer: chatAnswer(48_169, 10, "mine"),
      options: { prices: createPriceBook({ customPricing }) },
    });
  });

  it("and takes no more than a third of that for other models of the table", async () => {
    const body = { model: "gpt-4o", messages: said(picture), max_tokens: 10 };
    const { held } = await call({ address: OPENAI, body, answer: chatAnswer(900, 10, "gpt-4o") });
    expect(held.tokens).toBeLessThan(18_000);
  });

  it("at low detail, which other vendors need not heed", async () => {
    const small = { type: "image_url", image_url: { ...picture.image_url, detail: "low" } };
    const body = { messages: said(small), max_tokens: 10 };
    await expectCovered({
      address: GEMINI_CHAT,
      body: { ...body, model: "gemini-2.5-flash" },
      answer: chatAnswer(6_708, 10, "gemini-2.5-flash"),
    });
  });
});

describe("A hold covers what a request brings along under another name", () => {
  const gemini = { model: "gemini-2.5-flash", messages: said({ type: "text", text: "Hi" }), max_tokens: 10 };

  it.each([
    ["extra_body", { extra_body: { google: { cached_content: "cachedContents/a" } } }],
    ["google", { google: { cachedContent: "cachedContents/a" } }],
  ])("contents that Gemini keeps, named in `%s`", async (_name, more) => {
    await expectCovered({
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
    await expectCovered({ address: GEMINI_CHAT, body, answer: chatAnswer(6_708, 10, gemini.model) });
  });

  it("pictures that nobody asked for", async () => {
    const model = "gemini-2.5-flash-image";
    const { held } = await call({
      address: GEMINI_CHAT,
      body: { ...gemini, model, max_tokens: 2_000 },
      answer: chatAnswer(10, 1_290, model),
    });
    expect(held.nanoUsd).toBeGreaterThanOrEqual(1_290 * 30_000);
  });

  it("an image in Anthropic's messages that another model sees", async () => {
    const content = [{ type: "image", source: { type: "url", url: "https://a.example/b.png" } }];
    const body = { model: "gpt-4o-mini", max_tokens: 10, messages: [{ role: "user", content }] };
    await expectCovered({
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
    const asked = call({ address, body, answer, options: { prices: createPriceBook({ models }) } });
    expect(await failure(asked)).toBeInstanceOf(UnboundedCallError);
    expect(upstream.requests).toEqual([]);
  });

  it("but not a stored prompt beside tools of the request's own", async () => {
    const body = { model: "gpt-4o", prompt, tools: [], max_output_tokens: 20 };
    const usage = { input_tokens: 120_000, output_tokens: 20 };
    await expectCovered({ address: RESPONSES, body, answer: { object: "response", model: "gpt-4o", usage } });
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
    const { held } = await call({ address, body, answer: {} });
    expect(held.tokens).toBeGreaterThanOrEqual(tokens);
  });
});

describe("A hold covers a whole answer beside a predicted output", () => {
  it("since OpenAI refuses a limit there: none is written, as a default or a lower one", async () => {
    const body = { model: "gpt-4o", messages: said(), prediction: { type: "content", content: "x" } };
    const options = { defaultMaxOutputTokens: 50, clamp: { floorTokens: 16 } };
    await expectCovered({ address: OPENAI, body, answer: chatAnswer(9, 16_384, "gpt-4o"), options });
    expect(upstream.requests.map((request) => request.body)).toEqual([body]);
  });
});

describe("A hold covers an output limit wherever it stands", () => {
  const hi = { messages: [{ role: "user", content: "Hi" }] };

  it("in a thinking budget above Claude's limit, whose thoughts go on between calls of tools", async () => {
    const model = "claude-sonnet-4-5";
    const usage = { input_tokens: 10, output_tokens: 62_000 };
    await expectCovered({
      address: "https://api.anthropic.com/v1/messages",
      body: { ...hi, model, max_tokens: 2_000, thinking: { type: "enabled", budget_tokens: 60_000 } },
      headers: { "anthropic-beta": "interleaved-thinking-2025-05-14" },
      answer: { type: "message", model, content: [], usage },
    });
  });

  it.each([
    { inferenceConfig: { max_new_tokens: 5_000 } },
    { textGenerationConfig: { maxTokenCount: 5_000 } },
    { max_tokens_to_sample: 5_000 },
  ])("among a model's own fields in Converse: %j", async (additionalModelRequestFields) => {
    const usage = { inputTokens: 10, outputTokens: 5_000, totalTokens: 5_010 };
    await expectCovered({
      address: "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse",
      body: { messages: [], inferenceConfig: { maxTokens: 10 }, additionalModelRequestFields },
      answer: { output: { message: {} }, stopReason: "end_turn", usage },
    });
  });
});

describe("A hold covers sound by its length", () => {
  const sound = (format: string, characters: number) => ({
    type: "input_audio",
    input_audio: { data: "A".repeat(characters), format },
  });
  const heard = (part: object, prompt_tokens: number) => ({
    address: GEMINI_CHAT,
    body: { model: "gemini-2.5-flash", messages: said(part), max_tokens: 10 },
    answer: {
      ...chatAnswer(prompt_tokens, 10, "gemini-2.5-flash"),
      usage: {
        prompt_tokens,
        completion_tokens: 10,
        prompt_tokens_details: { audio_tokens: prompt_tokens },
      },
    },
  });

  it("at Gemini's 32 tokens a second of the poorest MP3, over its path for OpenAI's SDKs too", async () => {
    const seconds = 600;
    await expectCovered(heard(sound("mp3", Math.ceil((seconds * 1_000 * 4) / 3)), seconds * 32));
  });

  it("and by the context window where silence takes no bytes", async () => {
    await expectCovered(heard(sound("ogg", 4_000), 500_000));
  });
});

describe("A hold covers the longer context that a request to Claude opens", () => {
  const text = "word ".repeat(80_000);
  const usage = { input_tokens: 390_000, output_tokens: 1_000 };
  const answer = (model: string) => ({ type: "message", model, content: [], usage });
  const asked = { max_tokens: 1_000, messages: [{ role: "user", content: text }] };
  const beta = "context-1m-2025-08-07";
  const HOST = "https://claude.example/v1/messages";

  it.each(["claude-sonnet-4-5", "claude-sonnet-4-20250514"])("by a header: %s", async (model) => {
    const headers = { "anthropic-beta": `files-api-2025-04-14,${beta}` };
    await expectCovered({ address: HOST, body: { ...asked, model }, headers, answer: answer(model) });
  });

  it.each([
    [
      "Bedrock",
      "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke",
    ],
    [
      "Vertex",
      "https://aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
    ],
    [
      "Vertex, Sonnet 4",
      "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4@20250514:rawPredict",
    ],
  ])("by a field of the body, at %s", async (name, address) => {
    await expectCovered({
      address,
      body: { ...asked, anthropic_beta: [beta] },
      answer: answer(name === "Vertex, Sonnet 4" ? "claude-sonnet-4" : "claude-sonnet-4-5"),
    });
  });

  it("by a field of Claude's own in Converse", async () => {
    await expectCovered({
      address:
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
      body: {
        messages: [{ role: "user", content: [{ text }] }],
        inferenceConfig: { maxTokens: 1_000 },
        additionalModelRequestFields: { anthropic_beta: [beta] },
      },
      answer: {
        output: { message: {} },
        stopReason: "end_turn",
        usage: { inputTokens: 390_000, outputTokens: 1_000, totalTokens: 391_000 },
      },
    });
  });

  it("and not without it", async () => {
    const body = { ...asked, model: "claude-sonnet-4-5" };
    const short = { ...answer("claude-sonnet-4-5"), usage: { input_tokens: 9, output_tokens: 9 } };
    const { held } = await call({ address: HOST, body, answer: short });
    expect(held.tokens).toBe(201_000);
  });
});
