import { describe, expect, it } from "vitest";
import { InvalidUsageError, UnknownModelError } from "../../src/errors.ts";
import { inputTokensOf } from "../../src/metering/bound.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { gemini } from "../../src/providers/gemini.ts";
import { geminiEmbeddings } from "../../src/providers/gemini-embeddings.ts";
import type { JsonObject } from "../../src/providers/json.ts";
import { boundOf } from "../support/bound-of.ts";

const AI_STUDIO = "https://generativelanguage.googleapis.com/v1beta/models";
const VERTEX = "https://aiplatform.googleapis.com/v1/projects/p/locations/l";
const WINDOW = 1_048_576;
const hello = [{ role: "user", parts: [{ text: "Hello" }] }];
const prices = createPriceBook();

interface Asked {
  address?: string;
  headers?: Headers;
}

function read(
  body: JsonObject,
  { address = `${AI_STUDIO}/gemini-2.5-flash:generateContent`, headers }: Asked = {},
) {
  return gemini.readCall({ url: new URL(address), provider: "google", body, ...(headers && { headers }) });
}

function bounded(body: JsonObject, model = "gemini-2.5-flash") {
  const price = prices.find("google", model);
  const whole = { contents: hello, ...body };
  const call = read(whole, { address: `${AI_STUDIO}/${model}:generateContent` });
  return {
    call,
    inputTokens: inputTokensOf(call, whole, price),
    ...boundOf({ call, body: whole, price, serviceTier: undefined }),
  };
}

const part = (...parts: unknown[]) => bounded({ contents: [{ role: "user", parts }] });

describe("The model of a call to Gemini", () => {
  it.each([
    [`${AI_STUDIO}/gemini-2.5-pro:generateContent`, "gemini-2.5-pro"],
    [`${AI_STUDIO}/gemini-2.5-pro%3AstreamGenerateContent?alt=sse`, "gemini-2.5-pro"],
    [`${VERTEX}/publishers/google/models/gemini-2.5-pro:generateContent`, "gemini-2.5-pro"],
    [`${VERTEX}/endpoints/123:generateContent`, "endpoints/123"],
    ["https://x.example/v1beta/tunedModels/gemini-2.5-pro:generateContent", "tunedModels/gemini-2.5-pro"],
  ])("is in its address: %s", (address, model) => {
    expect(read({ contents: hello }, { address }).model).toBe(model);
  });

  it("has no price where it is tuned, whatever its name", () => {
    for (const model of ["endpoints/123", "tunedModels/gemini-2.5-pro"]) {
      expect(() => prices.find("google", model)).toThrow(UnknownModelError);
    }
  });

  it("is asked for a stream by the address, too", () => {
    const stream = (method: string) => read({}, { address: `${AI_STUDIO}/m:${method}` }).stream;
    expect([
      stream("generateContent"),
      stream("streamGenerateContent"),
      stream("streamGenerateContent?alt=sse"),
    ]).toEqual([false, true, true]);
  });
});

