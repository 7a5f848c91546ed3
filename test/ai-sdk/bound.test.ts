/** What a call of the AI SDK holds, what it is refused for, and whose prices it has. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createGateway, generateText, wrapLanguageModel } from "ai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { meterMiddleware } from "../../src/ai-sdk.ts";
import { BudgetExceededError, UnboundedCallError, UnknownModelError } from "../../src/errors.ts";
import { readModelCall } from "../../src/metering/ai-sdk/call.ts";
import { failure } from "../support/outcomes.ts";
import { hangUp, startUpstream, type Upstream } from "../support/upstream.ts";
import { speakAllApis, speakAsGateway } from "./answers.ts";
import { type TestMeter, testMeter } from "./test-meter.ts";

let upstream: Upstream;
let metered: TestMeter;

beforeEach(async () => {
  upstream = await startUpstream(speakAllApis());
  metered = testMeter();
});
afterEach(async () => {
  await metered.meter.close();
  await upstream.close();
});

type Model = Parameters<typeof wrapLanguageModel>[0]["model"];
type CallOptions = Parameters<ReturnType<typeof wrapLanguageModel>["doGenerate"]>[0];

const openai = (modelId: string) =>
  createOpenAI({ apiKey: "none", baseURL: `${upstream.url}/v1` }).chat(modelId);
const google = (modelId: string) =>
  createGoogleGenerativeAI({ apiKey: "none", baseURL: `${upstream.url}/v1beta` })(modelId);
const anthropic = (modelId: string) =>
  createAnthropic({ apiKey: "none", baseURL: `${upstream.url}/v1` })(modelId);

type Content = Extract<CallOptions["prompt"][number], { role: "user" }>["content"];
const said = (text: string): Content => [{ type: "text", text }];

const call = (model: Model, content: Content, options: Partial<CallOptions> = {}) =>
  wrapLanguageModel({ model, middleware: meterMiddleware(metered.meter) }).doGenerate({
    prompt: [{ role: "user", content }],
    ...options,
  });

/** Nano-USD that a call is held at, seen by what it is charged when its answer never comes. */
async function heldNanoUsd(model: Model, content: Content, options?: Partial<CallOptions>): Promise<number> {
  upstream.answer = hangUp;
  const before = await metered.outcome();
  await failure(Promise.resolve(call(model, content, options)));
  const { spentNanoUsd } = await metered.outcome();
  return spentNanoUsd - before.spentNanoUsd;
}

