/** Whatever is asked and whatever comes back: no crash, and no free call. */
import fc from "fast-check";
import { describe, expect, inject, it } from "vitest";
import { AgentLimitError, InvalidUsageError } from "../../src/errors.ts";
import { memoryStore, UsageMeter } from "../../src/index.ts";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { chunksCutAt, type Echo } from "../support/echo-upstream.ts";
import { raw, startUpstream } from "../support/upstream.ts";

const RUNS = { numRuns: 40, endOnFailure: true };

interface Call {
  path: string;
  body: Record<string, unknown>;
}

const TEXT = [{ role: "user", content: "Hi" }];
const CONTENTS = { contents: [{ role: "user", parts: [{ text: "Hi" }] }] };
const CALLS: Record<string, Call> = {
  "chat completions": {
    path: "/v1/chat/completions",
    body: { model: "gpt-4o-mini", messages: TEXT, max_tokens: 9 },
  },
  "a stream of chat completions": {
    path: "/v1/chat/completions",
    body: { model: "gpt-4o-mini", messages: TEXT, max_tokens: 9, stream: true },
  },
  responses: { path: "/v1/responses", body: { model: "gpt-4o-mini", input: "Hi", max_output_tokens: 16 } },
  "a stream of responses": {
    path: "/v1/responses",
    body: { model: "gpt-4o-mini", input: "Hi", max_output_tokens: 16, stream: true },
  },
  embeddings: { path: "/v1/embeddings", body: { model: "text-embedding-3-small", input: "Hi" } },
  "Anthropic messages": {
    path: "/v1/messages",
    body: { model: "claude-haiku-4-5", max_tokens: 9, messages: TEXT },
  },
  "a stream of Anthropic messages": {
    path: "/v1/messages",
    body: { model: "claude-haiku-4-5", max_tokens: 9, messages: TEXT, stream: true },
  },
  Gemini: { path: "/v1beta/models/gemini-2.5-flash:generateContent", body: CONTENTS },
  "a stream of Gemini": {
    path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    body: CONTENTS,
  },
  "an array of Gemini": { path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent", body: CONTENTS },
  "Gemini's embeddings": {
    path: "/v1beta/models/gemini-embedding-001:embedContent",
    body: { content: { parts: [{ text: "Hi" }] } },
  },
  "Bedrock Converse": {
    path: "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/converse",
    body: { messages: [{ role: "user", content: [{ text: "Hi" }] }], inferenceConfig: { maxTokens: 9 } },
  },
};

/** One call by a meter of its own, and what became of it. */
async function outcomeOf(path: string, body: BodyInit, baseUrl = inject("echoUrl")) {
  const events: MeterEvent[] = [];
  const meter = new UsageMeter({
    scope: "fuzz",
    store: memoryStore(),
    monthlyBudgetUsd: 1_000_000,
    onEvent: (event) => void events.push(event),
  });
  let refusal: unknown;
  let bytes: Uint8Array | undefined;
  try {
    const response = await meter.fetch(`${baseUrl}${path}`, { method: "POST", body });
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    refusal = error;
  }
  await meter.flush();
  const { nanoUsdSpent, usdHeld } = await meter.getUsage();
  expect(usdHeld).toBe(0);
  return { refusal, bytes, nanoUsdSpent, events };
}

function echoing(body: object, echo: Echo): string {
  return JSON.stringify({ ...body, echo });
}

const contentType = fc.constantFrom(
  "application/json",
  "text/event-stream",
  "text/html",
  "application/vnd.amazon.eventstream",
  "TEXT/EVENT-STREAM; charset=utf-16",
  "image/png",
);
/** Numbers where counts stand, names that objects have anyway, and nesting. */
const strangeJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, "", "NaN", -1, 0.5, 1e300, 2 ** 53, "__proto__", "7"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.constantFrom(
        "usage",
        "choices",
        "__proto__",
        "model",
        "type",
        "message",
        "delta",
        "usageMetadata",
        "error",
      ),
      tie("value"),
      { maxKeys: 4, noNullPrototype: false },
    ),
  ),
})).value;
const bodyText = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  strangeJson.map((value) => utf8(JSON.stringify(value))),
  fc
    .array(strangeJson, { maxLength: 4 })
    .map((values) => utf8(values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join(""))),
  fc.array(strangeJson, { maxLength: 4 }).map((values) => utf8(JSON.stringify(values))),
);

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe.each(Object.entries(CALLS))("A call to %s", (_name, call) => {
  it("that is answered with anything at all passes it on, and is charged", async () => {
    await fc.assert(
      fc.asyncProperty(
        contentType,
        bodyText,
        fc.array(fc.nat(), { maxLength: 5 }),
        async (type, bytes, cuts) => {
          const echo = { contentType: type, chunks: chunksCutAt(bytes, cuts) };
          const outcome = await outcomeOf(call.path, echoing(call.body, echo));
          expect(outcome.refusal).toBeUndefined();
          expect(outcome.bytes).toEqual(bytes);
          expect(outcome.nanoUsdSpent).toBeGreaterThan(0);
          expect(outcome.events.filter(({ type }) => type === "settled")).toHaveLength(1);
        },
      ),
      RUNS,
    );
  });

  it("that fails with anything at all is given back, or charged, and nothing stays held", async () => {
    const status = fc.constantFrom(400, 401, 408, 422, 429, 500, 503, 504, 524);
    await fc.assert(
      fc.asyncProperty(status, bodyText, async (status, bytes) => {
        const echo = { contentType: "application/json", status, chunks: chunksCutAt(bytes, []) };
        const outcome = await outcomeOf(call.path, echoing(call.body, echo));
        expect(outcome.bytes).toEqual(bytes);
        const isReleased = outcome.events.length === 0;
        expect(outcome.nanoUsdSpent > 0).toBe(!isReleased);
      }),
      RUNS,
    );
  });

  it("that asks for anything at all is refused with a typed error, or charged", async () => {
    const echo = { contentType: "application/json", chunks: [] };
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), strangeJson), strangeJson, async (fields, value) => {
        const field = Object.keys(call.body).at(-1) ?? "model";
        const body = echoing({ ...call.body, ...fields, [field]: value }, echo);
        const { refusal, nanoUsdSpent } = await outcomeOf(call.path, body);
        if (refusal !== undefined) expect(refusal).toBeInstanceOf(AgentLimitError);
        expect(nanoUsdSpent > 0).toBe(refusal === undefined);
      }),
      RUNS,
    );
  });

  it.each([
    ["random bytes", new Uint8Array([0xff, 0x00, 0x7b, 0xc3])],
    ["half a body", JSON.stringify(call.body).slice(0, -2)],
    ["a body in a list", JSON.stringify([call.body])],
    ["a number", "7"],
    ["nesting without an end", "[".repeat(200_000)],
    ["a body with two names for one field", `{"model":"gpt-4o-mini",${JSON.stringify(call.body).slice(1)}`],
  ])("that sends %s is refused with a typed error, or charged", async (_what, body) => {
    const { refusal, nanoUsdSpent } = await outcomeOf(call.path, body, await hearingUrl());
    if (refusal !== undefined) expect(refusal).toBeInstanceOf(AgentLimitError);
    expect(nanoUsdSpent > 0).toBe(refusal === undefined);
  });

  it("that nests its body and its answer very deep is charged", async () => {
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const bytes = utf8(`{"usage":${deep}}`);
    const echo = { contentType: "application/json", chunks: chunksCutAt(bytes, []) };
    const body = `{"metadata":${deep},${echoing(call.body, echo).slice(1)}`;
    const outcome = await outcomeOf(call.path, body);
    if (outcome.refusal !== undefined) expect(outcome.refusal).toBeInstanceOf(AgentLimitError);
    else expect(outcome.nanoUsdSpent).toBeGreaterThan(0);
  });
});

