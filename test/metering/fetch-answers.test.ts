/** What a metered fetch makes of an answer: streams, bodies, and what is left of them. */
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { json, raw, speakBothApis } from "../support/upstream.ts";
import { ask, askClaude, chatUrl, meter, metered, post, settled, upstream } from "./local-provider.ts";

describe("A stream", () => {
  const askStream = { ...ask, stream: true };
  const event = (chunk: object) => `data: ${JSON.stringify({ model: "gpt-4o-mini", ...chunk })}\n\n`;
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  const first = event({ choices: [], model: "", prompt_filter_results: [] });
  const word = event({
    choices: [{ index: 0, delta: { content: "Ja" }, finish_reason: "stop" }],
    usage: null,
  });
  const last = event({ choices: [], usage });

  it("loses the one event that was asked for to be counted, and no other byte", async () => {
    upstream.answer = raw(`: hi\n\n${first}${word}${last}data: [DONE]\n\n`, 200, {
      "content-type": "text/event-stream",
    });
    const text = await (await metered()(chatUrl(), post(askStream))).text();
    expect(text).toBe(`: hi\n\n${first}${word}data: [DONE]\n\n`);
    expect(await settled()).toMatchObject([{ source: "reported", costNanoUsd: 2_850 }]);
  });

  it("is read as one where nobody asked for it", async () => {
    const headers = { "content-type": "text/event-stream; charset=utf-8" };
    upstream.answer = raw(`${word}${last}data: [DONE]\n\n`, 200, headers);
    await (await metered()(chatUrl(), post(ask))).text();
    expect(await settled()).toMatchObject([{ source: "reported", costNanoUsd: 2_850 }]);
  });

  it("loses with that event the length that it had, and keeps it where nothing is taken out", async () => {
    const text = `${word}${last}data: [DONE]\n\n`;
    upstream.answer = raw(text, 200, {
      "content-type": "text/event-stream",
      "content-length": String(text.length),
    });
    const shortened = await metered()(chatUrl(), post(askStream));
    expect(shortened.headers.has("content-length")).toBe(false);
    expect((await shortened.text()).length).toBeLessThan(text.length);

    const asked = { ...askStream, stream_options: { include_usage: true } };
    const whole = await metered()(chatUrl(), post(asked));
    expect(whole.headers.get("content-length")).toBe(String(text.length));
    expect(await whole.text()).toBe(text);
  });

  it("is cut upstream when its reader leaves early", async () => {
    upstream.answer = speakBothApis({ words: Array(20).fill("word "), pauseMs: 100 });
    const { body } = await metered()(chatUrl(), post(askStream));
    const reader = body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await upstream.requests[0]?.done;
    expect(upstream.requests[0]?.aborted).toBe(true);
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
  });

  it("is let run out when its reader leaves after the last event that counts", async () => {
    upstream.answer = async (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`${word}${last}data: [DONE]\n\n`);
      await delay(50);
      response.end();
    };
    const { body } = await metered()(chatUrl(), post(askStream));
    const reader = body?.getReader();
    let seen = "";
    while (!seen.includes("[DONE]")) seen += new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
    await upstream.requests[0]?.done;
    expect(upstream.requests[0]?.aborted).toBe(false);
    expect(await settled()).toMatchObject([{ source: "reported" }]);
  });

  it("that breaks after its last event that counts is settled as reported", async () => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`${word}${last}data: [DONE]\n\n`, () => void delay(20).then(() => response.destroy()));
    };
    const response = await metered()(chatUrl(), post(askStream));
    await response.text().catch(() => {});
    expect(await settled()).toMatchObject([{ source: "reported" }]);
  });
});