describe("The hold of a call", () => {
  const limit = { maxOutputTokens: 100 };
  const tier = { providerOptions: { openai: { serviceTier: "default" } } };

  it("has the prompt's bytes, 1,024 tokens more, and the output limit", async () => {
    const base = await heldNanoUsd(openai("gpt-4o-mini"), said(""), { ...limit, ...tier });
    expect(base).toBeGreaterThan(1_024 * 150 + 100 * 600);
    expect(base).toBeLessThan((1_024 + 200) * 150 + 100 * 600);
    expect(await heldNanoUsd(openai("gpt-4o-mini"), said("é".repeat(500)), { ...limit, ...tier })).toBe(
      base + 1_000 * 150,
    );
    expect(await heldNanoUsd(openai("gpt-4o-mini"), said(""), { maxOutputTokens: 200, ...tier })).toBe(
      base + 100 * 600,
    );
  });

  it("has the model's whole output where nothing limits it", async () => {
    const limited = await heldNanoUsd(openai("gpt-4o-mini"), said(""), { ...limit, ...tier });
    const open = await heldNanoUsd(openai("gpt-4o-mini"), said(""), tier);
    expect(open - limited).toBe((16_384 - 100) * 600);
  });

  it("has it, too, beside a predicted output, with which OpenAI takes no limit", async () => {
    await metered.meter.close();
    metered = testMeter({ defaultMaxOutputTokens: 50 });
    const predicted = { openai: { serviceTier: "default", prediction: { type: "content", content: "x" } } };
    const held = await heldNanoUsd(openai("gpt-4o-mini"), said(""), { providerOptions: predicted });
    expect(held).toBeGreaterThan(16_384 * 600);
    expect(Object.keys(Object(upstream.requests.at(-1)?.body))).not.toContainEqual(
      expect.stringMatching(/^max/),
    );
  });

  it("counts tools and the schema of the answer as input", async () => {
    const schema = { type: "object" as const, description: "x".repeat(1_000) };
    const plain = await heldNanoUsd(openai("gpt-4o-mini"), said(""), { ...limit, ...tier });
    const withTool = await heldNanoUsd(openai("gpt-4o-mini"), said(""), {
      ...limit,
      ...tier,
      tools: [{ type: "function", name: "look", inputSchema: schema }],
    });
    const withSchema = await heldNanoUsd(openai("gpt-4o-mini"), said(""), {
      ...limit,
      ...tier,
      responseFormat: { type: "json", schema },
    });
    expect(withTool - plain).toBeGreaterThan(1_000 * 150);
    expect(withSchema - plain).toBeGreaterThan(1_000 * 150);
  });

  it("has an allowance for an image in place of its bytes", async () => {
    const image = {
      type: "file" as const,
      mediaType: "image/png",
      data: { type: "data" as const, data: new Uint8Array(1_000_000) },
    };
    const held = await heldNanoUsd(anthropic("claude-haiku-4-5"), [image], limit);
    expect(held).toBeGreaterThan(5_000 * 1_000);
    expect(held).toBeLessThan(30_000 * 1_100);
  });

  it("has the dearest image where `models` name the model that sees most of it", async () => {
    const image = {
      type: "file" as const,
      mediaType: "image/png",
      data: { type: "data" as const, data: new Uint8Array(9) },
    };
    await metered.meter.close();
    metered = testMeter({ models: { eyes: "gpt-4o-mini" } });
    expect(await heldNanoUsd(openai("eyes"), [image], { ...limit, ...tier })).toBeGreaterThan(48_169 * 150);
  });

  it("goes by the length of sound, and by the context window where its bytes tell no length", async () => {
    const sound = (mediaType: string) => ({
      type: "file" as const,
      mediaType,
      data: { type: "data" as const, data: new Uint8Array(30_000) },
    });
    const held = (mediaType: string) => heldNanoUsd(google("gemini-2.5-flash"), [sound(mediaType)], limit);
    expect(await held("audio/mpeg")).toBeLessThan(3_000 * 1_000 + 100 * 2_500);
    expect(await held("audio/ogg")).toBeGreaterThan(1_000_000 * 1_000);
  });

  it("has the longer context that a header or an option opens", async () => {
    const text = said("x".repeat(400_000));
    const beta = "context-1m-2025-08-07";
    const held = (options: Partial<CallOptions>) =>
      heldNanoUsd(anthropic("claude-sonnet-4-5"), text, { ...limit, ...options });
    expect(await held({})).toBeLessThan(200_001 * 3_750 * 1.1 + 100 * 15_000);
    expect(await held({ headers: { "anthropic-beta": beta } })).toBeGreaterThan(400_000 * 3_000);
    const options = { anthropic: { anthropicBeta: [beta] } };
    expect(await held({ providerOptions: options })).toBeGreaterThan(400_000 * 3_000);
  });

  it("fills the context window for what the prompt does not show", async () => {
    const document = {
      type: "file" as const,
      mediaType: "application/pdf",
      data: { type: "data" as const, data: "JVBERi0x" },
    };
    expect(await heldNanoUsd(openai("gpt-4o-mini"), [document], { ...limit, ...tier })).toBe(
      128_000 * 150 + 100 * 600,
    );
    const earlier = { providerOptions: { openai: { serviceTier: "default", previousResponseId: "resp_1" } } };
    expect(await heldNanoUsd(openai("gpt-4o-mini"), said(""), { ...limit, ...earlier })).toBe(
      128_000 * 150 + 100 * 600,
    );
  });

  it("has the thinking budget that the package adds to the limit, and sends no more than it holds", async () => {
    const thinking = { anthropic: { thinking: { type: "enabled", budgetTokens: 2_000 } } };
    const plain = await heldNanoUsd(anthropic("claude-haiku-4-5"), said(""), limit);
    const held = await heldNanoUsd(anthropic("claude-haiku-4-5"), said(""), {
      ...limit,
      providerOptions: thinking,
    });
    expect(Object(upstream.requests.at(-1)?.body).max_tokens).toBe(2_100);
    // At the price of data residency, since nothing says where it runs.
    expect(held - plain).toBeGreaterThanOrEqual(2_000 * 5_000);
  });

  it("has the price of the hour's cache write where one is asked for", async () => {
    const cached = (ttl: "5m" | "1h"): Content => [
      {
        type: "text",
        text: "",
        providerOptions: { anthropic: { cacheControl: { type: "ephemeral", ttl } } },
      },
    ];
    const for5m = await heldNanoUsd(anthropic("claude-haiku-4-5"), cached("5m"), limit);
    const for1h = await heldNanoUsd(anthropic("claude-haiku-4-5"), cached("1h"), limit);
    expect(for1h).toBeGreaterThan(for5m * 1.3);
  });

  it("has the price of the priority tier where it is asked for or left open", async () => {
    const at = (serviceTier: string) => ({ ...limit, providerOptions: { openai: { serviceTier } } });
    const plain = await heldNanoUsd(openai("gpt-4o"), said("x"), at("default"));
    expect(await heldNanoUsd(openai("gpt-4o"), said("x"), at("priority"))).toBeGreaterThan(plain);
    expect(await heldNanoUsd(openai("gpt-4o"), said("x"), limit)).toBeGreaterThan(plain);
  });
});

