/** What a metered fetch makes of a request before it is sent: its forms, refusals, signals. */
import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { UnrecognizedRequestError } from "../../src/errors.ts";
import type { MeteredFetchOptions } from "../../src/metering/fetch.ts";
import type { PricedUsage } from "../../src/pricing/usage.ts";
import { failure } from "../support/outcomes.ts";
import { type Answer, hangUp, raw, speakBothApis } from "../support/upstream.ts";
import { ask, askClaude, chatUrl, meter, metered, post, settled, upstream } from "./local-provider.ts";
import { memoryTestMeter } from "./test-meter.ts";

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
    const poor = await memoryTestMeter({ usd: "0.000001" });
    await failure(metered({ meter: poor.meter })(chatUrl(), post(ask)));
    expect(poor.events).toMatchObject([{ type: "denied", provider: "openai", model: "gpt-4o-mini" }]);
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
