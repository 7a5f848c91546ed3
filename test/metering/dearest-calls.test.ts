/** Calls that cost the most their request can be billed as: none costs more than was held for it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPriceBook } from "../../src/pricing/price-book.ts";
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

const picture = { type: "image_url", image_url: { url: "https://a.example/b.png" } };

describe("A hold covers an image by the model that sees it", () => {
  // 2,833 + 8 × 5,667 tokens, the most that gpt-4o-mini counts.
  const answer = chatAnswer(48_169, 10, "gpt-4o-mini-2024-07-18");
  const seen = { address: AZURE, body: { messages: said(picture), max_tokens: 10 }, answer };

  it("where `models` says which one a deployment is", async () => {
    await calls.expectCovered({
      ...seen,
      options: { prices: createPriceBook({ models: { eyes: "gpt-4o-mini" } }) },
    });
  });

  it("and where nobody says it", async () => {
    const unknownModel = { input: "0.15", output: "0.6" };
    await calls.expectCovered({ ...seen, options: { prices: createPriceBook({ unknownModel }) } });
    const customPricing = { openai: { mine: { input: "0.15", output: "0.6" } } };
    await calls.expectCovered({
      ...seen,
      address: OPENAI,
      body: { ...seen.body, model: "mine" },
      answer: chatAnswer(48_169, 10, "mine"),
      options: { prices: createPriceBook({ customPricing }) },
    });
  });

  it("and takes no more than a third of that for other models of the table", async () => {
    const body = { model: "gpt-4o", messages: said(picture), max_tokens: 10 };
    const { held } = await calls.call({ address: OPENAI, body, answer: chatAnswer(900, 10, "gpt-4o") });
    expect(held.tokens).toBeLessThan(18_000);
  });

  it("at low detail, which other vendors need not heed", async () => {
    const small = { type: "image_url", image_url: { ...picture.image_url, detail: "low" } };
    const body = { messages: said(small), max_tokens: 10 };
    await calls.expectCovered({
      address: GEMINI_CHAT,
      body: { ...body, model: "gemini-2.5-flash" },
      answer: chatAnswer(6_708, 10, "gemini-2.5-flash"),
    });
  });
});

describe("A hold covers a whole answer beside a predicted output", () => {
  it("since OpenAI refuses a limit there: none is written, as a default or a lower one", async () => {
    const body = { model: "gpt-4o", messages: said(), prediction: { type: "content", content: "x" } };
    const options = { defaultMaxOutputTokens: 50, clamp: { floorTokens: 16 } };
    await calls.expectCovered({ address: OPENAI, body, answer: chatAnswer(9, 16_384, "gpt-4o"), options });
    expect(calls.requests.map((request) => request.body)).toEqual([body]);
  });
});

describe("A hold covers an output limit wherever it stands", () => {
  const hi = { messages: [{ role: "user", content: "Hi" }] };

  it("in a thinking budget above Claude's limit, whose thoughts go on between calls of tools", async () => {
    const model = "claude-sonnet-4-5";
    const usage = { input_tokens: 10, output_tokens: 62_000 };
    await calls.expectCovered({
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
    { thinking: { type: "enabled", budget_tokens: 5_000 } },
    { reasoning_config: { type: "enabled", budget_tokens: 5_000 } },
  ])("among a model's own fields in Converse: %j", async (additionalModelRequestFields) => {
    const usage = { inputTokens: 10, outputTokens: 5_000, totalTokens: 5_010 };
    await calls.expectCovered({
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
    await calls.expectCovered(heard(sound("mp3", Math.ceil((seconds * 1_000 * 4) / 3)), seconds * 32));
  });

  it("and by the context window where silence takes no bytes", async () => {
    await calls.expectCovered(heard(sound("ogg", 4_000), 500_000));
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
    await calls.expectCovered({ address: HOST, body: { ...asked, model }, headers, answer: answer(model) });
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
    await calls.expectCovered({
      address,
      body: { ...asked, anthropic_beta: [beta] },
      answer: answer(name === "Vertex, Sonnet 4" ? "claude-sonnet-4" : "claude-sonnet-4-5"),
    });
  });

  it("by a field of Claude's own in Converse", async () => {
    await calls.expectCovered({
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
    const { held } = await calls.call({ address: HOST, body, answer: short });
    expect(held.tokens).toBe(201_000);
  });
});
