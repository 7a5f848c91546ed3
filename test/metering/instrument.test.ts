import Anthropic, { AnthropicError } from "@anthropic-ai/sdk";
import OpenAI, { OpenAIError } from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentLimitError, BudgetExceededError, InvalidOptionsError } from "../../src/errors.ts";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { instrumentAnthropicClient, instrumentOpenAIClient } from "../../src/metering/instrument.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { failure } from "./sdk-suite.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const prices = createPriceBook();
const messages = [{ role: "user" as const, content: "Hi" }];
const ask = { model: "gpt-4o-mini", messages };
const askClaude = { model: "claude-haiku-4-5", max_tokens: 64, messages };

let upstream: Upstream;
let meter: MemoryTestMeter;

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

const over =
  ({ meter }: MemoryTestMeter) =>
  (underneath: typeof fetch) =>
    createMeteredFetch({ meter, prices, fetch: underneath });
const newOpenAi = (fetch?: typeof globalThis.fetch) =>
  new OpenAI({ apiKey: "none", baseURL: `${upstream.url}/v1`, ...(fetch === undefined ? {} : { fetch }) });
const newAnthropic = () => new Anthropic({ apiKey: "none", baseURL: upstream.url });
const settles = async () => {
  await meter.standing();
  return meter.events.filter((event) => event.type === "settled").length;
};

describe("an instrumented client", () => {
  it("is the same client, and is metered", async () => {
    const openai = newOpenAi();
    expect(instrumentOpenAIClient(openai, over(meter))).toBe(openai);
    await openai.chat.completions.create(ask);
    const anthropic = newAnthropic();
    expect(instrumentAnthropicClient(anthropic, over(meter))).toBe(anthropic);
    await anthropic.messages.create(askClaude);
    expect(await settles()).toBe(2);
  });

  it("is metered again where its fetch was replaced meanwhile", async () => {
    const openai = newOpenAi();
    instrumentOpenAIClient(openai, over(meter));
    Object.assign(openai, { fetch: globalThis.fetch });
    instrumentOpenAIClient(openai, over(meter));
    await openai.chat.completions.create(ask);
    expect(await settles()).toBe(1);
  });

  it("takes another meter where its fetch was replaced meanwhile, and so do its copies", async () => {
    const first = await memoryTestMeter();
    const openai = instrumentOpenAIClient(newOpenAi(), over(first));
    Object.assign(openai, { fetch: globalThis.fetch });
    instrumentOpenAIClient(openai, over(meter));
    await openai.withOptions({ maxRetries: 0 }).chat.completions.create(ask);
    expect(await settles()).toBe(1);
    expect(first.events).toEqual([]);
  });

  it("calls the fetch that it had", async () => {
    let calls = 0;
    const openai = newOpenAi((...request) => {
      calls += 1;
      return fetch(...request);
    });
    await instrumentOpenAIClient(openai, over(meter)).chat.completions.create(ask);
    expect(calls).toBe(1);
  });

  it("counts once when it is instrumented twice", async () => {
    const openai = newOpenAi();
    instrumentOpenAIClient(openai, over(meter));
    const { withOptions } = openai;
    instrumentOpenAIClient(openai, over(meter));
    expect(openai.withOptions).toBe(withOptions);
    await openai.chat.completions.create(ask);
    expect(await settles()).toBe(1);
  });

  it("counts once when the meter's fetch was handed in before", async () => {
    const openai = newOpenAi(over(meter)(fetch));
    await instrumentOpenAIClient(openai, over(meter)).chat.completions.create(ask);
    expect(await settles()).toBe(1);
  });

  it("takes no second meter", async () => {
    const other = await memoryTestMeter();
    const openai = instrumentOpenAIClient(newOpenAi(), over(meter));
    expect(() => instrumentOpenAIClient(openai, over(other))).toThrow(InvalidOptionsError);
    expect(() => instrumentOpenAIClient(newOpenAi(over(other)(fetch)), over(meter))).toThrow(
      InvalidOptionsError,
    );
  });

  it("meters the copies that withOptions makes, and their copies, once each", async () => {
    const openai = instrumentOpenAIClient(newOpenAi(), over(meter));
    await openai.withOptions({ maxRetries: 0 }).chat.completions.create(ask);
    await openai.withOptions({ maxRetries: 0 }).withOptions({ timeout: 5000 }).chat.completions.create(ask);
    await openai.withOptions({ fetch }).chat.completions.create(ask);
    const anthropic = instrumentAnthropicClient(newAnthropic(), over(meter));
    await anthropic.withOptions({ fetch }).messages.create(askClaude);
    expect(await settles()).toBe(4);
  });

  it.each([
    ["nothing", undefined],
    ["a text", "client"],
    ["an empty object", {}],
    ["a client without a fetch", { chat: {}, messages: {} }],
    ["a fetch of another kind", { chat: {}, messages: {}, fetch: "no" }],
  ])("is not made of %s", (_name, thing) => {
    // A caller without types may hand in anything.
    expect(() => instrumentOpenAIClient(thing as object, over(meter))).toThrow(InvalidOptionsError);
    expect(() => instrumentAnthropicClient(thing as object, over(meter))).toThrow(InvalidOptionsError);
  });

  it("is not made of the other provider's", () => {
    expect(() => instrumentOpenAIClient(newAnthropic(), over(meter))).toThrow(/no OpenAI client/);
    expect(() => instrumentAnthropicClient(newOpenAi(), over(meter))).toThrow(/no Anthropic client/);
  });

  it("is not made where requests go past its fetch", () => {
    const identified = { chat: {}, fetch, _options: { x509Transport: {} } };
    expect(() => instrumentOpenAIClient(identified, over(meter))).toThrow(/X\.509/);
  });
});