describe("The output limit of Gemini", () => {
  const output = (generationConfig: JsonObject) => read({ contents: hello, generationConfig }).output;

  it("is the request's, for each candidate, by either of its names", () => {
    expect(output({ maxOutputTokens: 50, candidateCount: 3 })).toMatchObject({ limitTokens: 50, choices: 3 });
    expect(output({ max_output_tokens: 50, candidate_count: 3 })).toMatchObject({
      limitTokens: 50,
      choices: 3,
    });
    expect(read({ generation_config: { maxOutputTokens: 50 } }).output.limitTokens).toBe(50);
    expect(bounded({ generationConfig: { maxOutputTokens: 50, candidateCount: 3 } }).tokens).toBe(
      bounded({ generationConfig: { maxOutputTokens: 50, candidateCount: 1 } }).tokens + 100,
    );
  });

  it("is not what it may think, but the model's own", () => {
    const thinking = { thinkingConfig: { thinkingBudget: 100 } };
    expect(output(thinking).limitTokens).toBeUndefined();
    const { tokens, inputTokens } = bounded({ generationConfig: thinking });
    expect(tokens - inputTokens).toBe(65_536);
  });

  it.each([
    { generationConfig: { maxOutputTokens: 9_000, max_output_tokens: 5 } },
    { generationConfig: { candidateCount: 8, candidate_count: 1 } },
    { generationConfig: { maxOutputTokens: 9_000 }, generation_config: { maxOutputTokens: 5 } },
    { generationConfig: { maxOutputTokens: "5" } },
    { generationConfig: { maxOutputTokens: 0 } },
    { generationConfig: [{ maxOutputTokens: 5 }] },
    { contents: "Hello" },
    { contents: [{ parts: ["Hello"] }] },
    { systemInstruction: "Be kind." },
    { tools: "googleSearch" },
  ])("and what is sent besides is refused where servers could read more into it: %j", (body) => {
    expect(() => read({ contents: hello, ...body })).toThrow(InvalidUsageError);
  });

  it("is written where the caller wrote it, and all else is kept", () => {
    const limited = (body: JsonObject) =>
      gemini.withOutputLimit({ url: new URL(AI_STUDIO), provider: "google", body }, 7);
    expect(limited({ contents: hello })).toEqual({
      contents: hello,
      generationConfig: { maxOutputTokens: 7 },
    });
    expect(limited({ generationConfig: { temperature: 1, maxOutputTokens: 9 } })).toEqual({
      generationConfig: { temperature: 1, maxOutputTokens: 7 },
    });
    expect(limited({ generation_config: { max_output_tokens: 9 } })).toEqual({
      generation_config: { max_output_tokens: 7 },
    });
  });

  it("may be lowered, but not where a shorter answer is worthless", () => {
    expect(output({}).lowering).toEqual({ floorTokens: 16, structured: false });
    for (const thinking of [
      { thinkingConfig: { thinkingBudget: 2_000 } },
      { thinking_config: { thinking_budget: 2_000 } },
    ]) {
      expect(output(thinking).lowering?.floorTokens).toBe(2_001);
    }
    expect(output({ thinkingConfig: { thinkingBudget: -1 } }).lowering?.floorTokens).toBe(16);
    for (const format of [
      { responseSchema: {} },
      { response_json_schema: {} },
      { responseMimeType: "application/json" },
    ]) {
      expect(output(format).lowering?.structured).toBe(true);
    }
    expect(output({ responseModalities: ["IMAGE"] }).lowering).toBeUndefined();
    expect(output({ responseModalities: ["AUDIO"] }).lowering).toBeUndefined();
  });
});

describe("What Gemini may answer with is bounded by the dearest kind", () => {
  const kinds = (responseModalities: unknown, model = "gemini-2.5-flash") => {
    const { audio, image } = bounded({ generationConfig: { responseModalities, maxOutputTokens: 10 } }, model)
      .call.output;
    return { audio, image };
  };

  it("that is asked for, or that it may choose", () => {
    expect(kinds(undefined)).toEqual({ audio: false, image: false });
    expect(kinds(["TEXT"])).toEqual({ audio: false, image: false });
    expect(kinds(["TEXT", "IMAGE"])).toEqual({ audio: false, image: true });
    expect(kinds(["audio"])).toEqual({ audio: true, image: false });
    expect(kinds("AUDIO")).toEqual({ audio: true, image: false });
    expect(kinds([3])).toEqual({ audio: true, image: true });
    expect(kinds(undefined, "gemini-2.5-flash-image")).toEqual({ audio: false, image: true });
    expect(kinds(undefined, "gemini-2.5-flash-preview-tts")).toEqual({ audio: true, image: false });
  });

  it("and a picture costs twelve times the text", () => {
    const asks = (responseModalities: string[]) =>
      bounded({ generationConfig: { responseModalities, maxOutputTokens: 10_000 } }, "gemini-2.5-flash-image")
        .nanoUsd;
    expect(asks(["TEXT", "IMAGE"])).toBeGreaterThanOrEqual(10_000 * 30_000);
  });
});

