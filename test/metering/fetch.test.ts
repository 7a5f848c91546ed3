import { getEventListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UnrecognizedRequestError } from "../../src/errors.ts";
import { createMeteredFetch, type MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { PricedUsage } from "../../src/pricing/usage.ts";
import { failure } from "../support/outcomes.ts";
import {
  type Answer,
  hangUp,
  json,
  raw,
  speakBothApis,
  startUpstream,
  type Upstream,
} from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const prices = createPriceBook();
const ask = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hi" }] };
const askClaude = { ...ask, model: "claude-haiku-4-5", max_tokens: 64 };

let upstream: Upstream;
let meter: MemoryTestMeter;

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

const metered = (options: Partial<MeteredFetchOptions> = {}) =>
  createMeteredFetch({ meter: meter.meter, prices, ...options });
const chatUrl = () => `${upstream.url}/v1/chat/completions`;
const post = (body: unknown, headers: Record<string, string> = {}) => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

async function settled() {
  await meter.standing();
  return meter.events.filter((event) => event.type === "settled").map((event) => event.receipt);
}

describe("A metered fetch reads a request in all its forms", () => {
  const text = JSON.stringify(ask);
  const forms: [name: string, args: () => [RequestInfo | URL, RequestInit?]][] = [
    ["an address and a text", () => [chatUrl(), { method: "post", body: text }]],
    ["a URL", () => [new URL(chatUrl()), { method: "POST", body: text }]],
    ["bytes", () => [chatUrl(), { method: "POST", body: new TextEncoder().encode(text) }]],
    ["an ArrayBuffer", () => [chatUrl(), { method: "POST", body: new TextEncoder().encode(text).buffer }]],
    ["a Request", () => [new Request(chatUrl(), { method: "POST", body: text })]],
    [
      "a Request with another body",
      () => [new Request(chatUrl(), { method: "POST", body: "{}" }), { body: text }],
    ],
    ["a Request whose body is a stream", () => [streaming()]],
  ];
  function streaming(): Request {
    const init = { method: "POST", body: new Blob([text]).stream(), duplex: "half" };
    return new Request(chatUrl(), init);
  }

  it.each(forms)("%s", async (_name, args) => {
    const response = await metered({ defaultMaxOutputTokens: 5 })(...args());
    expect(await response.json()).toMatchObject({ usage: { prompt_tokens: 7 } });
    expect(upstream.requests.map((request) => request.body)).toEqual([{ ...ask, max_completion_tokens: 5 }]);
    expect(await settled()).toMatchObject([{ costNanoUsd: 2_850, source: "reported" }]);
  });

  it("and what stands beside a Request goes before it", async () => {
    const request = new Request(chatUrl(), { headers: { "x-mine": "1" } });
    const init = post(ask, { "x-mine": "2" });
    await (await metered({ defaultMaxOutputTokens: 5 })(request, init)).text();
    expect(upstream.requests[0]).toMatchObject({ headers: { "x-mine": "2" } });
    expect(await settled()).toMatchObject([{ costNanoUsd: 2_850, source: "reported" }]);
  });

  it("and keeps headers when it rewrites a body", async () => {
    const headers = { "x-mine": "1", "content-length": String(text.length) };
    await metered({ defaultMaxOutputTokens: 5 })(chatUrl(), post(ask, headers));
    const sent = upstream.requests[0]?.headers;
    expect(sent).toMatchObject({ "x-mine": "1", "content-type": "application/json" });
    expect(Number(sent?.["content-length"])).toBeGreaterThan(text.length);
  });

  it.each([
    ["a form", () => new FormData()],
    ["a stream", () => new Blob([text]).stream()],
    ["what is no JSON", () => "model=gpt-4o-mini"],
    ["a JSON list", () => "[]"],
    ["bytes that are no UTF-8", () => new Uint8Array([0xff, 0xfe])],
    ["JSON with a byte that is no UTF-8", () => Buffer.from(text.replace("Hi", "\xff"), "latin1")],
    ["nothing", () => null],
  ])("but can't bound %s", async (_name, body) => {
    const init: RequestInit & { duplex: "half" } = { method: "POST", body: body(), duplex: "half" };
    expect(await failure(metered()(chatUrl(), init))).toBeInstanceOf(UnrecognizedRequestError);
    expect(upstream.requests).toEqual([]);
  });

  it.each([
    ["authorization", "AWS4-HMAC-SHA256 Credential=x"],
    ["x-amz-content-sha256", "e3b0c44298fc1c14"],
  ])("leaves a body as it is that is signed by `%s`", async (header, value) => {
    const signed = post({ ...ask, stream: true }, { [header]: value });
    await (await metered({ defaultMaxOutputTokens: 5 })(chatUrl(), signed)).text();
    expect(upstream.requests[0]?.body).toEqual({ ...ask, stream: true });
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
  });
});

describe("A refusal", () => {
  it("is thrown to a client that does not retry what a fetch throws", async () => {
    const error = await failure(metered()(chatUrl(), post({ ...ask, model: "unknown-one" })));
    expect(error).toMatchObject({ code: "UNKNOWN_MODEL", status: 403 });
    expect(error).toBe(meter.events[0]?.error);
  });

  it("by a budget tells in its event whose call it was", async () => {
    meter = await memoryTestMeter({ usd: "0.000001" });
    await failure(metered()(chatUrl(), post(ask)));
    expect(meter.events).toMatchObject([{ type: "denied", provider: "openai", model: "gpt-4o-mini" }]);
  });

  it.each([
    ["a client made by Stainless", { "x-stainless-lang": "js" }],
    ["Mistral's client", { "user-agent": "mistral-client-typescript speakeasy-sdk/typescript 2.7.0" }],
  ])("is an answer whose headers throw it to %s", async (_name, headers) => {
    const answer = await metered()(chatUrl(), post({ ...ask, model: "unknown-one" }, headers));
    expect(answer.status).toBe(403);
    expect(answer.ok).toBe(false);
    expect(() => answer.headers).toThrow(/unknown-one/);
    const { message } = meter.events[0]?.error ?? {};
    expect(await answer.json()).toMatchObject({ error: { code: "UNKNOWN_MODEL", message } });
  });

  it("has the form of the provider's errors", async () => {
    const url = `${upstream.url}/v1/messages`;
    const answer = await metered()(
      url,
      post({ ...askClaude, model: "unknown-one" }, { "x-stainless-lang": "js" }),
    );
    expect(await answer.json()).toMatchObject({ type: "error", error: { type: "UNKNOWN_MODEL" } });
  });

  it("leaves a Request as its caller gave it", async () => {
    const request = new Request(chatUrl(), post({ ...ask, model: "unknown-one" }));
    await failure(metered()(request));
    expect(await request.json()).toMatchObject({ model: "unknown-one" });
  });

  it("of an unknown POST names the address and the ways on, but no part of it that may be secret", async () => {
    const error = await failure(metered()(`${upstream.url}/key-SECRET1/completions?key=SECRET2`, post({})));
    expect(error).toBeInstanceOf(UnrecognizedRequestError);
    expect(String(error)).toMatch(/127\.0\.0\.1:\d+\/…\/completions .*unknownRequest/s);
    expect(String(error)).not.toContain("SECRET");
    const last = await failure(metered()(`${upstream.url}/hooks/SECRET3`, post({})));
    expect(String(last)).not.toContain("SECRET");
  });

  it("of what no body bounds says why", async () => {
    const refusal = async (path: string, init: RequestInit) =>
      String(await failure(metered()(upstream.url + path, init)));
    expect(await refusal("/v1/batches", post({}))).toContain("a batch is made and billed later");
    expect(await refusal("/v1/realtime", { headers: { upgrade: "websocket" } })).toContain(
      "seen by no fetch",
    );
    const searching = { ...ask, tools: [{ type: "web_search" }] };
    expect(await refusal("/v1/chat/completions", post(searching))).toContain("that the provider runs itself");
    expect(upstream.requests).toEqual([]);
  });

  it("meets a WebSocket and an address that is not absolute", async () => {
    const upgrade = { headers: { upgrade: "websocket" } };
    expect(await failure(metered()(`${upstream.url}/v1/realtime`, upgrade))).toBeInstanceOf(
      UnrecognizedRequestError,
    );
    expect(await failure(metered()("/v1/chat/completions", post(ask)))).toBeInstanceOf(
      UnrecognizedRequestError,
    );
  });

  it("is not caused by an `estimate` that reads the request", async () => {
    const estimate = async (request: Request) => {
      expect(await request.json()).toEqual(ask);
      return { estimatedCostUsd: 1 };
    };
    const answer = await metered({ estimate })(new Request(chatUrl(), post(ask)));
    expect(await answer.json()).toMatchObject({ usage: { prompt_tokens: 7 } });
    expect(upstream.requests[0]?.body).toEqual(ask);
  });

  it("passes on what `estimate` throws", async () => {
    const broken = new Error("no estimate today");
    const estimate = () => {
      throw broken;
    };
    expect(await failure(metered({ estimate })(chatUrl(), post(ask)))).toBe(broken);
    expect(upstream.requests).toEqual([]);
  });
});

describe("A call that its caller aborts before it is sent", () => {
  it("is not held", async () => {
    const holds: string[] = [];
    const watching = {
      ...meter.meter,
      hold: (bound: PricedUsage, id: string) => {
        holds.push(id);
        return meter.meter.hold(bound, id);
      },
    };
    const signal = AbortSignal.abort(new Error("mine"));
    expect(await failure(metered({ meter: watching })(chatUrl(), { ...post(ask), signal }))).toBe(
      signal.reason,
    );
    expect(holds).toEqual([]);
  });

  it("gives its hold back when that happens while it is held, whatever the fetch underneath does with signals", async () => {
    const aborter = new AbortController();
    const slow: MeteredFetchOptions["meter"] = {
      ...meter.meter,
      async hold(bound, id) {
        const hold = await meter.meter.hold(bound, id);
        aborter.abort(new Error("mine"));
        return hold;
      },
    };
    const deaf: typeof fetch = (input, init) => fetch(input, { ...init, signal: null });
    const { signal } = aborter;
    expect(await failure(metered({ meter: slow, fetch: deaf })(chatUrl(), { ...post(ask), signal }))).toBe(
      signal.reason,
    );
    expect(await meter.standing()).toEqual({ spentNanoUsd: 0, heldNanoUsd: 0, spentTokens: 0 });
    expect(upstream.requests).toEqual([]);
  });
});

describe("A signal inside a Request", () => {
  it("aborts the call for its own reason", async () => {
    const caller = new AbortController();
    const reason = new Error("mine");
    upstream.answer = () => caller.abort(reason);
    const request = new Request(chatUrl(), { ...post(ask), signal: caller.signal });
    expect(await failure(metered()(request))).toBe(reason);
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
  });
});

describe("A signal that its caller keeps for many calls", () => {
  it.each<[string, object, Answer]>([
    ["was read", ask, speakBothApis()],
    ["was a stream", { ...ask, stream: true }, speakBothApis()],
    ["has no body", ask, raw("", 204)],
    ["never came", ask, hangUp],
  ])("is let go of when the answer %s", async (_name, body, answer) => {
    upstream.answer = answer;
    const { signal } = new AbortController();
    const call = metered()(chatUrl(), { ...post(body), signal });
    await call.then((response) => response.text()).catch(() => {});
    await meter.standing();
    expect(getEventListeners(signal, "abort")).toEqual([]);
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

describe("An unknown POST", () => {
  it("passes unmetered where that was asked for", async () => {
    const answer = await metered({ unknownRequest: "pass" })(`${upstream.url}/v1/audio/speech`, post({}));
    expect(answer.status).toBe(404);
    expect(meter.events).toEqual([]);
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

describe("Options", () => {
  it("take any fetch, and call it as a function of its own", async () => {
    let self: unknown = "not called";
    async function underneath(this: unknown, ...request: Parameters<typeof fetch>) {
      self = this;
      return fetch(...request);
    }
    await (await metered({ fetch: underneath })(chatUrl(), post(ask))).text();
    expect(self).toBeUndefined();
  });

  it("take the runtime's own fetch as it is when a call is made", async () => {
    const early = metered();
    const own = globalThis.fetch;
    const addresses: unknown[] = [];
    globalThis.fetch = (input, init) => {
      addresses.push(input);
      return own(input, init);
    };
    try {
      await (await early(chatUrl(), post(ask))).text();
    } finally {
      globalThis.fetch = own;
    }
    expect(addresses).toEqual([chatUrl()]);
  });

  it("let an answer end before it is settled where the runtime keeps that alive, and only there", async () => {
    let settle = () => {};
    const settling = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const slow: MeteredFetchOptions["meter"] = {
      ...meter.meter,
      async hold(bound, id) {
        const hold = await meter.meter.hold(bound, id);
        return { ...hold, settleReported: (actual) => settling.then(() => hold.settleReported(actual)) };
      },
    };
    const call = async (options: Partial<MeteredFetchOptions>) =>
      (await metered({ meter: slow, ...options })(chatUrl(), post(ask))).text();
    await call({ waitUntil: () => {} });
    expect(meter.events).toEqual([]);
    const waiting = call({}).then(() => meter.events.length);
    await delay(50);
    settle();
    expect(await waiting).toBeGreaterThan(0);
    expect(await settled()).toHaveLength(2);
  });

  it("lower the default output limit to what the model can write", async () => {
    await (await metered({ defaultMaxOutputTokens: 1_000_000 })(chatUrl(), post(ask))).text();
    expect(upstream.requests[0]?.body).toMatchObject({ max_completion_tokens: 16_384 });
  });

  it("add the default output limit to the budget that a request sets for thoughts", async () => {
    const thinking = { type: "enabled", budget_tokens: 2_000 };
    await (await metered({ defaultMaxOutputTokens: 50 })(chatUrl(), post({ ...ask, thinking }))).text();
    expect(upstream.requests[0]?.body).toMatchObject({ max_completion_tokens: 2_050 });
  });
});

describe("A metered fetch over another kind of fetch", () => {
  it("reads bodies that are streams of Node, as some clients' own fetch gives them", async () => {
    const underneath: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      const { status, statusText, ok, headers, url, body } = response;
      const nodeBody = body === null ? null : Readable.fromWeb(body as NodeReadableStream);
      return { status, statusText, ok, headers, url, bodyUsed: false, body: nodeBody } as unknown as Response;
    };
    const response = await metered({ fetch: underneath })(chatUrl(), post(ask));
    expect(await response.json()).toMatchObject({ usage: { prompt_tokens: 7 } });
    expect(await settled()).toMatchObject([{ source: "reported" }]);
  });

  it("hands on the bytes of such a body as they are, wherever its chunks cut a character", async () => {
    const bytes = Buffer.from(JSON.stringify({ choices: [], content: "é" }));
    const cut = bytes.indexOf(0xc3) + 1;
    const underneath: typeof fetch = async (...request) => {
      const { status, statusText, ok, headers, url } = await fetch(...request);
      const body = Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)]);
      return { status, statusText, ok, headers, url, bodyUsed: false, body } as unknown as Response;
    };
    const response = await metered({ fetch: underneath })(chatUrl(), post(ask));
    expect(await response.json()).toMatchObject({ content: "é" });
  });

  it.each<[string, (response: Response) => Response | Promise<Response>]>([
    [
      "was read before",
      async (response) => {
        await response.text();
        return response;
      },
    ],
    [
      "somebody else is reading",
      (response) => {
        response.body?.getReader();
        return response;
      },
    ],
    ["has a status that is none", (response) => Object.defineProperty(response, "status", { value: 999 })],
    [
      "has a body and a status without one",
      (response) => Object.defineProperty(response, "status", { value: 204 }),
    ],
    [
      "has a status text that is none",
      (response) => Object.defineProperty(response, "statusText", { value: "✓" }),
    ],
    ["has no headers", (response) => Object.defineProperty(response, "headers", { value: undefined })],
    ["has a body that is no stream", (response) => Object.defineProperty(response, "body", { value: "{}" })],
  ])("hands on an answer that %s as it is, settles its estimate and tells of it", async (_name, spoil) => {
    let answer: Response | undefined;
    const underneath: typeof fetch = async (...request) => {
      answer = await spoil(await fetch(...request));
      return answer;
    };
    expect(await metered({ fetch: underneath })(chatUrl(), post(ask))).toBe(answer);
    expect(await settled()).toMatchObject([{ source: "estimated" }]);
    expect(meter.events.map(({ type }) => type)).toContain("failed");
    expect(upstream.requests.length).toBe(1);
  });
});

describe("An answer that can't be watched", () => {
  it("is handed on whole, and its caller can still break it off", async () => {
    upstream.answer = async (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("{");
    };
    const underneath: typeof fetch = async (...request) =>
      Object.defineProperty(await fetch(...request), "statusText", { value: "✓" });
    const caller = new AbortController();
    const response = await metered({ fetch: underneath })(chatUrl(), { ...post(ask), signal: caller.signal });
    const text = failure(response.text());
    caller.abort();
    expect(await text).toMatchObject({ name: "AbortError" });
  });
});

describe("A failure that is none of the library's own", () => {
  it("is told as unexpected, with its cause", async () => {
    const boom = new Error("boom");
    const hold: typeof meter.meter.hold = async (bound, id) => ({
      ...(await meter.meter.hold(bound, id)),
      settleReported: () => Promise.reject(boom),
    });
    await (await metered({ meter: { ...meter.meter, hold } })(chatUrl(), post(ask))).text();
    await meter.standing();
    expect(meter.events).toMatchObject([{ type: "failed", error: { code: "UNEXPECTED", cause: boom } }]);
  });

  it("does not reach the caller where a refused call can't be given back", async () => {
    const error = { message: "Too much", type: "requests", code: "rate_limit_exceeded" };
    upstream.answer = json({ error }, 429);
    const boom = new Error("boom");
    const hold: typeof meter.meter.hold = async (bound, id) => ({
      ...(await meter.meter.hold(bound, id)),
      release: () => Promise.reject(boom),
    });
    const response = await metered({ meter: { ...meter.meter, hold } })(chatUrl(), post(ask));
    expect(await response.json()).toEqual({ error });
    expect(meter.events).toMatchObject([{ type: "failed", error: { code: "UNEXPECTED", cause: boom } }]);
  });
});
