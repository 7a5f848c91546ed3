/** A reader that takes all the text of a stream and leaves just before its usage comes: it is no way around a budget. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { BudgetExceededError } from "../../src/errors.ts";
import { dialectAt } from "../support/dialects/index.ts";
import { type Answer, askedOf, modelOf } from "../support/upstream.ts";
import { type Bench, meteredClient, startBench } from "./bench.ts";
import { SDKS } from "./clients/index.ts";
import { type Fetch, userMessage } from "./sdk.ts";

const WORDS = Array.from({ length: 30 }, (_, index) => `word${index} `);
const TEXT = WORDS.join("");

interface Reader {
  client: string;
  /** What the provider bills for one call: 20 tokens in, 300 out. */
  billNanoUsd: number;
  /** The text, as it comes. */
  read(fetch: Fetch): AsyncIterable<string>;
}

const READERS: Reader[] = [
  {
    client: "openai",
    billNanoUsd: 20 * 150 + 300 * 600,
    async *read(fetch) {
      const client = new OpenAI({ apiKey: "none", fetch });
      const messages = [userMessage("Hi")];
      const stream = await client.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true });
      for await (const chunk of stream) yield chunk.choices[0]?.delta.content ?? "";
    },
  },
  {
    client: "@anthropic-ai/sdk",
    billNanoUsd: 20 * 1_000 + 300 * 5_000,
    async *read(fetch) {
      const stream = await new Anthropic({ apiKey: "none", fetch }).messages.create({
        model: "claude-haiku-4-5",
        max_tokens: 1_000,
        messages: [userMessage("Hi")],
        stream: true,
      });
      for await (const event of stream) {
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text;
      }
    },
  },
];

/** Sends what says its usage a while after the text. */
const textFirst: Answer = async (request, response) => {
  const dialect = dialectAt(request.path);
  if (dialect === undefined) throw new Error(`Nobody speaks ${request.path}.`);
  const said = { model: modelOf(request), inputTokens: 20, outputTokens: 300, words: WORDS };
  const events = dialect.events(said, askedOf(request));
  const isText = (event: string) => WORDS.some((word) => event.includes(word));
  const lastText = events.findLastIndex(isText);
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(events.slice(0, lastText + 1).join(""));
  const later = setTimeout(() => response.end(events.slice(lastText + 1).join("")), 5_000);
  response.on("close", () => clearTimeout(later));
};

describe.each(READERS)("$client, left 20 times after the last word of a stream,", ({ billNanoUsd, read }) => {
  it("hits a cap of $0.05, and at no time owes more than is booked", async () => {
    const [sdk] = SDKS;
    if (sdk === undefined) throw new Error("no client");
    const bench: Bench = await startBench(textFirst);
    await using metered = meteredClient(sdk, bench, { usd: "0.05" });
    let denied = 0;
    for (let time = 0; time < 20; time += 1) {
      try {
        let text = "";
        for await (const piece of read(metered.meter.fetch)) {
          text += piece;
          if (text === TEXT) break;
        }
        expect(text).toBe(TEXT);
      } catch (error) {
        expect(error).toBeInstanceOf(BudgetExceededError);
        denied += 1;
      }
      const { nanoUsd, heldUsd } = await metered.standing();
      expect(heldUsd).toBe(0);
      expect(nanoUsd).toBeGreaterThanOrEqual(bench.upstream.requests.length * billNanoUsd);
      expect(nanoUsd).toBeLessThanOrEqual(50_000_000);
    }
    expect(denied).toBeGreaterThan(0);
    expect(bench.upstream.requests.length + denied).toBe(20);
    const settled = metered.events.filter(({ type }) => type === "settled");
    expect(settled.every(({ receipt }) => receipt?.source === "estimated")).toBe(true);
    await bench.close();
  });
});