describe("What Gemini is sent besides text", () => {
  const data = "A".repeat(320_000);
  const inline = (mimeType: string) => ({ inlineData: { mimeType, data } });

  it("has an allowance where it is a picture, in place of its bytes", () => {
    const large = part(inline("image/png"));
    const small = part({ inlineData: { mimeType: "image/png", data: "AAAA" } });
    expect(large.inputTokens).toBe(small.inputTokens);
    expect(large.inputTokens).toBeGreaterThan(8_192);
    expect(part({ inline_data: { mime_type: "IMAGE/PNG", data } }).inputTokens).toBeLessThan(
      large.inputTokens + 10,
    );
    expect(part({ functionResponse: { parts: [inline("image/png")] } }).inputTokens).toBeLessThan(10_000);
    expect(large.call.input.audio).toBe(false);
  });

  it("is bounded by the poorest sound that its bytes can hold, at the price of sound", () => {
    const { inputTokens, call, nanoUsd } = part(inline("audio/mpeg"));
    expect(inputTokens).toBeGreaterThanOrEqual(10_000);
    expect(inputTokens).toBeLessThan(12_000);
    expect(call.input.audio).toBe(true);
    expect(nanoUsd).toBeGreaterThanOrEqual(10_000 * 1_000);
  });

  it.each(["audio/flac", "audio/ogg", "audio/aac", "video/mp4", "application/pdf", "application/zip", ""])(
    "is the context window where few bytes may hold much: %s",
    (mimeType) => {
      expect(part(inline(mimeType)).inputTokens).toBe(WINDOW);
      expect(part(inline(mimeType)).call.input.audio).toBe(mimeType !== "application/pdf");
    },
  );

  it("is text where it says so, and what only looks like data stays text", () => {
    expect(part(inline("text/csv")).inputTokens).toBeGreaterThan(320_000);
    expect(part({ functionCall: { name: "f", args: inline("image/png") } }).inputTokens).toBeGreaterThan(
      320_000,
    );
    expect(
      part({ inlineData: { mimeType: "image/png", data: ["A".repeat(5_000)] } }).inputTokens,
    ).toBeGreaterThan(8_192 + 5_000);
  });

  it.each<[string, JsonObject]>([
    ["a file", { contents: [{ parts: [{ fileData: { fileUri: "gs://b/f.mp4" } }] }] }],
    [
      "a file by its other name",
      { contents: [{ parts: [{ file_data: { file_uri: "u", mime_type: "image/png" } }] }] },
    ],
    ["a file in an instruction", { system_instruction: { parts: [{ fileData: {} }] } }],
    [
      "a file in a function's answer",
      { contents: [{ parts: [{ functionResponse: { parts: [{ fileData: {} }] } }] }] },
    ],
    ["a part of an unknown kind", { contents: [{ parts: [{ hologram: {} }] }] }],
    ["a cache", { cachedContent: "cachedContents/c" }],
    ["a cache by its other name", { cached_content: "cachedContents/c" }],
    ["objects in place of lists", { contents: { parts: { fileData: {} } } }],
  ])("is the context window for %s", (_name, body) => {
    expect(bounded(body).inputTokens).toBe(WINDOW);
  });

  it("may be sound where it was cached", () => {
    expect(bounded({}).call.input.audio).toBe(false);
    expect(bounded({ cachedContent: "cachedContents/c" }).call.input.audio).toBe(true);
  });

  it("is text in all other parts", () => {
    const parts = [
      { text: "a", thought: true, thoughtSignature: "c2ln" },
      { functionCall: { name: "f", args: {} }, thought_signature: "c2ln" },
      { functionResponse: { name: "f", response: { inlineData: "x" } } },
      { executableCode: { code: "1" } },
      { codeExecutionResult: { output: "1" } },
    ];
    expect(part(...parts).inputTokens).toBeLessThan(2_000);
    expect(
      bounded({ contents: { parts: { text: "a" } }, systemInstruction: { parts: { text: "b" } } })
        .inputTokens,
    ).toBeLessThan(2_000);
  });
});

