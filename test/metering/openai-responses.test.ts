import OpenAI7 from "openai";
import OpenAI5 from "openai-5";
import OpenAI6 from "openai-6";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMeteredFetch, type MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { collect, failure } from "../support/outcomes.ts";
import { cutAfter, json, raw, speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const model = "gpt-4o-mini";
const prices = createPriceBook();
let upstream: Upstream;
let meter: MemoryTestMeter;
beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

const metered = (options: Partial<MeteredFetchOptions> = {}) =>
  createMeteredFetch({ meter: meter.meter, prices, ...options });
const addressed = (options?: Partial<MeteredFetchOptions>) => ({
  apiKey: "none",
  baseURL: `${upstream.url}/v1`,
  maxRetries: 0,
  fetch: metered(options),
});
const openai7 = (options?: Partial<MeteredFetchOptions>) => new OpenAI7(addressed(options));
const told = async () => {
  const standing = await meter.standing();
  return { standing, events: meter.events };
};
/** 7 input tokens at 150 nano-USD, 3 output tokens at 600. */
const COST_NANO_USD = 2_850;

/** What the tests ask of every major. */
interface Client {
  responses: {
    create(body: Asked): Promise<{ output_text: string }>;
    create(body: Asked & { stream: true }): Promise<AsyncIterable<{ type: string; delta?: unknown }>>;
    stream(body: Asked): { finalResponse(): Promise<{ usage?: { total_tokens: number } | undefined }> };
  };
  embeddings: { create(body: { model: string; input: string[] }): Promise<{ data: unknown[] }> };
}

interface Asked {
  model: string;
  input: string;
  background?: boolean;
  tools?: { type: "web_search_preview" }[];
}

const MAJORS: [name: string, connect: () => Client][] = [
  ["openai 7", () => openai7()],
  ["openai 6", () => new OpenAI6(addressed())],
  ["openai 5", () => new OpenAI5(addressed())],
];

describe.each(MAJORS)("Responses and embeddings of %s", (_name, connect) => {
  it("answer, and are charged what was counted", async () => {
    const response = await connect().responses.create({ model, input: "Hi" });
    expect(response.output_text).toBe("One two thrée");
    const { standing, events } = await told();
    expect(standing).toEqual({ spentNanoUsd: COST_NANO_USD, heldNanoUsd: 0, spentTokens: 10 });
    expect(events).toMatchObject([{ type: "settled", receipt: { source: "reported" } }]);
  });

  it("stream, and are charged what was counted", async () => {
    const events = await collect(await connect().responses.create({ model, input: "Hi", stream: true }));
    const text = events.filter(({ type }) => type === "response.output_text.delta").map(({ delta }) => delta);
    expect(text.join("")).toBe("One two thrée");
    expect(events.at(-1)?.type).toBe("response.completed");
    expect(await told()).toMatchObject({
      standing: { spentNanoUsd: COST_NANO_USD, heldNanoUsd: 0 },
      events: [{ type: "settled", receipt: { source: "reported" } }],
    });
  });

  it("stream through the helper", async () => {
    const response = await connect().responses.stream({ model, input: "Hi" }).finalResponse();
    expect(response.usage?.total_tokens).toBe(10);
    expect((await told()).standing).toMatchObject({ spentNanoUsd: COST_NANO_USD, heldNanoUsd: 0 });
  });

  it("embed, and are charged what was counted", async () => {
    const { data } = await connect().embeddings.create({
      model: "text-embedding-3-small",
      input: ["a", "b"],
    });
    expect(data.length).toBeGreaterThan(0);
    expect(await told()).toMatchObject({
      standing: { spentNanoUsd: 7 * 20, heldNanoUsd: 0, spentTokens: 7 },
      events: [{ type: "settled", receipt: { source: "reported" } }],
    });
  });

  it("are refused before they are sent, after one attempt, where nothing bounds them", async () => {
    const tools = [{ type: "web_search_preview" as const }];
    const error = await failure(connect().responses.create({ model, input: "Hi", tools }));
    expect(error).toMatchObject({ code: "UNBOUNDED_CALL", message: expect.stringContaining("web search") });
    expect(await failure(connect().responses.create({ model, input: "Hi", background: true }))).toMatchObject(
      {
        code: "UNBOUNDED_CALL",
      },
    );
    expect(upstream.requests).toEqual([]);
    expect((await told()).standing.heldNanoUsd).toBe(0);
  });
});

const usage = { input_tokens: 4_000, output_tokens: 100, total_tokens: 4_100 };
const completed = {
  id: "resp_1",
  object: "response",
  status: "completed",
  model,
  output: [],
  tools: [],
  usage,
};
/** 4,000 input tokens at 150 nano-USD, 100 output tokens at 600. */
const TOKENS_NANO_USD = 660_000;
const ask = (tools: OpenAI7.Responses.Tool[] = []) =>
  openai7({ allowUnbounded: true }).responses.create({ model, input: "Hi", max_output_tokens: 16, tools });

describe("What tools of the provider's bill apart", () => {
  it("is priced by the fee that is known, as often as the answer says", async () => {
    upstream.answer = json({ ...completed, tool_usage: { web_search: { num_requests: 2 } } });
    await ask([{ type: "web_search" }]);
    expect((await told()).standing.spentNanoUsd).toBe(TOKENS_NANO_USD + 2 * 10_000_000);
  });

  it("is held as often as the request allows", async () => {
    let held = 0;
    upstream.answer = async (request, response) => {
      held = (await meter.standing()).heldNanoUsd;
      await json(completed)(request, response);
    };
    const request = { model, input: "Hi", max_output_tokens: 16, tools: [{ type: "web_search" as const }] };
    await openai7({ allowUnbounded: true }).responses.create({ ...request, max_tool_calls: 3 });
    expect(held).toBeGreaterThan(3 * 10_000_000);
    expect(held).toBeLessThan(4 * 10_000_000);
  });

  it("is never nothing where no fee is known: estimated at the hold or at the tokens, and told", async () => {
    const tools = [{ type: "code_interpreter" }];
    upstream.answer = json({ ...completed, tools });
    await ask([{ type: "code_interpreter", container: { type: "auto" } }]);
    const { standing, events } = await told();
    expect(standing).toMatchObject({ spentNanoUsd: TOKENS_NANO_USD, heldNanoUsd: 0, spentTokens: 4_100 });
    expect(events).toMatchObject([
      { type: "settled", receipt: { source: "estimated" } },
      { type: "failed", error: { code: "UNKNOWN_MODEL", message: expect.stringContaining("containers") } },
    ]);
  });

  const counted = {
    input_tokens: 50,
    input_tokens_details: { image_tokens: 0, text_tokens: 50 },
    output_tokens: 272,
  };

  it("is the tokens of the model that made an image, at its price", async () => {
    const tools = [{ type: "image_generation", model: "gpt-image-1" }];
    upstream.answer = json({ ...completed, tools, tool_usage: { image_gen: counted } });
    await ask([{ type: "image_generation" }]);
    const { standing, events } = await told();
    expect(standing.spentNanoUsd).toBe(TOKENS_NANO_USD + 50 * 5_000 + 272 * 40_000);
    expect(events).toMatchObject([{ type: "settled", receipt: { source: "reported" } }]);
  });

  it("is told where that model has no price", async () => {
    const tools = [{ type: "image_generation", model: "gpt-image-of-tomorrow" }];
    upstream.answer = json({ ...completed, tools, tool_usage: { image_gen: counted } });
    await ask([{ type: "image_generation" }]);
    expect((await told()).events).toMatchObject([
      { type: "settled", receipt: { source: "estimated" } },
      { type: "failed", error: { code: "UNKNOWN_MODEL" } },
    ]);
  });
});

describe("A response that does not state its usage", () => {
  const request = { model, input: "Hi", max_output_tokens: 1_000 };
  const estimated = [
    { type: "settled", receipt: { source: "estimated" } },
    { type: "failed", error: { code: "INVALID_USAGE" } },
  ];

  it.each(["queued", "in_progress", "failed"])("for it is %s, costs its whole hold", async (status) => {
    upstream.answer = json({ ...completed, status, usage: null });
    await openai7().responses.create(request);
    expect((await told()).events).toMatchObject(estimated);
  });

  it("for it failed in the stream, costs its whole hold", async () => {
    const event = { type: "response.failed", response: { ...completed, status: "failed", usage: null } };
    const lines = [
      `event: error\ndata: {"type":"error"}\n\n`,
      `event: response.failed\ndata: ${JSON.stringify(event)}\n\n`,
    ];
    upstream.answer = raw(lines.join(""), 200, { "content-type": "text/event-stream" });
    const response = await openai7()
      .responses.create({ ...request, stream: true })
      .asResponse();
    expect(await response.text()).toBe(lines.join(""));
    expect((await told()).events).toMatchObject(estimated);
  });

  it("for it was cut, costs its whole hold", async () => {
    upstream.answer = cutAfter(900, speakBothApis());
    await failure(
      openai7()
        .responses.create({ ...request, stream: true })
        .then(collect),
    );
    const { standing, events } = await told();
    expect(standing.spentTokens).toBeGreaterThan(1_000);
    expect(events).toMatchObject([{ type: "settled", receipt: { source: "estimated" } }]);
  });
});

it("A stream of OpenRouter's has comments, no names of events, and its own price", async () => {
  const reported = { ...completed, model: "openai/gpt-4.1-mini", usage: { ...usage, cost: 0.00042 } };
  const events = [
    { type: "response.created", response: { ...reported, status: "in_progress", usage: null } },
    { type: "response.completed", response: reported },
  ];
  const lines = [
    ": PROCESSING\n\n",
    ...events.map((event) => `data: ${JSON.stringify(event)}\n\n`),
    "data: [DONE]\n\n",
  ];
  upstream.answer = raw(lines.join(""), 200, { "content-type": "text/event-stream" });
  const anyPrice = createPriceBook({ unknownModel: { input: "1", output: "1", maxOutputTokens: 1000 } });
  const fetch: typeof globalThis.fetch = (input, init) =>
    globalThis.fetch(String(input).replace("https://openrouter.ai", upstream.url), init);
  const client = new OpenAI7({
    apiKey: "none",
    baseURL: "https://openrouter.ai/api/v1",
    fetch: metered({ fetch, prices: anyPrice }),
  });
  await collect(await client.responses.create({ model: "openai/gpt-4.1-mini", input: "Hi", stream: true }));
  expect((await told()).standing).toEqual({ spentNanoUsd: 420_000, heldNanoUsd: 0, spentTokens: 4_100 });
});