describe("A call's parts and options", () => {
  const price = { provider: "openai", model: "gpt-4o-mini", source: "table" } as const;
  const read = (part: object, providerOptions?: object) =>
    readModelCall(
      { prompt: [{ role: "user", content: [part] }], maxOutputTokens: 10, providerOptions },
      { provider: "openai", model: "gpt-4o-mini", stream: false, price },
    );
  const resulting = (output: object) => ({ type: "tool-result", toolCallId: "1", toolName: "look", output });

  it("hide the reasoning that is named by its id alone", () => {
    const reasoning = (openai: object) => ({ type: "reasoning", text: "", providerOptions: { openai } });
    expect(read(reasoning({ itemId: "rs_1" })).call.input.fillsContext).toBe(true);
    const encrypted = reasoning({ itemId: "rs_1", reasoningEncryptedContent: "AAAA" });
    expect(read(encrypted).call.input.fillsContext).toBe(false);
  });

  it("have an allowance for an image in a tool's result in place of its bytes", () => {
    const image = { type: "image-data", mediaType: "image/png", data: "A".repeat(9_000) };
    const { call, body } = read(resulting({ type: "content", value: [image] }));
    expect(call.input.allowanceTokens).toBeGreaterThan(2_000);
    expect(JSON.stringify(body).length).toBeLessThan(1_000);
  });

  it("may ask for a cache write in a tool's result, for several choices, and for a dearer tier", () => {
    const providerOptions = { anthropic: { cacheControl: { type: "ephemeral", ttl: "1h" } } };
    expect(read(resulting({ type: "text", value: "", providerOptions })).call.cacheWrite).toBe("1h");
    expect(read({ type: "text", text: "" }, { openai: { n: 3 } }).call.output.choices).toBe(3);
    const fast = { openai: { serviceTier: "fast" } };
    expect(read({ type: "text", text: "" }, fast).call.priorityTier).toBe("asked");
  });
});

