import OpenAI, { AzureOpenAI, OpenAIError } from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BudgetExceededError } from "../../src/errors.ts";
import type { CallMeter } from "../../src/metering/calls.ts";
import { createMeteredFetch, type MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { collect, failure } from "../support/outcomes.ts";
import { speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const prices = createPriceBook({ models: { "our-deployment": "gpt-4o-mini" } });
const messages = [{ role: "user" as const, content: "Hi" }];
const model = "gpt-4o-mini";

describe("the openai package over a metered fetch", () => {
  let upstream: Upstream;
  let meter: MemoryTestMeter;

  beforeEach(async () => {
    upstream = await startUpstream();
    meter = await memoryTestMeter();
  });
  afterEach(() => upstream.close());

  const client = (options: Partial<MeteredFetchOptions> = {}) =>
    new OpenAI({
      apiKey: "none",
      baseURL: `${upstream.url}/v1`,
      fetch: createMeteredFetch({ meter: meter.meter, prices, ...options }),
    });
  const sentBody = () => upstream.requests[0]?.body;
  const settled = async () => {
    await meter.standing();
    return meter.events.filter((event) => event.type === "settled");
  };

  it("asks for usage in a stream and hides it from a caller that did not", async () => {
    const chunks = await collect(await client().chat.completions.create({ model, messages, stream: true }));
    expect(sentBody()).toMatchObject({ stream_options: { include_usage: true } });
    expect(chunks.every((chunk) => chunk.choices.length > 0)).toBe(true);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("One two thrée");
    expect(await settled()).toMatchObject([{ receipt: { costNanoUsd: 2_850, source: "reported" } }]);
  });

  it("leaves the usage to a caller that asked for it", async () => {
    const chunks = await collect(
      await client().chat.completions.create({
        model,
        messages,
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 3 });
    expect((await settled()).length).toBe(1);
  });

  it("settles a stream whose caller reads nothing of it", async () => {
    const response = await client().chat.completions.create({ model, messages, stream: true }).asResponse();
    await upstream.requests[0]?.done;
    await expect.poll(settled).toMatchObject([{ receipt: { source: "reported" } }]);
    expect(response.bodyUsed).toBe(false);
  });

  it("sends a request byte for byte as it came where nothing is added", async () => {
    const body = '{"model":"gpt-4o-mini","messages":[],"seed":9007199254740993}';
    let sent: unknown;
    const underneath: typeof fetch = (input, init) => {
      sent = init?.body;
      return fetch(input, init);
    };
    const metered = createMeteredFetch({ meter: meter.meter, prices, fetch: underneath });
    await metered(`${upstream.url}/v1/chat/completions`, { method: "POST", body });
    expect(sent).toBe(body);
  });

  it("holds the output limit for each of n choices", async () => {
    const bounds: number[] = [];
    const watching: CallMeter = {
      ...meter.meter,
      hold: (bound, id) => {
        bounds.push(bound.tokens ?? 0);
        return meter.meter.hold(bound, id);
      },
    };
    const { chat } = client({ meter: watching });
    await chat.completions.create({ model, messages, max_completion_tokens: 100, n: 1 });
    await chat.completions.create({ model, messages, max_completion_tokens: 100, n: 3 });
    expect((bounds[1] ?? 0) - (bounds[0] ?? 0)).toBe(200);
  });

  it("writes the default output limit where the request has none, in the field that the model knows", async () => {
    await client({ defaultMaxOutputTokens: 50 }).chat.completions.create({ model, messages });
    await client({ defaultMaxOutputTokens: 50 }).chat.completions.create({ model, messages, max_tokens: 9 });
    expect(upstream.requests.map((request) => request.body)).toMatchObject([
      { max_completion_tokens: 50 },
      { max_tokens: 9 },
    ]);
    expect(upstream.requests[1]?.body).not.toHaveProperty("max_completion_tokens");
  });

  it("takes tools that the caller runs, and refuses those that the provider runs", async () => {
    const tool = { type: "function" as const, function: { name: "now", parameters: { type: "object" } } };
    await client().chat.completions.create({ model, messages, tools: [tool] });
    const search = client().chat.completions.create({ model, messages, web_search_options: {} });
    expect(await failure(search)).toMatchObject({ code: "UNBOUNDED_CALL", status: 403 });
    expect(upstream.requests.length).toBe(1);
  });

  it("admits what nothing bounds when it is told to, and by an estimate", async () => {
    const asks = { model, messages, web_search_options: {} };
    await client({ allowUnbounded: true }).chat.completions.create(asks);
    const seen: string[] = [];
    const estimate = async (request: Request) => {
      seen.push(await request.text());
      return { estimatedCostUsd: "0.25" };
    };
    await client({ estimate }).chat.completions.create(asks);
    expect(JSON.parse(seen[0] ?? "")).toEqual(asks);
    expect(upstream.requests.length).toBe(2);
  });

  it("refuses a model without a price", async () => {
    const error = await failure(client().chat.completions.create({ model: "nobody-knows-me", messages }));
    expect(error).toMatchObject({ code: "UNKNOWN_MODEL" });
    expect(upstream.requests).toEqual([]);
  });

  it.each([
    ["compaction", (openai: OpenAI) => openai.responses.compact({ model, input: "Hi" })],
    ["images", (openai: OpenAI) => openai.images.generate({ prompt: "A cat" })],
    [
      "batches",
      (openai: OpenAI) =>
        openai.batches.create({ input_file_id: "f", endpoint: "/v1/responses", completion_window: "24h" }),
    ],
  ])("refuses %s, which it can't meter, after one attempt", async (_name, call) => {
    expect(await failure(call(client()))).toMatchObject({ code: "UNRECOGNIZED_REQUEST" });
    expect(upstream.requests).toEqual([]);
    expect(meter.events).toMatchObject([{ type: "failed", error: { code: "UNRECOGNIZED_REQUEST" } }]);
  });

  it("passes what costs nothing, forms among it", async () => {
    const openai = client();
    await openai.models.list();
    await openai.moderations.create({ input: "Hi" });
    await openai.files.create({ file: new File(["{}"], "a.jsonl"), purpose: "batch" });
    expect(upstream.requests.map((request) => request.path)).toEqual([
      "/v1/models",
      "/v1/moderations",
      "/v1/files",
    ]);
    expect(meter.events).toEqual([]);
  });

  it("keeps response, request id and address as the SDK shows them", async () => {
    const { data, response, request_id } = await client()
      .chat.completions.create({ model, messages })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe("One two thrée");
    expect(response.url).toBe(`${upstream.url}/v1/chat/completions`);
    expect(request_id).toBe(null);
  });

  it("lets a streaming helper read to its end", async () => {
    const stream = client().chat.completions.stream({ model, messages });
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe("One two thrée");
    expect((await settled()).length).toBe(1);
  });

  it("prices an Azure deployment by the user's map, whatever model answers", async () => {
    upstream.answer = speakBothApis({ model: "gpt-4o" });
    const azure = new AzureOpenAI({
      apiKey: "none",
      apiVersion: "2024-10-21",
      endpoint: upstream.url,
      deployment: "our-deployment",
      fetch: createMeteredFetch({ meter: meter.meter, prices }),
    });
    await azure.chat.completions.create({ model: "our-deployment", messages });
    expect(upstream.requests[0]?.path).toBe(
      "/openai/deployments/our-deployment/chat/completions?api-version=2024-10-21",
    );
    expect(await settled()).toMatchObject([{ receipt: { costNanoUsd: 2_850, source: "reported" } }]);
  });

  it("asks no old API version of Azure for usage, which would refuse the field", async () => {
    const azure = new AzureOpenAI({
      apiKey: "none",
      apiVersion: "2024-06-01",
      endpoint: upstream.url,
      deployment: "our-deployment",
      fetch: createMeteredFetch({ meter: meter.meter, prices }),
    });
    await collect(await azure.chat.completions.create({ model: "our-deployment", messages, stream: true }));
    expect(sentBody()).not.toHaveProperty("stream_options");
    expect(await settled()).toMatchObject([{ receipt: { source: "estimated" } }]);
  });

  it("keeps a refusal outside of the SDK's own errors, unless the client is instrumented", async () => {
    meter = await memoryTestMeter({ usd: "0.000001" });
    const error = await failure(client().chat.completions.create({ model, messages }));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(error).not.toBeInstanceOf(OpenAIError);
  });
});
