/** Embeddings, which have no stream and no output: through the clients that make them. */
import { OpenAIEmbeddings } from "@langchain/openai";
import OpenAI7 from "openai";
import OpenAI5 from "openai-5";
import OpenAI6 from "openai-6";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BudgetExceededError } from "../../src/errors.ts";
import { failure } from "../support/outcomes.ts";
import { speakBothApis } from "../support/upstream.ts";
import { type Bench, meteredClient, startBench } from "./bench.ts";
import { SDKS } from "./clients/index.ts";
import type { Fetch } from "./sdk.ts";

const model = "text-embedding-3-small";
const apiKey = "none";
/** What the upstream answers to everything. */
const vector = [0.5, -0.25];

const CLIENTS: [name: string, embedding: (fetch: Fetch) => Promise<number[] | undefined>][] = [
  ["openai 7", (fetch) => embeddingBy(new OpenAI7({ apiKey, fetch }))],
  ["openai 6", (fetch) => embeddingBy(new OpenAI6({ apiKey, fetch }))],
  ["openai 5", (fetch) => embeddingBy(new OpenAI5({ apiKey, fetch }))],
  [
    "@langchain/openai 1",
    (fetch) => new OpenAIEmbeddings({ model, apiKey, configuration: { fetch } }).embedQuery("Ada"),
  ],
];

async function embeddingBy(client: {
  embeddings: {
    create(body: { model: string; input: string }): PromiseLike<{ data: { embedding: number[] }[] }>;
  };
}): Promise<number[] | undefined> {
  return (await client.embeddings.create({ model, input: "Ada" })).data[0]?.embedding;
}

describe.each(CLIENTS)("An embedding of %s", (_name, embedding) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await startBench(speakBothApis({ inputTokens: 700 }));
  });
  afterEach(() => bench.close());

  const [sdk] = SDKS;
  if (sdk === undefined) throw new Error("no client");

  it("comes as it is, and is charged what the provider counted", async () => {
    await using client = meteredClient(sdk, bench);
    expect(await embedding(client.meter.fetch)).toEqual(vector);
    expect(await client.standing()).toEqual({ nanoUsd: 700 * 20, tokens: 700, heldUsd: 0 });
  });

  it("is refused over the budget with our very error, after one attempt", async () => {
    await using client = meteredClient(sdk, bench, { usd: "0.000001" });
    const error = await failure(embedding(client.meter.fetch));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(client.events.map((event) => event.error)).toEqual([error]);
    expect(bench.upstream.requests).toEqual([]);
  });
});
