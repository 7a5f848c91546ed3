/** What a metered stream owes its reader: every byte, in order, in any runtime. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryStore, UsageMeter } from "../../src/index.ts";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { chunksCutAt } from "../support/echo-upstream.ts";

/** Enough for a cut between any two bytes that matter; no shrinking, which would outlast the test. */
const RUNS = { numRuns: 60, endOnFailure: true };

/** @param echoUrl where the provider that answers as it is asked listens. */
export function describeStreamBytes(runtime: string, echoUrl: string): void {
  const ways = [
    ["", {}],
    [" with waitUntil", { waitUntil: () => {} }],
  ] as const;
  for (const [way, options] of ways) {
    describe(`A metered stream in ${runtime}${way}`, () => {
      it.each(STREAMS)("passes $name byte for byte, however it is cut", async (stream) => {
        await fc.assert(
          fc.asyncProperty(bodies(stream), async ({ body, cuts }) => {
            const { text, source } = await passed(stream, { body, cuts, options });
            expect(text).toBe(body);
            expect(source).toBe("reported");
          }),
          RUNS,
        );
      });

      it("leaves out the one chunk that it asked for itself, and no other byte", async () => {
        await fc.assert(
          fc.asyncProperty(bodies(ASKED_FOR), async ({ body, cuts }) => {
            const { text, source } = await passed(ASKED_FOR, { body, cuts, options });
            expect(text).toBe(
              body.replace(/data: [^\n\r]*"prompt_tokens":7[^\n\r]*(\r\n\r\n|\n\n|\r\r)/, ""),
            );
            expect(source).toBe("reported");
          }),
          RUNS,
        );
      });

      it("passes what is no event, no text and no JSON", async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.constantFrom(...STREAMS),
            garbage,
            cutsArbitrary,
            async (stream, bytes, cuts) => {
              const answer = await ask(stream, { chunks: chunksCutAt(bytes, cuts), options });
              expect(new Uint8Array(await answer.response.arrayBuffer())).toEqual(bytes);
              expect(await answer.source()).toBe("estimated");
            },
          ),
          RUNS,
        );
      });
    });
  }

  async function passed(
    stream: Stream,
    { body, cuts, options }: { body: string; cuts: number[]; options: object },
  ) {
    const chunks = chunksCutAt(new TextEncoder().encode(body), cuts);
    const { response, source } = await ask(stream, { chunks, options });
    return { text: await response.text(), source: await source() };
  }

  async function ask(stream: Stream, { chunks, options }: { chunks: string[]; options: object }) {
    const events: MeterEvent[] = [];
    const meter = new UsageMeter({
      scope: "bytes",
      store: memoryStore(),
      monthlyBudgetUsd: 1_000,
      onEvent: (event) => void events.push(event),
      ...options,
    });
    const echo = { contentType: stream.contentType, chunks };
    const response = await meter.fetch(`${echoUrl}${stream.path}`, {
      method: "POST",
      body: JSON.stringify({ ...stream.request, echo }),
    });
    const source = async () => {
      await meter.flush();
      const settled = events.filter(({ type }) => type === "settled");
      expect(settled).toHaveLength(1);
      return settled[0]?.receipt?.source;
    };
    return { response, source };
  }
}

interface Stream {
  name: string;
  path: string;
  request: object;
  contentType: string;
  /** Frames without their line ends; words stand between the first and the last ones. */
  first: string[];
  word(text: string): string;
  last: string[];
  /** Frames are the elements of a JSON array, not events. */
  isArray?: true;
}

const chatChunk = (fields: object) => `data: ${JSON.stringify({ model: "gpt-4o-mini", ...fields })}`;
const CHAT: Stream = {
  name: "chat completions",
  path: "/v1/chat/completions",
  request: {
    model: "gpt-4o-mini",
    messages: [],
    stream: true,
    stream_options: { include_usage: true },
  },
  contentType: "text/event-stream; charset=utf-8",
  first: [": waiting", chatChunk({ choices: [], prompt_filter_results: [] })],
  word: (content) => chatChunk({ choices: [{ index: 0, delta: { content } }], usage: null }),
  last: [
    chatChunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    chatChunk({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } }),
    "data: [DONE]",
  ],
};
const ASKED_FOR: Stream = { ...CHAT, request: { model: "gpt-4o-mini", messages: [], stream: true } };

