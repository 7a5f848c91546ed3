/** Answers whose usage has a form that real hosts send at times: settled by what they say, or at the hold with an event. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryStore, UsageMeter } from "../../src/index.ts";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { type Answer, json, raw, startUpstream, type Upstream } from "../support/upstream.ts";

/** A call, and nano-USD for each of its tokens. */
interface Api {
  path: string;
  body: object;
  rates: readonly [input: number, output: number];
}

const CHAT: Api = {
  path: "/v1/chat/completions",
  body: { model: "gpt-4o-mini", messages: [], max_tokens: 64, service_tier: "default" },
  rates: [150, 600],
};
const RESPONSES: Api = {
  path: "/v1/responses",
  body: { model: "gpt-4o-mini", input: "Hi", max_output_tokens: 64, service_tier: "default" },
  rates: [150, 600],
};
const CLAUDE: Api = {
  path: "/v1/messages",
  body: { model: "claude-haiku-4-5", messages: [], max_tokens: 64 },
  rates: [1_000, 5_000],
};
const GEMINI: Api = {
  path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
  body: { contents: [], generationConfig: { maxOutputTokens: 64 } },
  rates: [300, 2_500],
};

const events = (...data: (object | string)[]): Answer => {
  const texts = data.map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
  const body = texts.map((text) => `data: ${text}\n\n`).join("");
  return raw(body, 200, { "content-type": "text/event-stream" });
};

const error = { error: { message: "overloaded", type: "server_error", code: 503 } };
const counts = (prompt_tokens: unknown, completion_tokens: unknown) => ({ prompt_tokens, completion_tokens });
const chunk = (usage: unknown, finish_reason: string | null = null) => ({
  model: "gpt-4o-mini",
  choices: [{ index: 0, delta: { content: "a" }, finish_reason }],
  usage,
});
const chat = (usage: unknown) => json({ model: "gpt-4o-mini", choices: [], usage });
const response = (type: string, usage: unknown, status = type) => ({
  type: `response.${type}`,
  response: { object: "response", model: "gpt-4o-mini", status, output: [], usage },
});
const starts = (usage: object) => ({ type: "message_start", message: { model: "claude-haiku-4-5", usage } });
const ends = (usage: object | undefined, stop_reason = "end_turn") => ({
  type: "message_delta",
  delta: { stop_reason },
  usage,
});
const STOP = { type: "message_stop" };
const says = (usageMetadata: object, more: object = {}) => ({
  candidates: [{ content: { parts: [{ text: "a" }] }, ...more }],
  modelVersion: "gemini-2.5-flash",
  usageMetadata,
});
const used = (promptTokenCount: number, candidatesTokenCount: number) => ({
  promptTokenCount,
  candidatesTokenCount,
  totalTokenCount: promptTokenCount + candidatesTokenCount,
});

type Told = "nothing" | "failed";
/** Tokens in and out that are booked as reported, or the hold as estimated. */
type Booked = readonly [input: number, output: number] | "hold";

