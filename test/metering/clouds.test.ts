import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMeteredFetch, type MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { failure } from "../support/outcomes.ts";
import { json, raw, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

let upstream: Upstream;
let meter: MemoryTestMeter;

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

/** Sends to a cloud's address; the local server gets it in the cloud's place. */
async function send(
  address: string,
  body: object,
  headers: Record<string, string> = {},
  options: Partial<MeteredFetchOptions> = {},
): Promise<string> {
  const fetch = createMeteredFetch({
    meter: meter.meter,
    prices: createPriceBook(),
    fetch: (input, init) => globalThis.fetch(`${upstream.url}${new URL(String(input)).pathname}`, init),
    ...options,
  });
  const text = await (await fetch(address, { method: "POST", headers, body: JSON.stringify(body) })).text();
  await meter.standing();
  return text;
}

const booked = () => meter.events.map(({ type, receipt }) => [type, receipt?.source, receipt?.costNanoUsd]);

const BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model";
const VERTEX = "https://aiplatform.googleapis.com/v1/projects/p/locations";
const says = { messages: [{ role: "user", content: [{ text: "Hi" }] }] };
const signed = { authorization: "AWS4-HMAC-SHA256 Credential=x", "x-amz-content-sha256": "x" };

describe("A call of Bedrock's Converse", () => {
  const converse = { output: { message: {} }, stopReason: "end_turn" };
  const usage = { inputTokens: 1000, outputTokens: 100, totalTokens: 1100 };

  it.each([
    ["global.anthropic.claude-sonnet-4-5-20250929-v1%3A0", 1000 * 3_000 + 100 * 15_000],
    ["us.anthropic.claude-sonnet-4-5-20250929-v1%3A0", 1.1 * (1000 * 3_000 + 100 * 15_000)],
    ["us.amazon.nova-lite-v1%3A0", 1000 * 60 + 100 * 240],
  ])("to %s is priced by its path", async (id, nanoUsd) => {
    upstream.answer = json({ ...converse, usage });
    await send(`${BEDROCK}/${id}/converse`, says);
    expect(booked()).toEqual([["settled", "reported", nanoUsd]]);
  });

  it("is sent as it was signed, and otherwise with the limit that the user wants", async () => {
    upstream.answer = json({ ...converse, usage });
    const options = { defaultMaxOutputTokens: 7 };
    const address = `${BEDROCK}/us.amazon.nova-lite-v1%3A0/converse`;
    await send(address, says, signed, options);
    await send(address, says, { authorization: "Bearer key" }, options);
    expect(upstream.requests.map(({ body }) => body)).toEqual([
      says,
      { ...says, inferenceConfig: { maxTokens: 7 } },
    ]);
  });

  it("is given back where AWS refuses it, and kept where something in between does", async () => {
    const address = `${BEDROCK}/us.amazon.nova-lite-v1%3A0/converse`;
    upstream.answer = json({ message: "The provided model identifier is invalid." }, 400);
    await send(address, says);
    expect(booked()).toEqual([]);
    expect(await meter.standing()).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 0 });
    upstream.answer = raw("<html>Bad gateway</html>", 502, { "content-type": "text/html" });
    await send(address, says);
    expect(booked()).toMatchObject([
      ["settled", "estimated", expect.any(Number)],
      ["failed", undefined, undefined],
    ]);
  });

  it("is refused as a binary stream, with the reason and the ways on", async () => {
    const address = `${BEDROCK}/us.amazon.nova-lite-v1%3A0/converse-stream`;
    const error = await failure(send(address, says));
    expect(error).toMatchObject({ code: "UNRECOGNIZED_REQUEST" });
    expect(String(error)).toMatch(/binary.*unknownRequest: "pass".*src\/providers/s);
    expect(upstream.requests).toEqual([]);
  });
});

describe("A call of Claude", () => {
  const message = {
    type: "message",
    model: "claude-sonnet-4-5-20250929",
    usage: { input_tokens: 1000, output_tokens: 100 },
  };
  const ask = { anthropic_version: "v", max_tokens: 64, messages: [] };
  const nanoUsd = 1000 * 3_000 + 100 * 15_000;

  it("by InvokeModel is priced by its path, its body left as it was signed", async () => {
    upstream.answer = json(message);
    const id = "global.anthropic.claude-sonnet-4-5-20250929-v1%3A0";
    await send(`${BEDROCK}/${id}/invoke`, ask, signed);
    expect(booked()).toEqual([["settled", "reported", nanoUsd]]);
    expect(upstream.requests[0]?.body).toEqual(ask);
  });

  it("on Vertex costs a tenth more in a region, as JSON and as a stream", async () => {
    const model = "publishers/anthropic/models/claude-sonnet-4-5@20250929";
    upstream.answer = json(message);
    await send(`${VERTEX}/global/${model}:rawPredict`, ask);
    const events = [
      { type: "message_start", message: { ...message, usage: { ...message.usage, output_tokens: 1 } } },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 100 } },
      { type: "message_stop" },
    ];
    const lines = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    upstream.answer = raw(lines.join(""), 200, { "content-type": "text/event-stream" });
    const streaming = { ...ask, stream: true };
    expect(await send(`${VERTEX}/us-east5/${model}:streamRawPredict`, streaming)).toBe(lines.join(""));
    expect(booked()).toEqual([
      ["settled", "reported", nanoUsd],
      ["settled", "reported", 1.1 * nanoUsd],
    ]);
  });
});