describe("A call that nothing bounds", () => {
  it.each([
    [
      "a search by the provider",
      { tools: [{ type: "provider" as const, id: "openai.web_search" as const, name: "s", args: {} }] },
    ],
    [
      "code that the provider runs",
      {
        tools: [
          {
            type: "provider" as const,
            id: "anthropic.code_execution_20250825" as const,
            name: "c",
            args: {},
          },
        ],
      },
    ],
    [
      "MCP servers",
      { providerOptions: { anthropic: { mcpServers: [{ type: "url", name: "m", url: "https://m" }] } } },
    ],
    [
      "compaction",
      { providerOptions: { anthropic: { contextManagement: { edits: [{ type: "compact_20260112" }] } } } },
    ],
    ["a search by a switch", { providerOptions: { alibaba: { enableSearch: true } } }],
    ["several passes", { providerOptions: { openai: { reasoningMode: "pro" } } }],
    ["other models of the gateway", { providerOptions: { gateway: { models: ["openai/gpt-5"] } } }],
  ])("is refused for %s, unless the meter admits it", async (_name, options) => {
    const error = await failure(Promise.resolve(call(openai("gpt-4o-mini"), said("x"), options)));
    expect(error).toBeInstanceOf(UnboundedCallError);
    expect(metered.events).toMatchObject([{ type: "failed", error }]);
    expect(upstream.requests).toEqual([]);

    const admitting = testMeter({ allowUnbounded: true });
    const model = wrapLanguageModel({
      model: openai("gpt-4o-mini"),
      middleware: meterMiddleware(admitting.meter),
    });
    await model.doGenerate({ prompt: [{ role: "user", content: said("x") }], ...options });
    expect(upstream.requests).toHaveLength(1);
    await admitting.meter.close();
  });

  it("is admitted with tools that the caller runs", async () => {
    const bash = {
      type: "provider" as const,
      id: "anthropic.bash_20250124" as const,
      name: "bash",
      args: {},
    };
    await call(anthropic("claude-haiku-4-5"), said("x"), { tools: [bash] });
    const clearing = { edits: [{ type: "clear_tool_uses_20250919" }] };
    await call(anthropic("claude-haiku-4-5"), said("x"), {
      providerOptions: { anthropic: { contextManagement: clearing } },
    });
    expect((await metered.outcome()).sources).toEqual(["reported", "reported"]);
  });
});

describe("A meter's options", () => {
  const prompt = [{ role: "user" as const, content: said("x") }];
  const wrap = (ofMeter: TestMeter, model = openai("gpt-4o-mini")) =>
    wrapLanguageModel({ model, middleware: meterMiddleware(ofMeter.meter) });
  const sentLimits = () => upstream.requests.map(({ body }) => Object(body).max_tokens);

  it("lower the limit of a call to what is left, where they say so", async () => {
    const clamping = testMeter({
      budgets: [{ window: "total", usd: "0.001" }],
      clamp: { floorTokens: 100 },
      serviceTier: "default",
    });
    await wrap(clamping).doGenerate({ prompt, maxOutputTokens: 10_000 });
    const [limit] = sentLimits();
    expect(limit).toBeGreaterThan(1_000);
    expect(limit).toBeLessThan(1_667);
    expect(clamping.events.map(({ type }) => type)).toEqual(["clamped", "settled"]);
    await clamping.meter.close();
  });

  it("lower no limit that goes with a thinking budget, nor one of an answer that has to be whole", async () => {
    const clamping = testMeter({ budgets: [{ window: "total", usd: "0.02" }], clamp: { floorTokens: 100 } });
    const thinking = { anthropic: { thinking: { type: "enabled", budgetTokens: 2_000 } } };
    const model = wrap(clamping, anthropic("claude-haiku-4-5"));
    for (const options of [{ providerOptions: thinking }, { responseFormat: { type: "json" as const } }]) {
      const asked = model.doGenerate({ prompt, maxOutputTokens: 10_000, ...options });
      expect(await failure(Promise.resolve(asked))).toBeInstanceOf(BudgetExceededError);
    }
    expect(upstream.requests).toEqual([]);
    await clamping.meter.close();
  });

  it("hold what the last calls used, where they say so", async () => {
    const typical = testMeter({
      budgets: [{ window: "total", usd: "0.012" }],
      estimate: "typical",
      serviceTier: "default",
    });
    const model = wrap(typical);
    for (let call = 0; call < 3; call += 1) await model.doGenerate({ prompt });
    // At their bounds, of a cent each, only one of these would fit at once.
    await Promise.all(Array.from({ length: 10 }, () => model.doGenerate({ prompt })));
    expect((await typical.outcome()).spentNanoUsd).toBe(13 * 2_850);
    await typical.meter.close();
  });
});

