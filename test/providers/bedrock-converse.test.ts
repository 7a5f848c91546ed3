import { describe, expect, it } from "vitest";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { bedrockConverse } from "../../src/providers/bedrock-converse.ts";
import type { UsageContext } from "../../src/providers/provider.ts";

const plain: UsageContext = { cacheWrite: undefined, fast: false, regional: false };
const counts = { inputTokens: 10, outputTokens: 5 };

const call = (body: object, id = "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0") =>
  bedrockConverse.readCall({
    url: new URL(`https://bedrock-runtime.us-east-1.amazonaws.com/model/${id}/converse`),
    provider: "bedrock",
    price: { provider: "bedrock", model: "claude-sonnet-4-5", source: "table" },
    body: { messages: [], ...body },
  });
const says = (...content: object[]) => ({ messages: [{ role: "user", content }] });
const answer = (usage: object, more: object = {}, context = plain) =>
  bedrockConverse.readAnswer({ output: {}, stopReason: "end_turn", usage: { ...usage }, ...more }, context);

describe("The model of a Converse call", () => {
  it.each([
    ["us.anthropic.claude-sonnet-4-5-20250929-v1%3A0", "claude-sonnet-4-5"],
    ["amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"],
    ["arn:aws:bedrock:us-east-1::foundation-model%2Famazon.nova-pro-v1%3A0", "amazon.nova-pro-v1:0"],
    [
      "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fglobal.anthropic.claude-opus-4-8",
      "claude-opus-4-8",
    ],
    ["arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-micro-v1:0", "amazon.nova-micro-v1:0"],
  ])("is in the path: %s", (id, priced) => {
    expect(createPriceBook().find("bedrock", call({}, id).model).model).toBe(priced);
  });

  it("is another where a router chose it", () => {
    const trace = { promptRouter: { invokedModelId: "amazon.nova-lite-v1:0" } };
    expect(answer(counts, { trace })?.models[0].model).toBe("amazon.nova-lite-v1:0");
    expect(answer(counts)?.models[0].model).toBeUndefined();
  });
});

describe("The output limit of a Converse call", () => {
  const limit = (body: object) => call(body).output.limitTokens;

  it("is maxTokens, or a larger one among the model's own fields", () => {
    expect(limit({ inferenceConfig: { maxTokens: 50 } })).toBe(50);
    expect(limit({ additionalModelRequestFields: { max_tokens: 70 } })).toBe(70);
    const own = { additionalModelRequestFields: { inferenceConfig: { maxTokens: 90 } } };
    expect(limit({ inferenceConfig: { maxTokens: 50 }, ...own })).toBe(90);
    expect(limit({ inferenceConfig: {} })).toBeUndefined();
    expect(() => limit({ inferenceConfig: { maxTokens: "50" } })).toThrow(/maxTokens/);
  });

  it("has a thinking budget on top of it that is not below it, by either name", () => {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    for (const own of [{ thinking }, { reasoning_config: thinking }]) {
      const body = { inferenceConfig: { maxTokens: 1000 }, additionalModelRequestFields: own };
      expect(call(body).output).toMatchObject({ limitTokens: 2024, lowering: undefined });
    }
  });

  it("is lowered above a thinking budget, and not where the model's own field sets it", () => {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    expect(call({ additionalModelRequestFields: { thinking } }).output.lowering).toEqual({
      floorTokens: 1025,
      structured: false,
    });
    expect(call({ additionalModelRequestFields: { max_tokens: 70 } }).output.lowering).toBeUndefined();
    expect(call({ outputConfig: { textFormat: {} } }).output.lowering?.structured).toBe(true);
  });

  it("is written beside what stands there", () => {
    const url = new URL("https://x.example/model/m/converse");
    const body = { inferenceConfig: { topP: 1 } };
    expect(bedrockConverse.withOutputLimit({ url, provider: "bedrock", body }, 7)).toEqual({
      inferenceConfig: { topP: 1, maxTokens: 7 },
    });
  });
});

