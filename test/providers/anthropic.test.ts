import { describe, expect, it } from "vitest";
import { anthropicOnBedrock } from "../../src/providers/anthropic-bedrock.ts";
import { anthropicMessages } from "../../src/providers/anthropic-messages.ts";
import { anthropicOnVertex } from "../../src/providers/anthropic-vertex.ts";
import type { ApiRequest, UsageContext } from "../../src/providers/provider.ts";

const plain: UsageContext = { cacheWrite: undefined, fast: false, regional: false };
const counts = { input_tokens: 10, output_tokens: 5 };

const read = (usage: object, call: UsageContext = plain) =>
  anthropicMessages.readAnswer({ type: "message", model: "m", usage: { ...usage } }, call);

function stream(...events: object[]) {
  const reader = anthropicMessages.readEvents(plain);
  for (const event of events) reader.read(JSON.stringify(event));
  return reader.usage();
}
const start = (usage: object, id = "msg_1") => ({
  type: "message_start",
  message: { id, model: "m", usage },
});
const delta = (usage: object) => ({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage });

describe("The passes of a message", () => {
  const pass = (type: string, model?: string) => ({ ...counts, type, ...(model && { model }) });

  it("are billed where there are several, each by its own model, compaction and advisors too", () => {
    const iterations = [pass("compaction"), pass("advisor_message", "other"), pass("message", "m")];
    expect(read({ ...counts, iterations })).toMatchObject({
      models: [
        { model: "m", tokens: { inputTokens: 20, outputTokens: 10 } },
        { model: "other", tokens: { inputTokens: 10, outputTokens: 5 } },
      ],
      doubts: [],
    });
  });

  it("are the whole where there is one", () => {
    const iterations = [{ ...pass("message"), input_tokens: 3 }];
    expect(read({ ...counts, iterations })?.models).toHaveLength(1);
    expect(read({ ...counts, iterations })?.models[0].tokens.inputTokens).toBe(10);
  });

  it("are billed where the only one is left out of the whole", () => {
    const nothing = { input_tokens: 0, output_tokens: 0 };
    const usage = read({ ...nothing, iterations: [pass("compaction")] });
    expect(usage?.models).toEqual([{ model: "m", tokens: { inputTokens: 10, outputTokens: 5 } }]);
  });

  it("are not billed in place of a whole that is more than all of them, which is doubted", () => {
    const iterations = [pass("message"), pass("message")];
    expect(read({ ...counts, output_tokens: 900, iterations })).toMatchObject({
      models: [{ tokens: { inputTokens: 10, outputTokens: 900 } }],
      doubts: [expect.stringContaining("passes")],
    });
  });

  it("are billed and doubted where their type is unknown", () => {
    const usage = read({ ...counts, iterations: [pass("message"), pass("oracle")] });
    expect(usage?.models[0].tokens).toEqual({ inputTokens: 20, outputTokens: 10 });
    expect(usage?.doubts).toEqual(['it has a pass of the unknown type "oracle"']);
  });

  it("make the usage unreadable where one of them is", () => {
    expect(read({ ...counts, iterations: [pass("message"), { type: "message" }] })).toBeUndefined();
  });
});