describe("What no body to Gemini bounds", () => {
  const unbounded = (body: JsonObject, model?: string) => bounded(body, model).call.unbounded;

  it.each([
    ["googleSearch", "webSearch"],
    ["google_search", "webSearch"],
    ["googleSearchRetrieval", "webSearch"],
    ["enterpriseWebSearch", "webSearch"],
    ["urlContext", "serverTool"],
    ["codeExecution", "serverTool"],
    ["fileSearch", "serverTool"],
    ["googleMaps", "serverTool"],
    ["computerUse", "serverTool"],
    ["retrieval", "serverTool"],
    ["notYetKnown", "serverTool"],
    ["mcpServers", "mcpServer"],
  ])("is the tool %s", (tool, feature) => {
    expect(unbounded({ tools: [{ [tool]: {} }] })).toEqual([feature]);
    expect(unbounded({ tools: { functionDeclarations: [], [tool]: {} } })).toEqual([feature]);
  });

  it("is a model that Vertex chooses", () => {
    expect(unbounded({ generationConfig: { routingConfig: { autoMode: {} } } })).toEqual(["otherModels"]);
  });

  it("is none of what is ordinary", () => {
    const body = {
      tools: [{ functionDeclarations: [{ name: "f" }] }, { function_declarations: [], googleSearch: null }],
      toolConfig: { functionCallingConfig: { mode: "ANY" } },
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "OFF" }],
      labels: { team: "a" },
    };
    expect(unbounded(body)).toEqual([]);
  });
});

describe("The tier of a call to Gemini", () => {
  it("is the ordinary one unless the body or, on Vertex, a header asks for another", () => {
    const asked = (body: JsonObject, headers?: Record<string, string>) =>
      read(body, headers && { headers: new Headers(headers) }).priorityTier;
    expect([
      asked({}),
      asked({ serviceTier: "flex" }),
      asked({ service_tier: "SERVICE_TIER_STANDARD" }),
    ]).toEqual(["excluded", "excluded", "excluded"]);
    expect(asked({ serviceTier: "priority" })).toBe("asked");
    expect(asked({ service_tier: 3 })).toBe("asked");
    expect(asked({}, { "X-Vertex-AI-LLM-Shared-Request-Type": "priority" })).toBe("asked");
    expect(asked({}, { "X-Vertex-AI-LLM-Shared-Request-Type": "flex" })).toBe("excluded");
  });
});

describe("A call for embeddings", () => {
  function embedded(body: JsonObject, method = "batchEmbedContents", model = "gemini-embedding-001") {
    const price = prices.find("google", model);
    const url = new URL(`${AI_STUDIO}/${model}:${method}`);
    const call = geminiEmbeddings.readCall({ url, provider: "google", body });
    return { call, ...boundOf({ call, body, price, serviceTier: undefined }) };
  }
  const request = (text: string) => ({ content: { parts: [{ text }] } });

  it("is bounded by its bytes, and has no output", () => {
    const body = request("Hello");
    expect(embedded(body, "embedContent").tokens).toBe(JSON.stringify(body).length + 1_024);
    expect(embedded(body, "embedContent").call.output.limitTokens).toBe(0);
  });

  it("has a context window for each of its texts", () => {
    const long = "x".repeat(5_000);
    expect(embedded(request(long), "embedContent").tokens).toBe(2_048);
    expect(embedded({ requests: [request(long), request(long), request(long)] }).tokens).toBe(3 * 2_048);
  });

  it("may hold pictures and sound", () => {
    const film = { content: { parts: [{ inlineData: { mimeType: "video/mp4", data: "AAAA" } }] } };
    const { tokens, call } = embedded({ requests: [film] }, "batchEmbedContents", "gemini-embedding-2");
    expect(tokens).toBe(8_192);
    expect(call.input.audio).toBe(true);
  });
});
