import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMeteredFetch } from "../../../src/metering/fetch.ts";
import { createPriceBook } from "../../../src/pricing/price-book.ts";
import { PROVIDER_APIS } from "../../../src/providers/index.ts";
import { type MemoryTestMeter, memoryTestMeter } from "../../metering/test-meter.ts";
import { json, raw, startUpstream, type Upstream } from "../../support/upstream.ts";
import { cohereChat } from "./cohere-chat.ts";

/** The list as its line in `index.ts` would leave it. */
const apis: unknown = PROVIDER_APIS;
beforeAll(() => void (Array.isArray(apis) && apis.push(cohereChat)));
afterAll(() => void (Array.isArray(apis) && apis.pop()));

let upstream: Upstream;
let meter: MemoryTestMeter;
beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

async function chat(more: object = {}): Promise<unknown[]> {
  const fetch = createMeteredFetch({ meter: meter.meter, prices: createPriceBook() });
  const body = { model: "command-r-08-2024", messages: [{ role: "user", content: "Hi" }], ...more };
  await (await fetch(`${upstream.url}/v2/chat`, { method: "POST", body: JSON.stringify(body) })).text();
  await meter.standing();
  return meter.events.map(({ type, receipt }) => [type, receipt?.source, receipt?.costNanoUsd]);
}

const usage = {
  billed_units: { input_tokens: 12, output_tokens: 3 },
  tokens: { input_tokens: 507, output_tokens: 3 },
};
const nanoUsd = 12 * 150 + 3 * 600;

describe("The provider file that the README adds", () => {
  it("is the one that is tested here", () => {
    const file = readFileSync(`${import.meta.dirname}/cohere-chat.ts`, "utf8");
    const readme = readFileSync(`${import.meta.dirname}/../../../README.md`, "utf8");
    expect(readme).toContain(file.replaceAll("../../../src/providers/", "./"));
  });

  it("settles an answer at what is billed", async () => {
    upstream.answer = json({ id: "1", message: {}, usage });
    expect(await chat()).toEqual([["settled", "reported", nanoUsd]]);
  });

  it("settles a stream at its end", async () => {
    const events = [
      { type: "content-delta", delta: {} },
      { type: "message-end", delta: { usage } },
    ];
    const lines = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    upstream.answer = raw(lines.join(""), 200, { "content-type": "text/event-stream" });
    expect(await chat({ stream: true })).toEqual([["settled", "reported", nanoUsd]]);
  });

  it("gives back what was refused", async () => {
    upstream.answer = json({ id: "1", message: "invalid request: no such model" }, 400);
    await chat();
    expect(await meter.standing()).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 0 });
  });
});