describe("An answer whose fields no text or number can be made of", () => {
  const strange = { toString: 1, valueOf: 1 };
  const gemini = {
    candidates: [{ finishReason: "STOP" }],
    usageMetadata: { promptTokenCount: 7, candidatesTokenCount: strange, trafficType: strange },
  };
  const chat = {
    choices: [{ finish_reason: "stop" }],
    usage: { prompt_tokens: 7, completion_tokens: 3, num_sources_used: strange },
  };
  const asEvents = (body: object) => `data: ${JSON.stringify(body)}\n\n`;

  it.each([
    ["chat completions", JSON.stringify(chat)],
    ["a stream of chat completions", `${asEvents(chat)}data: [DONE]\n\n`],
    ["Gemini", JSON.stringify(gemini)],
    ["a stream of Gemini", asEvents(gemini)],
    ["an array of Gemini", JSON.stringify([gemini])],
  ])("of %s passes, is charged at the hold, and is told of", async (name, text) => {
    const contentType = text.startsWith("data:") ? "text/event-stream" : "application/json";
    const echo = { contentType, chunks: chunksCutAt(utf8(text), [9]) };
    const { path, body } = CALLS[name] ?? { path: "", body: {} };
    const { bytes, nanoUsdSpent, events } = await outcomeOf(path, echoing(body, echo));
    expect(bytes).toEqual(utf8(text));
    expect(nanoUsdSpent).toBeGreaterThan(0);
    expect(events.map(({ type, receipt }) => [type, receipt?.source])).toEqual([
      ["settled", "estimated"],
      ["failed", undefined],
    ]);
  });
});

describe("A request with a field that no text can be made of", () => {
  it("is refused with a typed error", async () => {
    const { path, body } = CALLS["Anthropic messages"] ?? { path: "", body: {} };
    const asked = { ...body, tools: [{ type: { toString: 1, valueOf: 1 } }] };
    const { refusal } = await outcomeOf(path, JSON.stringify(asked), await hearingUrl());
    expect(refusal).toBeInstanceOf(InvalidUsageError);
  });
});

describe("An event, or a body, larger than what is read", () => {
  it.each([
    ["a stream of chat completions", "text/event-stream"],
    ["a stream of Anthropic messages", "text/event-stream"],
    ["chat completions", "application/json"],
    ["an array of Gemini", "application/json"],
  ])("of %s passes, is charged at the hold, and is told of", async (name, contentType) => {
    const upstream = await startUpstream(raw(huge(), 200, { "content-type": contentType }));
    const { path, body } = CALLS[name] ?? { path: "", body: {} };
    const { bytes, nanoUsdSpent, events } = await outcomeOf(path, JSON.stringify(body), upstream.url);
    await upstream.close();
    expect(bytes?.length).toBe(huge().length);
    expect(nanoUsdSpent).toBeGreaterThan(0);
    expect(events.map(({ type }) => type)).toEqual(["settled", "failed"]);
    expect(String(events[1]?.error)).toContain("64 MiB");
  });
});

const HUGE_BYTES = 66 * 1024 * 1024;

function huge(): Uint8Array {
  return new Uint8Array(HUGE_BYTES).fill(0x78);
}

/** An upstream that answers whatever it hears. */
let hearing: Promise<string> | undefined;
function hearingUrl(): Promise<string> {
  hearing ??= startUpstream(raw("{}", 200, { "content-type": "application/json" })).then(({ url }) => url);
  return hearing;
}
