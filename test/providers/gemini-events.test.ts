import { describe, expect, it } from "vitest";
import { gemini } from "../../src/providers/gemini.ts";
import type { UsageContext } from "../../src/providers/provider.ts";

const call: UsageContext = { cacheWrite: undefined, fast: false, regional: false };

/** A reader that has seen these events. */
function having(events: object[], context: UsageContext = call) {
  const reader = gemini.readEvents(context);
  for (const event of events) reader.read(JSON.stringify({ modelVersion: "gemini-2.5-flash", ...event }));
  return {
    ended: reader.ended,
    complete: reader.complete,
    tokens: reader.usage()?.models[0].tokens,
    usage: reader.usage(),
  };
}

const says = (text: string, usageMetadata?: object) => ({
  candidates: [{ content: { parts: [{ text }] } }],
  ...(usageMetadata && { usageMetadata }),
});
const finishes = (usageMetadata?: object, index?: number) => ({
  candidates: [{ content: { parts: [] }, finishReason: "STOP", ...(index && { index }) }],
  ...(usageMetadata && { usageMetadata }),
});
const used = (prompt: number, candidates: number) => ({
  promptTokenCount: prompt,
  candidatesTokenCount: candidates,
  totalTokenCount: prompt + candidates,
});

describe("A stream of Gemini's", () => {
  it("is settled by its last event alone: never the sum, never the most", () => {
    const { tokens } = having([says("a", used(15, 4)), says("b", used(15, 20)), finishes(used(14, 33))]);
    expect(tokens).toEqual({ inputTokens: 14, outputTokens: 33 });
  });

  it("takes nothing over from an earlier event that the last one leaves out", () => {
    const earlier = {
      ...used(10, 5),
      thoughtsTokenCount: 50,
      cachedContentTokenCount: 8,
      totalTokenCount: 65,
    };
    expect(having([says("a", earlier), finishes(used(10, 6))]).tokens).toEqual({
      inputTokens: 10,
      outputTokens: 6,
    });
  });

  it("keeps what an event stated after which others state nothing", () => {
    expect(having([says("a", used(10, 5)), finishes()]).tokens).toEqual({ inputTokens: 10, outputTokens: 5 });
  });

  it("leaves a doubt where it states nothing from its end on", () => {
    const doubts = (...events: object[]) => having(events).usage?.doubts;
    expect(doubts(says("a", used(10, 5)), finishes())).toEqual([expect.stringContaining("ends it")]);
    expect(doubts(says("a", used(10, 5)), finishes(), { usageMetadata: used(10, 9) })).toBeUndefined();
  });

  it("is final when it says why it finished and what it used", () => {
    expect(having([says("a", used(3, 1))])).toMatchObject({ ended: false, complete: false });
    expect(having([says("a", used(3, 1)), finishes()])).toMatchObject({ ended: false, complete: true });
    expect(having([finishes(used(3, 1))])).toMatchObject({ ended: true, complete: true });
  });

  it("of several candidates is final when each has finished", () => {
    const two = { ...call, output: { limitTokens: 9, choices: 2, audio: false, image: false } };
    const first = finishes(used(3, 1));
    expect(having([first, says("b", used(3, 5))], two)).toMatchObject({ ended: false, complete: true });
    expect(having([first, first], two).ended).toBe(false);
    expect(having([first, finishes(used(3, 9), 1)], two)).toMatchObject({
      ended: true,
      tokens: { inputTokens: 3, outputTokens: 9 },
    });
  });

  it("knows nothing while Vertex names the traffic alone", () => {
    const early = says("a", { trafficType: "ON_DEMAND" });
    expect(having([early])).toMatchObject({ ended: false, tokens: undefined });
    expect(having([early, finishes({ trafficType: "ON_DEMAND" })])).toMatchObject({
      ended: false,
      tokens: undefined,
    });
    expect(having([early, finishes({ ...used(3, 1), trafficType: "ON_DEMAND_FLEX" })])).toMatchObject({
      ended: true,
      tokens: { inputTokens: 3, serviceTier: "flex" },
    });
  });

  it("ends where the prompt is blocked, with no candidate at all", () => {
    const promptFeedback = { blockReason: "PROHIBITED_CONTENT" };
    expect(
      having([{ promptFeedback, usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 } }]),
    ).toMatchObject({
      ended: true,
      tokens: { inputTokens: 9, outputTokens: 0 },
    });
    expect(having([{ promptFeedback, usageMetadata: { trafficType: "ON_DEMAND" } }])).toMatchObject({
      ended: false,
      tokens: undefined,
    });
  });

  it("is complete where the prompt is blocked, though it is said later what that used", () => {
    const blocked = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } };
    const usageMetadata = { promptTokenCount: 9, totalTokenCount: 9 };
    expect(having([blocked, { usageMetadata }])).toMatchObject({
      ended: false,
      complete: true,
      tokens: { inputTokens: 9, outputTokens: 0 },
    });
  });

  it("that states less output at its end than before leaves a doubt", () => {
    const { usage } = having([
      says("a", used(87, 21)),
      finishes({ promptTokenCount: 87, thoughtsTokenCount: 78, totalTokenCount: 165 }),
    ]);
    expect(usage).toMatchObject({
      models: [{ tokens: { inputTokens: 87, outputTokens: 78 } }],
      doubts: [expect.stringContaining("less output")],
    });
    expect(having([says("a", used(8, 2)), finishes(used(7, 2))]).usage?.doubts).toBeUndefined();
  });

  it("is not ended by what the model talks about", () => {
    const talk = '{"finishReason":"STOP","usageMetadata":{"promptTokenCount":1}}';
    expect(having([says("a", used(3, 1)), says(talk)])).toMatchObject({
      ended: false,
      complete: false,
      tokens: { inputTokens: 3, outputTokens: 1 },
    });
    const args = { finishReason: "STOP", promptFeedback: { blockReason: "X" } };
    const calls = { candidates: [{ content: { parts: [{ functionCall: { name: "f", args } }] } }] };
    expect(having([{ ...calls, usageMetadata: used(3, 2) }])).toMatchObject({
      ended: false,
      complete: false,
    });
  });

  it("counts the searches of all its events, each once", () => {
    const grounded = (...webSearchQueries: string[]) => ({
      modelVersion: "gemini-3-flash-preview",
      candidates: [{ groundingMetadata: { webSearchQueries } }],
    });
    const events = [
      grounded("a"),
      grounded("a", "b"),
      { ...finishes(used(3, 1)), modelVersion: "gemini-3-flash-preview" },
    ];
    expect(having(events).usage?.extras.webSearches).toBe(2);
  });

  it.each([
    "",
    "[]",
    "null",
    "{",
    '{"usageMetadata":3}',
    '{"candidates":[{"finishReason":"STOP"}],"usageMetadata":[]}',
  ])("takes anything for no usage: %s", (data) => {
    const reader = gemini.readEvents(call);
    reader.read(data);
    expect(reader.usage()).toBeUndefined();
    expect(reader.ended).toBe(false);
  });
});