describe("The price of a model", () => {
  it("is that of the vendor that the gateway's model names", async () => {
    upstream.answer = speakAsGateway;
    const gateway = createGateway({ apiKey: "none", baseURL: upstream.url });
    await call(gateway("anthropic/claude-haiku-4.5"), said("x"));
    // 5 tokens in, 2 from the cache, 3 out.
    expect((await metered.outcome()).spentNanoUsd).toBe(5 * 1_000 + 2 * 100 + 3 * 5_000);
    expect(metered.events).toMatchObject([{ provider: "anthropic", model: "claude-haiku-4.5" }]);
    expect(JSON.stringify(upstream.requests)).not.toMatch(/agentlimit|hold/i);
  });

  it("is denied over a gateway after one attempt, by the very error", async () => {
    const broke = testMeter({ budgets: [{ window: "total", usd: "0.000001" }] });
    let attempts = 0;
    const counting: typeof fetch = (...request) => {
      attempts += 1;
      return broke.meter.fetch(...request);
    };
    const gateway = createGateway({ apiKey: "none", baseURL: upstream.url, fetch: counting });
    const model = wrapLanguageModel({
      model: gateway("openai/gpt-4o-mini"),
      middleware: meterMiddleware(broke.meter),
    });
    const error = await failure(generateText({ model, prompt: "x" }));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(error).toBe(broke.events[0]?.error);
    expect(broke.events).toHaveLength(1);
    expect(attempts).toBe(0);
    await broke.meter.close();
  });

  it("counts once over a gateway with the meter's own fetch", async () => {
    upstream.answer = speakAsGateway;
    const gateway = createGateway({ apiKey: "none", baseURL: upstream.url, fetch: metered.meter.fetch });
    await call(gateway("openai/gpt-4o-mini"), said("x"));
    expect(await metered.outcome()).toMatchObject({
      spentNanoUsd: 5 * 150 + 2 * 75 + 3 * 600,
      sources: ["reported"],
    });
  });

  it("is the region's for Claude on Vertex, since no answer says where it ran", async () => {
    const model = createAnthropic({
      apiKey: "none",
      baseURL: `${upstream.url}/v1`,
      name: "vertex.anthropic.messages",
    });
    await call(model("claude-haiku-4-5@20251001"), said("x"));
    expect((await metered.outcome()).spentNanoUsd).toBe(7 * 1_100 + 3 * 5_500);
  });

  it("is the user's own for a provider of the user's own", async () => {
    const priced = testMeter({
      customPricing: { mine: { "tiny-1": { input: "1", output: "2", maxOutputTokens: 100 } } },
    });
    const mine = createOpenAICompatible({ name: "mine", baseURL: `${upstream.url}/v1` });
    const wrap = (modelId: string) =>
      wrapLanguageModel({ model: mine(modelId), middleware: meterMiddleware(priced.meter) });
    const prompt = { prompt: [{ role: "user" as const, content: said("x") }] };
    await wrap("tiny-1").doGenerate(prompt);
    expect((await priced.outcome()).spentNanoUsd).toBe(7 * 1_000 + 3 * 2_000);
    expect(await failure(Promise.resolve(wrap("tiny-2").doGenerate(prompt)))).toBeInstanceOf(
      UnknownModelError,
    );
    await priced.meter.close();
  });
});