describe("The input of a Converse call", () => {
  const image = (source: object) => ({ image: { format: "png", source } });

  it("is its text, tools and cache points", () => {
    const blocks = [
      { text: "Hi" },
      { toolResult: { content: [{ json: {} }] } },
      { cachePoint: { type: "default" } },
    ];
    expect(call(says(...blocks)).input).toMatchObject({ fillsContext: false, allowanceTokens: 0 });
  });

  it("has an allowance for images, and none of their characters", () => {
    const nested = { toolResult: { content: [image({ bytes: "AAAA" })] } };
    const { input } = call(says(image({ bytes: "AAAAAA" }), nested));
    expect(input).toMatchObject({ fillsContext: false, mediaCharacters: 10, allowanceTokens: 2 * 16_384 });
  });

  it.each([
    ["a file in S3", image({ s3Location: { uri: "s3://b/k" } })],
    ["a document", { document: { name: "d", format: "pdf", source: { bytes: "AAAA" } } }],
    ["a video", { video: { format: "mp4", source: { bytes: "AAAA" } } }],
    ["a document in a tool's result", { toolResult: { content: [{ document: {} }] } }],
    ["a kind that nobody knows", { novel: {} }],
  ])("may fill the context with %s", (_name, block) => {
    expect(call(says(block)).input.fillsContext).toBe(true);
  });

  it("may fill the context with a stored prompt", () => {
    expect(call({ promptVariables: { a: { text: "b" } } }).input.fillsContext).toBe(true);
  });

  it("may be written to a cache, for an hour if a point says so", () => {
    expect(call(says({ text: "Hi" })).cacheWrite).toBeUndefined();
    expect(call(says({ cachePoint: { type: "default" } })).cacheWrite).toBe("5m");
    expect(call(says({ cachePoint: { type: "default", ttl: "1h" } })).cacheWrite).toBe("1h");
    const own = { additionalModelRequestFields: { cache_control: { type: "ephemeral" } } };
    expect(call(own).cacheWrite).toBe("5m");
  });
});

describe("A Converse call is refused as unbounded", () => {
  it.each([
    ["serverTool", { toolConfig: { tools: [{ systemTool: { name: "nova_grounding" } }] } }],
    ["serverTool", { additionalModelRequestFields: { tools: [{ type: "web_search_20250305" }] } }],
    ["mcpServer", { additionalModelRequestFields: { mcp_servers: [{}] } }],
    ["guardrail", { guardrailConfig: { guardrailIdentifier: "g" } }],
  ])("for %s: %o", (feature, body) => {
    expect(call(body).unbounded).toEqual([feature]);
  });

  it("for a router of prompts, and not for tools of the caller's", () => {
    expect(call({}, "arn:aws:bedrock:us-east-1:1:default-prompt-router/x").unbounded).toEqual([
      "otherModels",
    ]);
    const tools = [{ toolSpec: { name: "t" } }, { cachePoint: { type: "default" } }];
    const own = { tools: [{ type: "bash_20250124", name: "bash" }] };
    const body = { toolConfig: { tools }, additionalModelRequestFields: own };
    expect(call(body)).toMatchObject({ unbounded: [], input: { allowanceTokens: 1024 } });
  });
});

