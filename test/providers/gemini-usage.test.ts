import { describe, expect, it } from "vitest";
import { gemini } from "../../src/providers/gemini.ts";
import { geminiEmbeddings } from "../../src/providers/gemini-embeddings.ts";
import { readResponse } from "../../src/providers/index.ts";
import type { JsonObject } from "../../src/providers/json.ts";
import type { UsageContext } from "../../src/providers/provider.ts";

const call: UsageContext = { cacheWrite: undefined, fast: false, regional: false };
const text = (tokenCount: number) => ({ modality: "TEXT", tokenCount });
const audio = (tokenCount: number) => ({ modality: "AUDIO", tokenCount });
const image = (tokenCount: number) => ({ modality: "IMAGE", tokenCount });

const answer = (usageMetadata: JsonObject, more: JsonObject = {}) =>
  gemini.readAnswer({ candidates: [], modelVersion: "gemini-2.5-flash", usageMetadata, ...more }, call);
const tokens = (usageMetadata: JsonObject) => answer(usageMetadata)?.models[0].tokens;

describe("Gemini's counts", () => {
  it("add thoughts to the candidates, as reasoning", () => {
    expect(tokens({ promptTokenCount: 5, candidatesTokenCount: 3, thoughtsTokenCount: 40 })).toEqual({
      inputTokens: 5,
      outputTokens: 43,
      reasoningTokens: 40,
    });
  });

  it("add to the prompt what tools put there", () => {
    expect(tokens({ promptTokenCount: 30, toolUsePromptTokenCount: 4_000 })).toMatchObject({
      inputTokens: 4_030,
    });
  });

  it("take from the prompt what was cached", () => {
    expect(tokens({ promptTokenCount: 100, cachedContentTokenCount: 60 })).toEqual({
      inputTokens: 40,
      cachedInputTokens: 60,
      outputTokens: 0,
    });
  });

  it("tell cached sound from sound, and both from text", () => {
    const usage = {
      promptTokenCount: 1_000,
      promptTokensDetails: [text(100), audio(900)],
      cachedContentTokenCount: 700,
      cacheTokensDetails: [audio(650), text(50)],
    };
    expect(tokens(usage)).toEqual({
      inputTokens: 50,
      cachedInputTokens: 50,
      audioInputTokens: 250,
      audioCachedInputTokens: 650,
      outputTokens: 0,
    });
  });

  it("tell pictures apart, those among what was cached too", () => {
    const usage = {
      promptTokenCount: 600,
      promptTokensDetails: [text(84), image(516)],
      cachedContentTokenCount: 300,
      cacheTokensDetails: [image(258), text(42)],
    };
    expect(tokens(usage)).toEqual({
      inputTokens: 42,
      cachedInputTokens: 300,
      imageInputTokens: 258,
      outputTokens: 0,
    });
  });

  it("count the sound and the pictures that tools put into the prompt", () => {
    const toolUse = { toolUsePromptTokenCount: 290, toolUsePromptTokensDetails: [image(258), audio(32)] };
    expect(tokens({ promptTokenCount: 10, ...toolUse })).toEqual({
      inputTokens: 10,
      audioInputTokens: 32,
      imageInputTokens: 258,
      outputTokens: 0,
    });
  });

  it("price film and documents as text", () => {
    const details = [
      { modality: "VIDEO", tokenCount: 200 },
      { modality: "DOCUMENT", tokenCount: 258 },
    ];
    expect(tokens({ promptTokenCount: 458, promptTokensDetails: details })).toMatchObject({
      inputTokens: 458,
    });
  });

  it("know an answer that is a picture alone from one without a split", () => {
    const picture = {
      promptTokenCount: 5,
      candidatesTokenCount: 1_290,
      candidatesTokensDetails: [image(1_290)],
    };
    expect(tokens(picture)).toEqual({ inputTokens: 5, outputTokens: 0, imageOutputTokens: 1_290 });
    expect(tokens({ ...picture, thoughtsTokenCount: 20 })).toMatchObject({
      outputTokens: 20,
      reasoningTokens: 20,
      imageOutputTokens: 1_290,
    });
  });

  it("split an answer into what is written, spoken and painted", () => {
    const details = [text(10), audio(70), image(20)];
    expect(
      tokens({ promptTokenCount: 1, candidatesTokenCount: 100, candidatesTokensDetails: details }),
    ).toMatchObject({ outputTokens: 10, audioOutputTokens: 70, imageOutputTokens: 20 });
  });

  it("are known where the answer is empty, and not where nothing or no prompt is stated", () => {
    expect(tokens({ promptTokenCount: 12, totalTokenCount: 12 })).toEqual({
      inputTokens: 12,
      outputTokens: 0,
    });
    expect(tokens({ trafficType: "ON_DEMAND" })).toBeUndefined();
    expect(tokens({ candidatesTokenCount: 3, thoughtsTokenCount: 4 })).toBeUndefined();
    expect(tokens({})).toBeUndefined();
  });

  it.each([
    { promptTokenCount: -1 },
    { promptTokenCount: "5" },
    { promptTokenCount: 5, candidatesTokenCount: 1.5 },
    {
      promptTokenCount: 5,
      promptTokensDetails: [{ modality: "AUDIO", tokenCount: null }],
      thoughtsTokenCount: {},
    },
    { promptTokenCount: 5, cachedContentTokenCount: 1e300 },
    { promptTokenCount: 5, promptTokensDetails: [{ modality: "IMAGE", tokenCount: "3" }] },
  ])("are not read where one is malformed: %o", (usage) => {
    expect(tokens(usage)).toBeUndefined();
  });

  it.each([
    ["ON_DEMAND_FLEX", undefined, "flex"],
    ["ON_DEMAND_PRIORITY", undefined, "priority"],
    ["ON_DEMAND", undefined, undefined],
    ["PROVISIONED_THROUGHPUT", undefined, undefined],
    [undefined, "standard", undefined],
    [undefined, "priority", "priority"],
    [undefined, "flex", "flex"],
  ])("name the tier that served: %s, %s", (trafficType, serviceTier, expected) => {
    expect(tokens({ promptTokenCount: 1, trafficType, serviceTier })?.serviceTier).toBe(expected);
  });

  it("take an unnamed tier for the one that was asked for, in a stream too", () => {
    const asked: UsageContext = { ...call, priorityTier: "asked" };
    const served = (more: object) => {
      const body = { candidates: [], usageMetadata: { promptTokenCount: 1, ...more } };
      const reader = gemini.readEvents(asked);
      reader.read(JSON.stringify(body));
      const both = [gemini.readAnswer(body, asked), reader.usage()];
      return both.map((usage) => usage?.models[0].tokens.serviceTier);
    };
    expect(served({})).toEqual(["priority", "priority"]);
    expect(served({ trafficType: "TRAFFIC_TYPE_UNSPECIFIED" })).toEqual(["priority", "priority"]);
    expect(served({ serviceTier: "standard" })).toEqual([undefined, undefined]);
    expect(served({ trafficType: "ON_DEMAND" })).toEqual([undefined, undefined]);
  });
});

