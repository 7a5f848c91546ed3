/** Gemini over a metered fetch: Google's own client, and streams that are one JSON array. */
import { GoogleGenAI } from "@google/genai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  BudgetExceededError,
  UnboundedCallError,
  UnknownModelError,
  UnrecognizedRequestError,
} from "../../src/errors.ts";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import type { MeteredFetchOptions } from "../../src/metering/options.ts";
import { createPriceBook, type PriceBookOptions } from "../../src/pricing/price-book.ts";
import { collect, failure } from "../support/outcomes.ts";
import { type Answer, cutAfter, json, pieces, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const MODEL = "gemini-2.5-flash";
/** 7 in and 3 out, of which 2 are thoughts. */
const USED = { promptTokenCount: 7, candidatesTokenCount: 1, thoughtsTokenCount: 2, totalTokenCount: 10 };
const USED_NANO_USD = 7 * 300 + 3 * 2_500;

const said = (text: string, more: object = {}) => ({
  candidates: [{ content: { role: "model", parts: [{ text }] }, ...more }],
  modelVersion: MODEL,
});
const EVENTS = [
  { ...said("Grüß"), usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 } },
  { ...said(' "]}, 👋'), usageMetadata: { ...USED, candidatesTokenCount: 9, totalTokenCount: 18 } },
  {
    ...said("", { finishReason: "STOP" }),
    usageMetadata: { ...USED, candidatesTokenCount: 9, totalTokenCount: 18 },
  },
];
/** What the last event of {@link EVENTS} comes to. */
const STREAM_NANO_USD = 7 * 300 + 11 * 2_500;
const ARRAY = `[${EVENTS.map((event) => JSON.stringify(event, null, 2)).join("\n,\r\n")}\n]\n`;
const SSE = EVENTS.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join("");

const inPieces = (text: string, contentType: string, bytes = 7): Answer => {
  const whole = new TextEncoder().encode(text);
  const cuts = Array.from({ length: Math.ceil(whole.length / bytes) }, (_, at) =>
    whole.subarray(at * bytes, (at + 1) * bytes),
  );
  return pieces(cuts, 200, contentType);
};

let upstream: Upstream;
let meter: MemoryTestMeter;

