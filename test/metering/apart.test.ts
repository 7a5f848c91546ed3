import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const prices = createPriceBook();
let upstream: Upstream;
let meter: MemoryTestMeter;
let metered: typeof fetch;

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
  metered = createMeteredFetch({ meter: meter.meter, prices, waitUntil: () => {} });
});
afterEach(() => upstream.close());

const ask = (stream: boolean) =>
  metered(`${upstream.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-4o-mini", messages: [], stream }),
  });
const sources = async () => {
  await meter.standing();
  return meter.events.map((event) => event.receipt?.source);
};

describe("Where work outlives the response (waitUntil)", () => {
  it("an answer is handed on at once and settled behind it", async () => {
    const reply = await (await ask(false)).json();
    expect(reply).toMatchObject({ usage: { total_tokens: 10 } });
    expect(await sources()).toEqual(["reported"]);
  });

  it("a stream is handed on without the usage that nobody asked for, and settled", async () => {
    const text = await (await ask(true)).text();
    expect(text).toContain("thrée");
    expect(text).not.toContain("prompt_tokens");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(await sources()).toEqual(["reported"]);
  });

  it("a stream that nobody reads is counted to its end", async () => {
    await ask(true);
    await upstream.requests[0]?.done;
    await expect.poll(sources).toEqual(["reported"]);
  });

  it("a break returns at once and cuts the upstream", async () => {
    upstream.answer = speakBothApis({ words: Array(20).fill("word "), pauseMs: 100 });
    const { body } = await ask(true);
    let brokeAtMs = 0;
    for await (const _chunk of body ?? []) {
      brokeAtMs = Date.now();
      break;
    }
    expect(Date.now() - brokeAtMs).toBeLessThan(250);
    await upstream.requests[0]?.done;
    expect(upstream.requests[0]?.aborted).toBe(true);
    expect(await sources()).toEqual(["estimated"]);
  });

  it("an error of the connection reaches the reader", async () => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: {}\n\n", () => response.destroy());
    };
    const { body } = await ask(true);
    await expect(new Response(body).text()).rejects.toThrow();
    expect(await sources()).toEqual(["estimated"]);
  });
});