describe("A total of Gemini's that is not the sum of its parts", () => {
  it("leaves a doubt, and has what it has beyond them booked as output", () => {
    const parts = {
      promptTokenCount: 10,
      toolUsePromptTokenCount: 5,
      candidatesTokenCount: 3,
      thoughtsTokenCount: 2,
    };
    expect(answer({ ...parts, totalTokenCount: 20 })?.doubts).toBeUndefined();
    expect(answer(parts)?.doubts).toBeUndefined();
    expect(answer({ ...parts, totalTokenCount: 25 })).toMatchObject({
      models: [{ tokens: { inputTokens: 15, outputTokens: 10, reasoningTokens: 2 } }],
      doubts: ["its total of 25 tokens is not the 20 of its parts"],
    });
    expect(answer({ ...parts, totalTokenCount: 15 })).toMatchObject({
      models: [{ tokens: { inputTokens: 15, outputTokens: 5 } }],
      doubts: [expect.stringContaining("total of 15")],
    });
    expect(tokens({ ...parts, totalTokenCount: "25" })).toBeUndefined();
  });
});

describe("Searches of Gemini's", () => {
  const searches = (modelVersion: string, ...queries: string[][]) =>
    answer(
      { promptTokenCount: 1 },
      {
        modelVersion,
        candidates: queries.map((webSearchQueries) => ({ groundingMetadata: { webSearchQueries } })),
      },
    )?.extras.webSearches;

  it("are billed each, and up to Gemini 2.5 once a prompt", () => {
    expect(searches("gemini-3-flash-preview", ["a", "b"], ["c"])).toBe(3);
    expect(searches("gemini-3.1-pro-preview", ["a", "b", ""])).toBe(2);
    expect(searches("gemini-2.5-pro", ["a", "b"])).toBe(1);
    expect(searches("gemini-2.5-pro", [])).toBe(0);
    expect(answer({ promptTokenCount: 1 })?.extras.webSearches).toBe(0);
  });

  it("for pictures are searches, too", () => {
    const groundingMetadata = { webSearchQueries: ["a"], imageSearchQueries: ["b", "c"] };
    const more = { modelVersion: "gemini-3-flash-preview", candidates: [{ groundingMetadata }] };
    expect(answer({ promptTokenCount: 1 }, more)?.extras.webSearches).toBe(3);
  });

  it("are billed by the model that was called where the answer names none", () => {
    const candidates = [{ groundingMetadata: { webSearchQueries: ["a", "b"] } }];
    const body = { candidates, usageMetadata: { promptTokenCount: 1 } };
    const billed = (model: string) => gemini.readAnswer(body, { ...call, model })?.extras.webSearches;
    expect([billed("gemini-2.5-flash"), billed("gemini-3-flash-preview")]).toEqual([1, 2]);
  });
});