const claudeEvent = (type: string, fields: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields }).replace(/\}$/, "     }")}`;
const CLAUDE: Stream = {
  name: "Anthropic messages",
  path: "/v1/messages",
  request: { model: "claude-haiku-4-5", max_tokens: 64, messages: [], stream: true },
  contentType: "text/event-stream",
  first: [
    claudeEvent("message_start", {
      message: { model: "claude-haiku-4-5", usage: { input_tokens: 7, output_tokens: 1 } },
    }),
    claudeEvent("ping", {}),
  ],
  word: (text) => claudeEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
  last: [
    claudeEvent("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } }),
    claudeEvent("message_stop", {}),
  ],
};

const responsesEvent = (type: string, fields: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}`;
const RESPONSES: Stream = {
  name: "responses",
  path: "/v1/responses",
  request: { model: "gpt-4o-mini", input: "", max_output_tokens: 64, stream: true },
  contentType: "text/event-stream",
  first: [responsesEvent("response.created", { response: { model: "gpt-4o-mini", usage: null } })],
  word: (delta) => responsesEvent("response.output_text.delta", { delta }),
  last: [
    responsesEvent("response.completed", {
      response: {
        object: "response",
        model: "gpt-4o-mini",
        status: "completed",
        output: [],
        usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 },
      },
    }),
  ],
};

const geminiChunk = (text: string, last: object = {}) =>
  JSON.stringify({
    candidates: [{ content: { role: "model", parts: [{ text }] }, ...last }],
    modelVersion: "gemini-2.5-flash",
    usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, totalTokenCount: 10 },
  });
const GEMINI: Stream = {
  name: "Gemini's events",
  path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
  request: { contents: [], generationConfig: { maxOutputTokens: 64 } },
  contentType: "text/event-stream",
  first: [],
  word: (text) => `data: ${geminiChunk(text)}`,
  last: [`data: ${geminiChunk("", { finishReason: "STOP" })}`],
};
const GEMINI_ARRAY: Stream = {
  ...GEMINI,
  name: "Gemini's array",
  path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
  contentType: "application/json; charset=utf-8",
  word: (text) => geminiChunk(text),
  last: [geminiChunk("", { finishReason: "STOP" })],
  isArray: true,
};

const STREAMS = [CHAT, CLAUDE, RESPONSES, GEMINI, GEMINI_ARRAY];

const garbage = fc.uint8Array({ maxLength: 300 });

/** Far from the end or near it, where the usage stands. */
const cutsArbitrary = fc.array(fc.oneof(fc.nat(), fc.integer({ min: -30, max: -1 })), { maxLength: 12 });

/** A whole stream with words, comments and data of several lines in it, by any of the three line ends, and where it is cut. */
function bodies(stream: Stream): fc.Arbitrary<{ body: string; cuts: number[] }> {
  const word = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => stream.word(text));
  const aside = fc.constantFrom(
    ": keep-alive",
    "event: ping\ndata: {}",
    "id: 7\nretry: 10",
    "data:\ndata:{}",
  );
  const frame = stream.isArray ? word : fc.oneof({ weight: 4, arbitrary: word }, aside);
  const frames = fc
    .array(frame, { maxLength: 12 })
    .map((middle) => [...stream.first, ...middle, ...stream.last]);
  const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
  const framed = stream.isArray ? arrayOf : eventsOf;
  return fc.record({
    body: fc.tuple(frames, lineEnd).map(([frames, end]) => framed(frames).replaceAll("\n", end)),
    cuts: cutsArbitrary,
  });
}

function eventsOf(frames: string[]): string {
  return frames.map((frame) => `${frame}\n\n`).join("");
}

function arrayOf(frames: string[]): string {
  return `[${frames.join("\n,\n")}]\n`;
}
