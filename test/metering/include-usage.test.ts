import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageMeter } from "../../src/index.ts";
import { memoryStore } from "../../src/ledger/memory-store.ts";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;
/** What ends the stream: after the usage, as a rule, and a blank line. */
let end: string;

beforeEach(async () => {
  end = "\n\ndata: [DONE]\n\n";
  upstream = await startUpstream((request, response) => {
    const asked = JSON.stringify(request.body).includes('"include_usage":true');
    const chunks = [
      { model: "qwen3", choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: "stop" }] },
      ...(asked ? [{ model: "qwen3", choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } }] : []),
    ];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}`).join("\n\n") + end);
  });
});
afterEach(() => upstream.close());

async function streamed(includeUsage?: "known" | "always"): Promise<{ text: string; events: MeterEvent[] }> {
  const events: MeterEvent[] = [];
  const meter = new UsageMeter({
    scope: "app",
    store: memoryStore(),
    customPricing: { openai: { qwen3: { input: "1", output: "1", maxOutputTokens: 100 } } },
    onEvent: (event) => events.push(event),
    ...(includeUsage && { includeUsage }),
  });
  const body = JSON.stringify({ model: "qwen3", messages: [], stream: true });
  const answer = await meter.fetch(`${upstream.url}/v1/chat/completions`, { method: "POST", body });
  const text = await answer.text();
  await meter.flush();
  return { text, events };
}

describe("A stream of a server of one's own", () => {
  it("is not asked for its usage, which it may refuse to give: it is settled at its estimate", async () => {
    for (const option of [undefined, "known"] as const) {
      const { events } = await streamed(option);
      expect(events.map(({ type, receipt }) => [type, receipt?.source])).toEqual([
        ["settled", "estimated"],
        ["failed", undefined],
      ]);
    }
    expect(upstream.requests.map(({ body }) => Object(body).stream_options)).toEqual([undefined, undefined]);
  });

  it("is asked where the option says so, and the caller does not see the chunk that it did not ask for", async () => {
    const { text, events } = await streamed("always");
    expect(events.map(({ receipt }) => [receipt?.source, receipt?.costNanoUsd])).toEqual([
      ["reported", 10_000],
    ]);
    expect(text).not.toContain("usage");
    expect(text).toContain("[DONE]");
  });

  it("is counted, and rid of that chunk, where the server leaves out the last blank line", async () => {
    for (end of ["", "\n"]) {
      const { text, events } = await streamed("always");
      expect(events.map(({ receipt }) => [receipt?.source, receipt?.costNanoUsd])).toEqual([
        ["reported", 10_000],
      ]);
      expect(text).toMatch(/^data: .*"stop".*\n\n$/);
      expect(text).not.toContain("usage");
    }
  });
});
