import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMeteredFetch } from "../../../src/metering/fetch.ts";
import { createPriceBook } from "../../../src/pricing/price-book.ts";
import { PROVIDER_APIS } from "../../../src/providers/index.ts";
import { type MemoryTestMeter, memoryTestMeter } from "../../metering/test-meter.ts";
import { json, raw, startUpstream, type Upstream } from "../../support/upstream.ts";
import { cohereChat } from "./cohere-chat.ts";
import { cohereEmbed } from "./cohere-embed.ts";

/** The list as their lines in `index.ts` would leave it. */
const apis: unknown = PROVIDER_APIS;
beforeAll(() => void (Array.isArray(apis) && apis.push(cohereEmbed, cohereChat)));
afterAll(() => void (Array.isArray(apis) && apis.splice(-2)));

let upstream: Upstream;
let meter: MemoryTestMeter;
beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

/** @returns what the meter told of the call. */
async function post(path: string, body: object): Promise<unknown[]> {
  const fetch = createMeteredFetch({ meter: meter.meter, prices: createPriceBook() });
  await (await fetch(`${upstream.url}${path}`, { method: "POST", body: JSON.stringify(body) })).text();
  await meter.standing();
  return meter.events.map(({ type, receipt }) => [type, receipt?.source, receipt?.costNanoUsd]);
}

const embed = (body: object) => post("/v2/embed", { model: "embed-v4.0", ...body });
const chat = (more: object = {}) =>
  post("/v2/chat", { model: "command-r-08-2024", messages: [{ role: "user", content: "Hi" }], ...more });

describe.each([
  { page: "README.md", file: "cohere-embed.ts" },
  { page: "docs/providers.md", file: "cohere-chat.ts" },
])("The provider file that $page adds", ({ page, file }) => {
  it("is the one that is tested here", () => {
    const tested = readFileSync(`${import.meta.dirname}/${file}`, "utf8");
    const shown = readFileSync(`${import.meta.dirname}/../../../${page}`, "utf8");
    expect(shown).toContain(tested.replaceAll("../../../src/providers/", "./"));
  });
});

describe("The README's provider file, Cohere's embeddings", () => {
  const embeddings = { float: [[0.1], [0.2]] };

  it("settles an answer at what is billed", async () => {
    upstream.answer = json({ embeddings, meta: { billed_units: { input_tokens: 5 } } });
    expect(await embed({ texts: ["Hello", "there"] })).toEqual([["settled", "reported", 5 * 120]]);
  });

  it("settles images, which are not billed in tokens, at the hold", async () => {
    upstream.answer = json({ embeddings, meta: { billed_units: { input_tokens: 0, images: 1 } } });
    const [failed, settled] = await embed({ images: ["data:image/png;base64,AAAA"] });
    expect([failed, settled]).toContainEqual(["settled", "estimated", 128_000 * 120]);
  });

  it("gives back what was refused", async () => {
    upstream.answer = json({ id: "1", message: "invalid api token" }, 401);
    await embed({ texts: ["Hello"] });
    expect(await meter.standing()).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 0 });
  });
});

describe("The provider file with streams, Cohere's chat", () => {
  const usage = {
    billed_units: { input_tokens: 12, output_tokens: 3 },
    tokens: { input_tokens: 507, output_tokens: 3 },
  };
  const nanoUsd = 12 * 150 + 3 * 600;

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
