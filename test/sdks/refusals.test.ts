/** Everything that is refused before it is sent, as a client of each family sees it: our very error, after one attempt. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { HTTPClient, Mistral } from "@mistralai/mistralai";
import { generateImage, generateText } from "ai";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  AgentLimitError,
  BudgetExceededError,
  UnboundedCallError,
  UnknownModelError,
  UnrecognizedRequestError,
} from "../../src/errors.ts";
import { failure } from "../support/outcomes.ts";
import { type Bench, meteredClient, startBench } from "./bench.ts";
import { SDKS } from "./clients/index.ts";
import { type Fetch, userMessage } from "./sdk.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

describe.each(SDKS)("$name, refused before anything is sent,", (sdk) => {
  it("gets the error of a paused scope", async () => {
    await using client = meteredClient(sdk, bench);
    await client.meter.pause({ reason: "an audit" });
    const error = await failure(client.ask("Hi"));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(error).toMatchObject({ code: "PAUSED", status: 403 });
    expect(client.events.map((event) => event.error)).toEqual([error]);
    expect(bench.upstream.requests).toEqual([]);
  });

  it("gets the error of an unknown model", async () => {
    await using client = meteredClient(sdk, bench, { models: { [sdk.model]: "nobody-knows-me" } });
    const error = await failure(client.ask("Hi"));
    expect(error).toBeInstanceOf(UnknownModelError);
    expect(client.events.map((event) => event.error)).toEqual([error]);
    expect(bench.upstream.requests).toEqual([]);
  });
});

const apiKey = "none";
const content = "Hi";
const messages = [userMessage(content)];
const onlyPixel = "https://example.com/pixel.png";

interface Sending {
  client: string;
  send(fetch: Fetch): PromiseLike<unknown>;
}

const UNBOUNDED: Sending[] = [
  {
    client: "openai",
    send: (fetch) =>
      new OpenAI({ apiKey, fetch }).chat.completions.create({
        model: "gpt-4o-mini",
        messages,
        web_search_options: {},
      }),
  },
  {
    client: "@anthropic-ai/sdk",
    send: (fetch) =>
      new Anthropic({ apiKey, fetch }).messages.create({
        model: "claude-haiku-4-5",
        max_tokens: 64,
        messages,
        tools: [{ type: "web_search_20250305", name: "web_search" }],
      }),
  },
  {
    client: "@google/genai",
    send: (fetch) =>
      new GoogleGenAI({ apiKey, httpOptions: { fetch } }).models.generateContent({
        model: "gemini-2.5-flash",
        contents: content,
        config: { tools: [{ googleSearch: {} }] },
      }),
  },
  {
    client: "ai",
    send: (fetch) => {
      const anthropic = createAnthropic({ apiKey, fetch });
      return generateText({
        model: anthropic("claude-haiku-4-5"),
        prompt: content,
        tools: { web_search: anthropic.tools.webSearch_20250305() },
      });
    },
  },
  {
    client: "@langchain/openai",
    send: (fetch) =>
      new ChatOpenAI({ model: "gpt-4o-mini", apiKey, configuration: { fetch } }).invoke(
        [new HumanMessage(content)],
        { tools: [{ type: "mcp" }] },
      ),
  },
];

const UNRECOGNIZED: Sending[] = [
  {
    client: "openai",
    send: (fetch) => new OpenAI({ apiKey, fetch }).images.generate({ model: "gpt-image-1", prompt: content }),
  },
  {
    client: "@anthropic-ai/sdk",
    send: (fetch) =>
      new Anthropic({ apiKey, fetch }).messages.batches.create({
        requests: [{ custom_id: "1", params: { model: "claude-haiku-4-5", max_tokens: 64, messages } }],
      }),
  },
  {
    client: "@google/genai",
    send: (fetch) =>
      new GoogleGenAI({ apiKey, httpOptions: { fetch } }).interactions.create({
        model: "gemini-2.5-flash",
        input: content,
      }),
  },
  {
    client: "@mistralai/mistralai",
    send: (fetch) =>
      new Mistral({ apiKey, httpClient: new HTTPClient({ fetcher: fetch }) }).ocr.process({
        model: "mistral-ocr-latest",
        document: { type: "image_url", imageUrl: onlyPixel },
      }),
  },
  {
    client: "ai",
    send: (fetch) =>
      generateImage({ model: createOpenAI({ apiKey, fetch }).image("gpt-image-1"), prompt: content }),
  },
];

const REFUSALS = [
  ...UNBOUNDED.map((sending) => ({ ...sending, error: UnboundedCallError })),
  ...UNRECOGNIZED.map((sending) => ({ ...sending, error: UnrecognizedRequestError })),
];

describe.each(REFUSALS)("$error.name through $client", ({ error: type, send }) => {
  it("is our very error, after one attempt, before anything is sent", async () => {
    const [sdk] = SDKS;
    if (sdk === undefined) throw new Error("no client");
    await using client = meteredClient(sdk, bench);
    const error = await failure(Promise.resolve(send(client.meter.fetch)));
    expect(error).toBeInstanceOf(AgentLimitError);
    expect(error).toBeInstanceOf(type);
    expect(client.events.map((event) => event.error)).toEqual([error]);
    expect(bench.upstream.requests).toEqual([]);
  });
});