describe("An answer", () => {
  it("is settled by its model, and its searches by their fee", async () => {
    upstream.answer = json({
      type: "message",
      model: "claude-haiku-4-5-20251001",
      content: [],
      usage: { input_tokens: 10, output_tokens: 2, server_tool_use: { web_search_requests: 3 } },
    });
    await (await metered()(`${upstream.url}/v1/messages`, post(askClaude))).text();
    expect(await settled()).toMatchObject([{ costNanoUsd: 10 * 1_000 + 2 * 5_000 + 3 * 10_000_000 }]);
  });

  it("is told of with the time that its call took", async () => {
    upstream.answer = async (...call) => {
      await delay(60);
      await speakBothApis()(...call);
    };
    await (await metered()(chatUrl(), post(ask))).text();
    await settled();
    const [{ durationMs } = { durationMs: 0 }] = meter.events;
    expect(durationMs).toBeGreaterThanOrEqual(50);
    expect(durationMs).toBeLessThan(60_000);
  });

  it("by a model without a price is settled at the hold, and told of", async () => {
    upstream.answer = speakBothApis({ model: "nobody-knows-me" });
    await (await metered()(chatUrl(), post(ask))).text();
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
    expect(meter.events.at(-1)).toMatchObject({ type: "failed", error: { code: "UNKNOWN_MODEL" } });
    expect((await meter.standing()).heldNanoUsd).toBe(0);
  });

  it("by another name of a model that the user priced costs the user's price", async () => {
    upstream.answer = speakBothApis({ model: "internal-name-7b" });
    const mine = createPriceBook({
      customPricing: { openai: { mine: { input: "1", output: "2", maxOutputTokens: 9 } } },
    });
    await (await metered({ prices: mine })(chatUrl(), post({ ...ask, model: "mine" }))).text();
    expect(await settled()).toMatchObject([{ source: "reported", costNanoUsd: 7 * 1_000 + 3 * 2_000 }]);
  });

  it("that is cut is settled at what it had stated, where that is more than the hold", async () => {
    const usage = { input_tokens: 5_000_000, output_tokens: 1 };
    const start = { type: "message_start", message: { model: "claude-haiku-4-5", usage } };
    upstream.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${JSON.stringify(start)}\n\n`, () => response.destroy());
    };
    const call = metered()(`${upstream.url}/v1/messages`, post({ ...askClaude, stream: true }));
    await call.then((response) => response.text()).catch(() => {});
    expect(await settled()).toMatchObject([{ source: "estimated", costNanoUsd: 5_000_000 * 1_000 + 5_000 }]);
  });

  it.each([
    ["tokens", { estimatedCostUsd: 1, tokens: 10 }, { spentNanoUsd: 1e9, spentTokens: 5_001 }],
    ["dollars", { estimatedCostUsd: 1e-6, tokens: 9_999 }, { spentNanoUsd: 5_005_000, spentTokens: 9_999 }],
  ])(
    "that is cut is settled at no less than its hold, though it had stated more %s",
    async (_more, said, spent) => {
      const usage = { input_tokens: 5_000, output_tokens: 1 };
      const start = { type: "message_start", message: { model: "claude-haiku-4-5", usage } };
      upstream.answer = raw(`data: ${JSON.stringify(start)}\n\n`, 200, {
        "content-type": "text/event-stream",
      });
      const estimated = metered({ estimate: () => said });
      await (await estimated(`${upstream.url}/v1/messages`, post({ ...askClaude, stream: true }))).text();
      expect(await meter.standing()).toMatchObject({ ...spent, heldNanoUsd: 0 });
    },
  );

  it("without usage is settled at the hold, and told of", async () => {
    upstream.answer = json({ choices: [], model: "gpt-4o-mini" });
    await (await metered()(chatUrl(), post(ask))).text();
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
    expect(meter.events.at(-1)).toMatchObject({ type: "failed", error: { code: "INVALID_USAGE" } });
  });

  it("that costs more than its hold is settled in full", async () => {
    upstream.answer = speakBothApis({ outputTokens: 1_000_000 });
    await (await metered()(chatUrl(), post({ ...ask, max_tokens: 10 }))).text();
    expect(await settled()).toMatchObject([{ costNanoUsd: 7 * 150 + 1_000_000 * 600 }]);
  });

  it.each<[how: string, end: (response: ServerResponse) => void]>([
    ["ended too early", (response) => response.end()],
    ["was cut", (response) => response.destroy()],
  ])("that %s is settled at what it had stated, where that is more than the hold", async (_how, end) => {
    const usage = { input_tokens: 5_000_000, output_tokens: 1 };
    const start = { type: "message_start", message: { model: "claude-haiku-4-5", usage } };
    upstream.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`event: message_start\ndata: ${JSON.stringify(start)}\n\n`, () =>
        setTimeout(end, 20, response),
      );
    };
    const answer = await metered()(`${upstream.url}/v1/messages`, post({ ...askClaude, stream: true }));
    await answer.text().catch(() => {});
    expect(await settled()).toMatchObject([{ source: "estimated", costNanoUsd: 5_000_000 * 1_000 + 5_000 }]);
  });

  it("is read to its end when its caller drops it unread", async () => {
    upstream.answer = json({ error: { message: "Slow down" } }, 429);
    const response = await metered()(chatUrl(), post(ask));
    await response.body?.cancel();
    await expect.poll(async () => (await meter.standing()).heldNanoUsd).toBe(0);
    expect((await meter.standing()).spentNanoUsd).toBe(0);
  });

  it("keeps its status, its headers and its address", async () => {
    upstream.answer = json({ choices: [], usage: {} }, 201, { "x-request-id": "r1", "retry-after": "3" });
    const response = await metered()(chatUrl(), post(ask));
    expect(response).toMatchObject({ status: 201, statusText: "Created", url: chatUrl() });
    expect(response.headers.get("x-request-id")).toBe("r1");
    expect(response.headers.get("retry-after")).toBe("3");
  });

  it("that was compressed is handed on as what it is now", async () => {
    const body = JSON.stringify({
      choices: [],
      model: "gpt-4o-mini",
      usage: { prompt_tokens: 7, completion_tokens: 3 },
    });
    const packed = gzipSync(body);
    upstream.answer = raw(packed, 200, {
      "content-type": "application/json",
      "content-encoding": "gzip",
      "content-length": String(packed.length),
    });
    const response = await metered()(chatUrl(), post(ask));
    expect(await response.text()).toBe(body);
    expect([...response.headers.keys()]).not.toContain("content-encoding");
    expect([...response.headers.keys()]).not.toContain("content-length");
    expect(await settled()).toMatchObject([{ costNanoUsd: 2_850 }]);
  });

  it("that is cut is settled as estimated, which is no failure of the meter", async () => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"choices": [', () => response.destroy());
    };
    await (await metered()(chatUrl(), post(ask))).text().catch(() => {});
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
    expect(meter.events.length).toBe(1);
  });

  it("without a body is passed on and settled as estimated", async () => {
    upstream.answer = raw("", 204);
    expect((await metered()(chatUrl(), post(ask))).status).toBe(204);
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
  });
});

describe("An answer that grows beyond what is kept for its reader", () => {
  const filling = "x".repeat(12 * 1024 * 1024);
  const usage = { prompt_tokens: 7, completion_tokens: 3 };

  it("is settled when its caller aborts it unread", async () => {
    const events = `data: ${"x".repeat(256 * 1024)}\n\n`.repeat(64);
    upstream.answer = raw(events, 200, { "content-type": "text/event-stream" });
    const caller = new AbortController();
    const { signal } = caller;
    await metered()(chatUrl(), { ...post({ ...ask, stream: true }), signal });
    await delay(300);
    caller.abort();
    await expect.poll(settled, { timeout: 10_000 }).toMatchObject([{ source: "estimated" }]);
  });

  it("is read to its end, and settled as reported, when its reader leaves a body", async () => {
    upstream.answer = json({ choices: [], model: "gpt-4o-mini", usage, filling });
    const { body } = await metered()(chatUrl(), post(ask));
    await delay(100);
    await body?.cancel();
    await expect.poll(settled, { timeout: 10_000 }).toMatchObject([{ source: "reported" }]);
  });
});

describe("An answer with more than 64 MiB in one piece", () => {
  const filling = "x".repeat(65 * 1024 * 1024);
  const chunk = JSON.stringify({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } });

  it.each([
    ["a stream", true, `data: ${filling}\n\ndata: ${chunk}\n\n`, "text/event-stream"],
    ["a body", false, chunk.replace("{", `{"filling":"${filling}",`), "application/json"],
  ])("passes as it is where it is %s, and is settled at its hold", async (_name, stream, text, type) => {
    upstream.answer = raw(text, 200, { "content-type": type });
    const answer = await (await metered()(chatUrl(), post({ ...ask, stream }))).text();
    expect(answer.length).toBe(text.length);
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
    expect(String(meter.events.at(-1)?.error)).toContain("64 MiB");
  });
});