const ROWS: [name: string, api: Api, answer: Answer, booked: Booked, told: Told][] = [
  ["an error with 200", CHAT, json(error), "hold", "failed"],
  ["no usage", CHAT, chat(null), "hold", "failed"],
  ["counts as texts", CHAT, chat(counts("7", "3")), "hold", "failed"],
  ["half a token", CHAT, chat(counts(7, 3.5)), "hold", "failed"],
  ["less than nothing", CHAT, chat(counts(7, -3)), "hold", "failed"],
  ["more than any call", CHAT, chat(counts(9e15, 9e15)), "hold", "failed"],
  ["more than any number", CHAT, chat(counts(1e300, 3)), "hold", "failed"],
  ["output alone", CHAT, chat(counts(0, 3)), "hold", "failed"],
  ["a total that says more", CHAT, chat({ ...counts(10, 0), total_tokens: 50 }), [10, 40], "failed"],
  [
    "usage of null until the last chunk",
    CHAT,
    events(chunk(null), chunk(null, "stop"), chunk(counts(7, 3)), "[DONE]"),
    [7, 3],
    "nothing",
  ],
  [
    "a running total in every chunk",
    CHAT,
    events(chunk(counts(7, 1)), chunk(counts(7, 2)), chunk(counts(7, 3), "stop"), "[DONE]"),
    [7, 3],
    "nothing",
  ],
  ["a running total, then an error", CHAT, events(chunk(counts(7, 1)), error), "hold", "failed"],
  [
    "usage in x_groq alone",
    CHAT,
    events({ ...chunk(undefined, "stop"), x_groq: { usage: counts(7, 3) } }, "[DONE]"),
    [7, 3],
    "nothing",
  ],
  ["an error in the midst of a stream", CHAT, events(chunk(null), error, "[DONE]"), "hold", "failed"],
  ["usage after its end", CHAT, events(chunk(null, "stop"), "[DONE]", chunk(counts(7, 3))), "hold", "failed"],
  ["a failure without usage", RESPONSES, events(response("failed", null)), "hold", "failed"],
  [
    "a failure with usage",
    RESPONSES,
    events(response("failed", { input_tokens: 7, output_tokens: 3 })),
    [7, 3],
    "nothing",
  ],
  [
    "an answer cut at its limit",
    RESPONSES,
    events(response("incomplete", { input_tokens: 7, output_tokens: 3 })),
    [7, 3],
    "nothing",
  ],
  ["an error event alone", RESPONSES, events({ type: "error", ...error }), "hold", "failed"],
  [
    "an error after the start",
    CLAUDE,
    events(starts({ input_tokens: 7, output_tokens: 1 }), { type: "error", ...error }),
    "hold",
    "failed",
  ],
  [
    "usage at the start alone",
    CLAUDE,
    events(starts({ input_tokens: 7, output_tokens: 1 }), ends(undefined), STOP),
    "hold",
    "failed",
  ],
  [
    "a refusal",
    CLAUDE,
    events(starts({ input_tokens: 7, output_tokens: 1 }), ends({ output_tokens: 3 }, "refusal"), STOP),
    [7, 3],
    "nothing",
  ],
  [
    "an input of zero at the end",
    CLAUDE,
    events(starts({ input_tokens: 7, output_tokens: 1 }), ends({ input_tokens: 0, output_tokens: 3 }), STOP),
    [7, 3],
    "nothing",
  ],
  [
    "a blocked prompt with its count",
    GEMINI,
    events({
      promptFeedback: { blockReason: "SAFETY" },
      usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 },
    }),
    [7, 0],
    "nothing",
  ],
  [
    "a blocked prompt without a count",
    GEMINI,
    events({ promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { trafficType: "ON_DEMAND" } }),
    "hold",
    "failed",
  ],
  ["an error after some output", GEMINI, events(says(used(7, 3)), error), "hold", "failed"],
  [
    "no usage at its end",
    GEMINI,
    events(says(used(7, 3)), { candidates: [{ finishReason: "STOP" }] }),
    [7, 3],
    "failed",
  ],
];

let upstream: Upstream;
let meter: UsageMeter;
let told: MeterEvent[];

beforeEach(async () => {
  upstream = await startUpstream();
  told = [];
  meter = new UsageMeter({
    scope: "user:1",
    store: memoryStore(),
    monthlyBudgetUsd: 100,
    onEvent: (event) => void told.push(event),
  });
});
afterEach(() => upstream.close());

describe("An answer with an odd usage reaches its caller as it is, and is booked", () => {
  it.each(ROWS)("%s", async (_name, { path, body, rates }, answer, booked, tells) => {
    upstream.answer = answer;
    const stream = { stream: true };
    const reply = await meter.fetch(`${upstream.url}${path}`, {
      method: "POST",
      body: JSON.stringify({ ...body, ...(path.includes("Content") ? {} : stream) }),
    });
    expect(reply.status).toBe(200);
    expect(await reply.text()).not.toBe("");
    await meter.flush();

    const { nanoUsdSpent, usdHeld } = await meter.getUsage();
    const [settled, failed] = told;
    expect(usdHeld).toBe(0);
    expect(settled?.type).toBe("settled");
    expect(failed?.type ?? "nothing").toBe(tells);
    if (booked === "hold") {
      expect(settled?.receipt?.source).toBe("estimated");
      expect(nanoUsdSpent).toBeGreaterThan(64 * rates[1]);
    } else {
      expect(settled?.receipt?.source).toBe("reported");
      expect(nanoUsdSpent).toBe(booked[0] * rates[0] + booked[1] * rates[1]);
    }
    expect(upstream.requests).toHaveLength(1);
  });
});
