/** A metered fetch as a whole: unknown requests, options, other kinds of fetch, failures. */
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { failure } from "../support/outcomes.ts";
import { json } from "../support/upstream.ts";
import { ask, chatUrl, meter, metered, post, settled, upstream } from "./local-provider.ts";

describe("An unknown POST", () => {
  it("passes unmetered where that was asked for", async () => {
    const answer = await metered({ unknownRequest: "pass" })(`${upstream.url}/v1/audio/speech`, post({}));
    expect(answer.status).toBe(404);
    expect(meter.events).toEqual([]);
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