describe("Maps of Google's", () => {
  const groundingMetadata = { groundingChunks: [{ maps: { uri: "u" } }] };

  it("leave a doubt, since their fee is in no count", () => {
    const doubts = [expect.stringContaining("Google Maps")];
    expect(answer({ promptTokenCount: 1 }, { candidates: [{ groundingMetadata }] })?.doubts).toEqual(doubts);
    const reader = gemini.readEvents(call);
    const candidates = [{ groundingMetadata, finishReason: "STOP" }];
    reader.read(JSON.stringify({ candidates, usageMetadata: { promptTokenCount: 1 } }));
    expect(reader.usage()?.doubts).toEqual(doubts);
    const last = { candidates: [{ finishReason: "STOP", index: 1 }], usageMetadata: { promptTokenCount: 1 } };
    reader.read(JSON.stringify(last));
    expect(reader.usage()?.doubts).toEqual(doubts);
  });
});

describe("An answer of Gemini's", () => {
  const body = { candidates: [], modelVersion: "gemini-2.5-pro", usageMetadata: { promptTokenCount: 4 } };

  it("is recognised by its shape, with the model that served", () => {
    expect(readResponse(body)).toMatchObject({
      api: { name: "gemini" },
      usage: { models: [{ model: "gemini-2.5-pro", tokens: { inputTokens: 4 } }] },
    });
    expect(
      readResponse({ promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { promptTokenCount: 4 } }),
    ).toBeDefined();
  });

  it("says nothing where it has no usage", () => {
    expect(gemini.readAnswer({ candidates: [] }, call)).toBeUndefined();
    expect(readResponse({ candidates: [] })).toBeUndefined();
  });
});

describe("Embeddings of Gemini's", () => {
  it("state their prompt, or nothing, and never a model", () => {
    const usageMetadata = { promptTokenCount: 260, promptTokenDetails: [text(2), image(258)] };
    expect(geminiEmbeddings.readAnswer({ embeddings: [], usageMetadata }, call)?.models).toEqual([
      { model: undefined, tokens: { inputTokens: 2, imageInputTokens: 258, outputTokens: 0 } },
    ]);
    expect(geminiEmbeddings.readAnswer({ embedding: { values: [] } }, call)).toBeUndefined();
    const total = { embeddings: [], usageMetadata: { promptTokenCount: 7, totalTokenCount: 90 } };
    expect(geminiEmbeddings.readAnswer(total, call)?.models[0].tokens).toEqual({
      inputTokens: 90,
      outputTokens: 0,
    });
  });

  it("are recognised by their shape", () => {
    const usageMetadata = { promptTokenCount: 2 };
    for (const shape of [{ embedding: { values: [0.5] } }, { embeddings: [{ values: [0.5] }] }]) {
      expect(readResponse({ ...shape, usageMetadata })?.api.name).toBe("gemini-embeddings");
      expect(readResponse(shape)).toBeUndefined();
    }
  });
});

describe("An error of Google's", () => {
  it.each([
    [true, { error: { code: 429, message: "m", status: "RESOURCE_EXHAUSTED" } }],
    [false, { error: { message: "m" } }],
    [false, { error: "m" }],
    [false, {}],
  ])("bills nothing in its own form alone (%s): %o", (expected, body) => {
    expect(gemini.isErrorBody(body, 400)).toBe(expected);
    expect(geminiEmbeddings.isErrorBody(body, 400)).toBe(expected);
  });
});