beforeEach(async () => {
  upstream = await startUpstream(json({ ...said("Hallo", { finishReason: "STOP" }), usageMetadata: USED }));
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

const metered = (options: Partial<MeteredFetchOptions> = {}, prices: PriceBookOptions = {}) =>
  createMeteredFetch({ meter: meter.meter, prices: createPriceBook(prices), ...options });
const client = (options: Partial<MeteredFetchOptions> = {}) =>
  new GoogleGenAI({ apiKey: "none", httpOptions: { fetch: metered(options), baseUrl: upstream.url } });
const call = (fetch: typeof globalThis.fetch, path: string, body: object = { contents: [] }) =>
  fetch(`${upstream.url}/v1beta/${path}`, { method: "POST", body: JSON.stringify(body) });

async function outcome() {
  const { spentNanoUsd, heldNanoUsd } = await meter.standing();
  expect(heldNanoUsd).toBe(0);
  const settled = meter.events.filter(({ type }) => type === "settled");
  const failed = meter.events.filter(({ type }) => type === "failed");
  return {
    spentNanoUsd,
    sources: settled.map(({ receipt }) => receipt?.source),
    problems: failed.map(({ error }) => error?.message),
  };
}
const reported = (spentNanoUsd: number) => ({ spentNanoUsd, sources: ["reported"], problems: [] });

describe("@google/genai over a metered fetch", () => {
  const ask = { model: MODEL, contents: "Wie heißt du?", config: { maxOutputTokens: 20 } };

  it("is settled at what an answer says", async () => {
    expect((await client().models.generateContent(ask)).text).toBe("Hallo");
    expect(await outcome()).toEqual(reported(USED_NANO_USD));
  });

  it("is settled at what the last event of a stream says", async () => {
    upstream.answer = inPieces(SSE, "text/event-stream");
    const chunks = await collect(await client().models.generateContentStream(ask));
    expect(chunks.map(({ text }) => text).join("")).toBe('Grüß "]}, 👋');
    expect(await outcome()).toEqual(reported(STREAM_NANO_USD));
    expect(upstream.requests[0]?.path).toContain(":streamGenerateContent?alt=sse");
  });

  it.each(["generateContent", "generateContentStream"] as const)(
    "is refused with the very error, once, before anything is sent (%s)",
    async (method) => {
      meter = await memoryTestMeter({ usd: "0.000001" });
      const error = await failure(client().models[method](ask));
      expect(error).toBeInstanceOf(BudgetExceededError);
      expect(meter.events.map(({ type, error }) => [type, error])).toEqual([["denied", error]]);
      expect(upstream.requests).toEqual([]);
    },
  );

  it("counts tokens for nothing", async () => {
    upstream.answer = json({ totalTokens: 4 });
    expect(await client().models.countTokens({ model: MODEL, contents: "Hi" })).toMatchObject({
      totalTokens: 4,
    });
    expect(meter.events).toEqual([]);
  });

  it("embeds texts at the price of their tokens, or at the estimate where none are stated", async () => {
    const embeddings = [{ values: [0.25] }, { values: [0.5] }];
    upstream.answer = json({ embeddings, usageMetadata: { promptTokenCount: 4 } });
    await client().models.embedContent({ model: "gemini-embedding-001", contents: ["a", "b"] });
    expect(await outcome()).toEqual(reported(4 * 150));
    upstream.answer = json({ embeddings });
    await client().models.embedContent({ model: "gemini-embedding-001", contents: ["a", "b"] });
    const { spentNanoUsd, sources, problems } = await outcome();
    expect(sources).toEqual(["reported", "estimated"]);
    expect(spentNanoUsd).toBeGreaterThan(1_024 * 150);
    expect(problems).toEqual([expect.stringContaining("does not state its usage")]);
  });

  it("is refused where it would store a cache or use its interactions", async () => {
    const { caches, interactions } = client();
    const stored = caches.create({ model: MODEL, config: { contents: "x" } });
    expect(await failure(stored)).toBeInstanceOf(UnrecognizedRequestError);
    await failure(Promise.resolve(interactions.create({ model: MODEL, input: "Hi" })));
    expect(meter.events.map(({ type, error }) => [type, error?.code])).toEqual([
      ["failed", "UNRECOGNIZED_REQUEST"],
      ["failed", "UNRECOGNIZED_REQUEST"],
    ]);
    expect(upstream.requests).toEqual([]);
  });
});

describe("A stream of Gemini's that is one JSON array", () => {
  const stream = (fetch = metered()) => call(fetch, `models/${MODEL}:streamGenerateContent`);

  it.each([5, 64, 1_000_000])("passes as it came, in pieces of %i bytes, and is settled", async (bytes) => {
    upstream.answer = inPieces(ARRAY, "application/json; charset=UTF-8", bytes);
    expect(await (await stream()).text()).toBe(ARRAY);
    expect(await outcome()).toEqual(reported(STREAM_NANO_USD));
  });

  it("passes where the runtime ends the work of a client that left, too", async () => {
    upstream.answer = inPieces(ARRAY, "application/json", 50);
    expect(await (await stream(metered({ waitUntil: () => {} }))).text()).toBe(ARRAY);
    expect(await outcome()).toEqual(reported(STREAM_NANO_USD));
  });

  it("is settled as reported when its last element has come, whatever follows", async () => {
    upstream.answer = async (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write(ARRAY.slice(0, ARRAY.lastIndexOf("]")));
      await upstream.requests[0]?.done;
    };
    const { body } = await stream();
    const reader = body?.getReader();
    await reader?.read();
    await expect.poll(async () => (await outcome()).sources).toEqual(["reported"]);
    await reader?.cancel();
    await upstream.close();
    expect(await outcome()).toEqual(reported(STREAM_NANO_USD));
  });

  it.each([
    ["within an element", ARRAY.length - 80],
    ["between two", ARRAY.indexOf(",\r\n", 400)],
  ])("is settled as estimated when it is cut %s", async (_where, bytes) => {
    upstream.answer = cutAfter(bytes, inPieces(ARRAY, "application/json", 50));
    await failure(stream().then((response) => response.text()));
    const { spentNanoUsd, sources } = await outcome();
    expect(sources).toEqual(["estimated"]);
    expect(spentNanoUsd).toBeGreaterThan(65_536 * 2_500);
  });

  it("is settled as estimated when it ends without a reason", async () => {
    upstream.answer = inPieces(`[${JSON.stringify(EVENTS[1])}]`, "application/json");
    await (await stream()).text();
    const { sources, problems } = await outcome();
    expect(sources).toEqual(["estimated"]);
    expect(problems).toEqual([expect.stringContaining("without stating its usage")]);
  });

  it("is given back where the answer is an error alone", async () => {
    const error = { error: { code: 429, message: "Quota", status: "RESOURCE_EXHAUSTED" } };
    for (const body of [[error], error]) {
      upstream.answer = json(body, 429);
      await (await stream()).text();
    }
    expect(await outcome()).toEqual({ spentNanoUsd: 0, sources: [], problems: [] });
    upstream.answer = json([error, error], 429);
    await (await stream()).text();
    expect((await outcome()).sources).toEqual(["estimated"]);
  });

  it("comes as events where it was asked for them, whatever it says it is", async () => {
    upstream.answer = inPieces(SSE, "application/octet-stream");
    await (await call(metered(), `models/${MODEL}:streamGenerateContent?alt=sse`)).text();
    upstream.answer = inPieces(ARRAY, "application/json");
    await (await call(metered(), `models/${MODEL}:streamGenerateContent?alt=sse`)).text();
    expect((await outcome()).sources).toEqual(["reported", "reported"]);
  });
});

describe("An answer of Gemini's", () => {
  const generate = (model: string, fetch = metered()) => call(fetch, `models/${model}:generateContent`);

  it("is priced by the model that served", async () => {
    upstream.answer = json({
      ...said("a"),
      modelVersion: "gemini-2.0-flash-001",
      usageMetadata: { promptTokenCount: 10 },
    });
    await (await generate(MODEL)).text();
    expect(await outcome()).toEqual(reported(10 * 100));
  });

  it("that contradicts itself is booked at the most that it says, and told of", async () => {
    upstream.answer = json({ ...said("a"), usageMetadata: { ...USED, totalTokenCount: 99 } });
    await (await generate(MODEL)).text();
    const { spentNanoUsd, sources, problems } = await outcome();
    const beyond = (99 - USED.totalTokenCount) * 2_500;
    expect({ spentNanoUsd, sources }).toEqual({
      spentNanoUsd: USED_NANO_USD + beyond,
      sources: ["reported"],
    });
    expect(problems).toEqual([expect.stringContaining("total")]);
  });

  it("that searched costs the fee of each search, where such calls are admitted", async () => {
    const grounded = { finishReason: "STOP", groundingMetadata: { webSearchQueries: ["a", "b"] } };
    const modelVersion = "gemini-3-flash-preview";
    upstream.answer = json({ ...said("a", grounded), modelVersion, usageMetadata: { promptTokenCount: 10 } });
    const searching = { contents: [], tools: [{ googleSearch: {} }] };
    const path = `models/${modelVersion}:generateContent`;
    expect(await failure(call(metered(), path, searching))).toBeInstanceOf(UnboundedCallError);
    meter = await memoryTestMeter();
    await (await call(metered({ allowUnbounded: true }), path, searching)).text();
    expect(await outcome()).toEqual(reported(10 * 500 + 2 * 14_000_000));
  });

  it("that blocks the prompt and says no more is settled at the estimate", async () => {
    upstream.answer = json({
      promptFeedback: { blockReason: "SAFETY" },
      usageMetadata: { trafficType: "ON_DEMAND" },
    });
    await (await generate(MODEL)).text();
    expect((await outcome()).sources).toEqual(["estimated"]);
  });

  it("of a tuned model needs a price, or a model whose price it has", async () => {
    const tuned = (fetch: typeof globalThis.fetch) => call(fetch, "tunedModels/mine:generateContent");
    expect(await failure(tuned(metered()))).toBeInstanceOf(UnknownModelError);
    await (await tuned(metered({}, { models: { "tunedModels/mine": MODEL } }))).text();
    expect(await outcome()).toMatchObject({ spentNanoUsd: USED_NANO_USD, sources: ["reported"] });
  });
});