describe("The usage of a Converse answer", () => {
  it("leaves caches out of the input, splits writes by their life, and counts twins once", () => {
    const usage = {
      ...counts,
      totalTokens: 345,
      cacheReadInputTokens: 30,
      cacheReadInputTokenCount: 30,
      cacheWriteInputTokens: 300,
      cacheDetails: [
        { ttl: "5m", inputTokens: 100 },
        { ttl: "1h", inputTokens: 150 },
      ],
    };
    const written = (context: UsageContext) => answer(usage, {}, context)?.models[0].tokens;
    const rest = { inputTokens: 10, cachedInputTokens: 30, outputTokens: 5 };
    expect(written(plain)).toEqual({ ...rest, cacheWriteTokens: 150, cacheWrite1hTokens: 150 });
    expect(written({ ...plain, cacheWrite: "1h" })).toEqual({
      ...rest,
      cacheWriteTokens: 100,
      cacheWrite1hTokens: 200,
    });
    expect(answer(usage)?.doubts).toEqual([]);
    const older = { ...counts, cacheReadInputTokenCount: 30, cacheWriteInputTokenCount: 40 };
    expect(answer(older)?.models[0].tokens).toEqual({ ...rest, cacheWriteTokens: 40 });
  });

  it("has no less written than its details say", () => {
    const cacheDetails = [{ ttl: "1h", inputTokens: 90 }];
    expect(answer({ ...counts, cacheWriteInputTokens: 5, cacheDetails })?.models[0].tokens).toEqual({
      inputTokens: 10,
      cacheWrite1hTokens: 90,
      outputTokens: 5,
    });
  });

  it("has the tier that the answer states", () => {
    const tier = (more: object) => answer(counts, more)?.models[0].tokens.serviceTier;
    expect(tier({ serviceTier: { type: "flex" } })).toBe("flex");
    expect(tier({ serviceTier: { type: "default" } })).toBeUndefined();
    expect(tier({ performanceConfig: { latency: "optimized" } })).toBe("priority");
    expect(call({ performanceConfig: { latency: "optimized" } }).priorityTier).toBe("asked");
    expect(call({ serviceTier: { type: "priority" } }).priorityTier).toBe("asked");
    expect(call({}).priorityTier).toBe("excluded");
  });

  it("has the tier that was asked for where the answer states none", () => {
    const tier = (more: object) =>
      answer(counts, more, { ...plain, priorityTier: "asked" })?.models[0].tokens.serviceTier;
    expect(tier({})).toBe("priority");
    expect(tier({ serviceTier: { type: "default" } })).toBeUndefined();
    expect(tier({ serviceTier: { type: "flex" } })).toBe("flex");
    expect(tier({ performanceConfig: { latency: "standard" } })).toBeUndefined();
  });

  it("has what its total has beyond its parts as output", () => {
    const total = { totalTokens: 99, cacheReadInputTokens: 4, cacheWriteInputTokens: 6 };
    expect(answer({ ...counts, ...total })).toMatchObject({
      models: [{ tokens: { inputTokens: 10, outputTokens: 79 } }],
      doubts: ["its total of 99 tokens is not the 25 of its parts"],
    });
  });

  it.each([
    ["a total that is not the sum", { ...counts, totalTokens: 9 }, {}, /total of 9/],
    ["tools of the provider's", { ...counts, serverToolUsage: { grounding: 1 } }, {}, /tools/],
    ["a mode without a price", counts, { performanceConfig: { latency: "optimized" } }, /latency/],
  ])("is booked and doubted for %s", (_name, usage, more, reason) => {
    expect(answer(usage, more)?.doubts).toEqual([expect.stringMatching(reason)]);
  });

  it("is none where a count is malformed or missing", () => {
    expect(answer({ ...counts, inputTokens: -1 })).toBeUndefined();
    expect(answer({ inputTokens: 1 })).toBeUndefined();
    expect(answer({ ...counts, cacheDetails: [{ ttl: "1h" }] })).toBeUndefined();
  });
});

describe("An error of Bedrock's", () => {
  it.each([
    [true, { message: "m" }],
    [true, { Message: "m" }],
    [true, { __type: "ThrottlingException", message: "m" }],
    [false, { message: "m", originalStatusCode: 500 }],
    [false, { message: "Bad gateway", status: 502 }],
    [false, { error: { message: "m" } }],
    [false, {}],
  ])("bills nothing: %s, %o", (expected, body) => {
    expect(bedrockConverse.isErrorBody(body, 400)).toBe(expected);
  });

  it("may have been billed where the model failed while it ran, however little is said", () => {
    expect(bedrockConverse.isErrorBody({ message: "m" }, 424)).toBe(false);
  });
});