describe("a refusal by an instrumented client", () => {
  beforeEach(async () => {
    meter = await memoryTestMeter({ usd: "0.000001" });
  });

  const refusals: [name: string, root: new (...args: never[]) => Error, call: () => Promise<unknown>][] = [
    [
      "a call of openai",
      OpenAIError,
      () => instrumentOpenAIClient(newOpenAi(), over(meter)).chat.completions.create(ask),
    ],
    [
      "a copy of openai",
      OpenAIError,
      () =>
        instrumentOpenAIClient(newOpenAi(), over(meter))
          .withOptions({ timeout: 5000 })
          .chat.completions.create(ask),
    ],
    [
      "a streaming helper of openai",
      OpenAIError,
      () => instrumentOpenAIClient(newOpenAi(), over(meter)).chat.completions.stream(ask).finalContent(),
    ],
    [
      "a call of @anthropic-ai/sdk",
      AnthropicError,
      () => instrumentAnthropicClient(newAnthropic(), over(meter)).messages.create(askClaude),
    ],
    [
      "a streaming helper of @anthropic-ai/sdk",
      AnthropicError,
      () => instrumentAnthropicClient(newAnthropic(), over(meter)).messages.stream(askClaude).finalText(),
    ],
  ];

  it.each(refusals)("is our very error, and one of the SDK's: %s", async (_name, root, call) => {
    const error = await failure(call());
    expect(error).toBe(meter.events[0]?.error);
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(error).toBeInstanceOf(AgentLimitError);
    expect(error).toBeInstanceOf(root);
    expect(error).toBeInstanceOf(Error);
    expect(upstream.requests).toEqual([]);
  });

  it("keeps its class, its fields and its methods", async () => {
    const error = await failure(
      instrumentOpenAIClient(newOpenAi(), over(meter)).chat.completions.create(ask),
    );
    if (!(error instanceof BudgetExceededError)) throw error;
    expect(error.constructor).toBe(BudgetExceededError);
    expect(error).toMatchObject({
      name: "BudgetExceededError",
      code: "BUDGET_EXCEEDED",
      status: 402,
      transient: false,
    });
    expect(error.denials.length).toBe(1);
    expect(error.getResponse().status).toBe(402);
    expect(await error.getResponse().json()).toMatchObject({ code: "BUDGET_EXCEEDED", status: 402 });
    expect(BudgetExceededError.from({ cause: error })).toBe(error);
  });

  it("can be caught from a client of either SDK with one meter", async () => {
    const openai = instrumentOpenAIClient(newOpenAi(), over(meter));
    const anthropic = instrumentAnthropicClient(newAnthropic(), over(meter));
    const errors = [
      await failure(openai.chat.completions.create(ask)),
      await failure(anthropic.messages.create(askClaude)),
    ];
    expect(errors[0]).not.toBeInstanceOf(AnthropicError);
    expect(errors[1]).toBeInstanceOf(AnthropicError);
  });
});