describe("A stream of a compatible host", () => {
  it("corrects the whole prompt to its uncached rest", () => {
    const usage = stream(
      start({ input_tokens: 900, cache_read_input_tokens: 0, output_tokens: 0 }),
      delta({ input_tokens: 100, cache_read_input_tokens: 800, output_tokens: 7 }),
    );
    expect(usage?.models[0].tokens).toEqual({ inputTokens: 100, cachedInputTokens: 800, outputTokens: 7 });
  });

  it("keeps an input that zeros do not correct", () => {
    const first = start({ input_tokens: 900, cache_read_input_tokens: 80, output_tokens: 0 });
    const kept = { inputTokens: 900, cachedInputTokens: 80, outputTokens: 7 };
    const zeros = { cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
    for (const more of [{}, zeros]) {
      const usage = stream(first, delta({ input_tokens: 0, output_tokens: 7, ...more }));
      expect(usage?.models[0].tokens).toEqual(kept);
    }
    const cached = delta({ input_tokens: 0, cache_read_input_tokens: 980, output_tokens: 7 });
    expect(stream(first, cached)?.models[0].tokens).toEqual({
      inputTokens: 0,
      cachedInputTokens: 980,
      outputTokens: 7,
    });
  });

  it("keeps what a null does not correct", () => {
    const usage = stream(start({ ...counts, cache_read_input_tokens: 8 }), {
      ...delta({ output_tokens: 6, cache_read_input_tokens: null, input_tokens: null }),
    });
    expect(usage?.models[0].tokens).toEqual({ inputTokens: 10, cachedInputTokens: 8, outputTokens: 6 });
  });

  it("may begin twice: the later start counts, but not after the totals", () => {
    const late = stream(
      start({ input_tokens: 0, output_tokens: 0 }),
      start(counts),
      delta({ output_tokens: 6 }),
    );
    expect(late?.models[0].tokens).toEqual({ inputTokens: 10, outputTokens: 6 });
    const again = stream(start(counts), delta({ output_tokens: 600 }), start(counts));
    expect(again?.models[0].tokens).toEqual({ inputTokens: 10, outputTokens: 600 });
  });

  it("may hold two messages: both are billed, and doubted", () => {
    const usage = stream(
      start(counts),
      delta({ output_tokens: 50 }),
      start(counts, "msg_2"),
      delta({ output_tokens: 6 }),
    );
    expect(usage?.models.map(({ tokens }) => tokens.outputTokens)).toEqual([6, 50]);
    expect(usage?.doubts).toEqual(["the stream holds more than one message"]);
  });

  it("keeps apart what each of two messages used, and adds up their searches", () => {
    const searched = (count: number) => ({ server_tool_use: { web_search_requests: count } });
    const usage = stream(
      start({ ...counts, cache_read_input_tokens: 8 }),
      delta({ output_tokens: 50, ...searched(2) }),
      start(counts, "msg_2"),
      delta({ output_tokens: 6, ...searched(1) }),
    );
    expect(usage?.models.map(({ tokens }) => tokens.cachedInputTokens)).toEqual([undefined, 8]);
    expect(usage?.extras.webSearches).toBe(3);
  });
});

describe("A stream that never states its totals", () => {
  it.each([
    ["no usage", undefined],
    ["a usage without output", { input_tokens: 10 }],
    ["an output of null", { output_tokens: null }],
  ])("with %s at its end is not read by the counts of its beginning", (_what, usage) => {
    const reader = anthropicMessages.readEvents(plain);
    const events = [start(counts), { ...delta({}), usage }, { type: "message_stop" }];
    for (const event of events) reader.read(JSON.stringify(event));
    expect([reader.ended, reader.complete]).toEqual([false, false]);
  });
});

describe("The thoughts in an answer", () => {
  it("are no more than its output", () => {
    const thought = (thinking_tokens: number) =>
      read({ ...counts, output_tokens_details: { thinking_tokens } })?.models[0].tokens.reasoningTokens;
    expect([thought(3), thought(9)]).toEqual([3, 5]);
  });
});

describe("Cache writes whose split is of an earlier moment", () => {
  it("are explained by the split as far as it goes, and by none that is more than they are", () => {
    const split = { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 };
    const first = { ...counts, cache_creation_input_tokens: 30, cache_creation: split };
    const written = (cache_creation_input_tokens: number) =>
      stream(start(first), delta({ output_tokens: 5, cache_creation_input_tokens }))?.models[0].tokens;
    expect(written(40)).toMatchObject({ cacheWriteTokens: 30, cacheWrite1hTokens: 10 });
    expect(written(0)).toEqual({ inputTokens: 10, outputTokens: 5 });
    expect(written(25)).toEqual({ inputTokens: 10, outputTokens: 5, cacheWriteTokens: 25 });
  });
});

describe("Fees and dearer modes of a message", () => {
  it("are those that the answer states", () => {
    const usage = { ...counts, server_tool_use: { web_search_requests: 3, web_fetch_requests: 9 } };
    expect(read({ ...usage, inference_geo: "us", speed: "fast" })?.extras).toEqual({
      webSearches: 3,
      regional: true,
      fast: true,
    });
    expect(read({ ...usage, server_tool_use: { web_search_requests: "3" } })).toBeUndefined();
  });

  it("are at the speed that was asked for where the answer states none", () => {
    const fast = (usage: object) => read({ ...counts, ...usage }, { ...plain, fast: true })?.extras.fast;
    expect([fast({}), fast({ speed: null }), fast({ speed: "standard" })]).toEqual([true, true, false]);
  });
});

describe("A request for a message", () => {
  const address = new URL("https://api.anthropic.com/v1/messages");
  const call = (body: object) =>
    anthropicMessages.readCall({
      url: address,
      provider: "anthropic",
      body: { model: "claude-haiku-4-5", messages: [], max_tokens: 5, ...body },
    });

  it("may be served in a region unless it asks for none: the workspace's own setting decides", () => {
    const regional = (inference_geo?: string | null) => call({ inference_geo }).regional;
    expect([regional(), regional(null), regional("us"), regional("global")]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it("opens a longer context by a beta in its body, too", () => {
    expect(call({ anthropic_beta: ["context-1m-2025-08-07"] }).input.contextTokens).toBe(1_000_000);
    expect(call({ anthropic_beta: ["output-128k-2025-02-19"] }).input.contextTokens).toBeUndefined();
  });

  it("has an allowance for the images in its documents and search results", () => {
    const source = { type: "base64", media_type: "image/png", data: "AAAA" };
    const content = [{ type: "image", source }];
    const document = { type: "document", source: { type: "content", content } };
    for (const block of [document, { type: "search_result", content }]) {
      const { input } = call({ messages: [{ role: "user", content: [block] }] });
      expect(input).toMatchObject({ mediaCharacters: 4, allowanceTokens: 5_120, fillsContext: false });
    }
  });

  it("is refused as unbounded with compaction, and with models to fall back on", () => {
    expect(call({ compaction: { trigger: 1 } }).unbounded).toEqual(["compaction"]);
    expect(call({ fallbacks: [{ model: "claude-opus-4-8" }] }).unbounded).toEqual(["otherModels"]);
  });
});

const VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations";
const BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model";

function request(address: string, headers = new Headers()): ApiRequest {
  const body = { anthropic_version: "v", messages: [], max_tokens: 5 };
  return { url: new URL(address), provider: "p", body, headers };
}

describe("Claude on Vertex", () => {
  const claude = (location: string, method: string) =>
    anthropicOnVertex.readCall(
      request(`${VERTEX}/${location}/publishers/anthropic/models/claude-sonnet-4-5@20250929:${method}`),
    );

  it("has its model, its stream and its region in the path", () => {
    expect(claude("us-east5", "streamRawPredict")).toMatchObject({
      model: "claude-sonnet-4-5@20250929",
      stream: true,
      regional: true,
      output: { limitTokens: 5 },
    });
    expect(claude("global", "rawPredict")).toMatchObject({ stream: false, regional: false });
    const escaped = `${VERTEX}/global/publishers/anthropic/models/claude-opus-4-5%4020251101:rawPredict`;
    expect(anthropicOnVertex.readCall(request(escaped)).model).toBe("claude-opus-4-5@20251101");
  });

  it("is billed by its region, whatever the answer says", () => {
    const body = { type: "message", model: "m", usage: counts };
    const call = { ...plain, regional: true };
    expect(anthropicOnVertex.readAnswer(body, call)?.extras.regional).toBe(true);
    const reader = anthropicOnVertex.readEvents(call);
    for (const event of [start(counts), delta(counts), { type: "message_stop" }]) {
      reader.read(JSON.stringify(event));
    }
    expect([reader.ended, reader.usage()?.extras.regional]).toEqual([true, true]);
  });

  it("has Anthropic's errors, and Google's", () => {
    expect(anthropicOnVertex.isErrorBody({ type: "error", error: { type: "t", message: "m" } }, 400)).toBe(
      true,
    );
    const error = { code: 429, message: "m", status: "RESOURCE_EXHAUSTED" };
    expect(anthropicOnVertex.isErrorBody({ error }, 400)).toBe(true);
    expect(anthropicOnVertex.isErrorBody({ error: { message: "m" } }, 400)).toBe(false);
  });
});

describe("Claude by Bedrock's InvokeModel", () => {
  const address = `${BEDROCK}/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke`;

  it("has its model in the path, which prices the call", () => {
    expect(anthropicOnBedrock.readCall(request(address))).toMatchObject({
      model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
      stream: false,
      unbounded: [],
    });
    const body = { type: "message", model: "claude-sonnet-4-5-20250929", usage: counts };
    expect(anthropicOnBedrock.readAnswer(body, plain)?.models[0].model).toBeUndefined();
  });

  it("has Anthropic's errors, and AWS's", () => {
    const errors = [{ message: "Too many" }, { type: "error", error: { type: "t", message: "m" } }, {}];
    const found = errors.map((error) => anthropicOnBedrock.isErrorBody(error, 429));
    expect(found).toEqual([true, true, false]);
  });

  it("is refused with a guardrail, which is billed apart", () => {
    const headers = new Headers({ "X-Amzn-Bedrock-GuardrailIdentifier": "g" });
    expect(anthropicOnBedrock.readCall(request(address, headers)).unbounded).toEqual(["guardrail"]);
  });
});
