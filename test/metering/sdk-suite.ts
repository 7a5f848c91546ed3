/** What the real SDKs see of a metered fetch, over real HTTP. One suite for every meter. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BudgetExceededError, StoreUnavailableError } from "../../src/errors.ts";
import {
  cutAfter,
  hangUp,
  json,
  neverAnswer,
  raw,
  speakBothApis,
  startUpstream,
  type Upstream,
} from "../support/upstream.ts";
import type { MakeTestMeter, TestMeter, TestMeterOptions } from "./test-meter.ts";

/** One API as its SDK calls it. */
interface Sdk {
  name: string;
  /** Nano-USD of 7 tokens in and 3 out. */
  replyNanoUsd: number;
  /** An error in the API's own form. */
  errorBody: object;
  call(fetch: typeof globalThis.fetch, url: string, options?: CallOptions): Promise<unknown>;
  stream(fetch: typeof globalThis.fetch, url: string, options?: CallOptions): Promise<AsyncIterable<unknown>>;
}

interface CallOptions {
  signal?: AbortSignal;
  maxRetries?: number;
}

const QUESTION = [{ role: "user" as const, content: "Wie heißt du?" }];

const SDKS: Sdk[] = [
  {
    name: "openai",
    replyNanoUsd: 2_850,
    errorBody: { error: { message: "No such parameter", type: "invalid_request_error", code: null } },
    call: (fetch, url, { maxRetries, ...options } = {}) =>
      new OpenAI({
        apiKey: "none",
        baseURL: `${url}/v1`,
        fetch,
        ...(maxRetries === undefined ? {} : { maxRetries }),
      }).chat.completions.create({ model: "gpt-4o-mini", messages: QUESTION }, options),
    stream: (fetch, url, { maxRetries, ...options } = {}) =>
      new OpenAI({
        apiKey: "none",
        baseURL: `${url}/v1`,
        fetch,
        ...(maxRetries === undefined ? {} : { maxRetries }),
      }).chat.completions.create({ model: "gpt-4o-mini", messages: QUESTION, stream: true }, options),
  },
  {
    name: "@anthropic-ai/sdk",
    replyNanoUsd: 22_000,
    errorBody: { type: "error", error: { type: "invalid_request_error", message: "No such parameter" } },
    call: (fetch, url, { maxRetries, ...options } = {}) =>
      new Anthropic({
        apiKey: "none",
        baseURL: url,
        fetch,
        ...(maxRetries === undefined ? {} : { maxRetries }),
      }).messages.create({ model: "claude-haiku-4-5", max_tokens: 64, messages: QUESTION }, options),
    stream: (fetch, url, { maxRetries, ...options } = {}) =>
      new Anthropic({
        apiKey: "none",
        baseURL: url,
        fetch,
        ...(maxRetries === undefined ? {} : { maxRetries }),
      }).messages.create(
        { model: "claude-haiku-4-5", max_tokens: 64, messages: QUESTION, stream: true },
        options,
      ),
  },
];

/** @param makeMeter makes a meter with a store of its own. */
export function describeSdks(meterName: string, makeMeter: MakeTestMeter): void {
  describe.each(SDKS)(`$name over a metered fetch (${meterName})`, (sdk) => {
    let upstream: Upstream;
    let meter: TestMeter;
    let metered: typeof fetch;

    async function useMeter(options?: TestMeterOptions): Promise<void> {
      await meter?.close();
      meter = await makeMeter(options);
      metered = meter.fetch;
    }

    beforeEach(async () => {
      upstream = await startUpstream();
      await useMeter();
    });
    afterEach(async () => {
      await meter.close();
      await upstream.close();
    });

    /** What the one call of a test came to. */
    async function outcome() {
      const { spentNanoUsd, heldNanoUsd } = await meter.standing();
      expect(heldNanoUsd).toBe(0);
      const settled = meter.events.filter((event) => event.type === "settled");
      return { spentNanoUsd, sources: settled.map((event) => event.receipt?.source) };
    }

    it("settles an answer at what it says it used", async () => {
      await sdk.call(metered, upstream.url);
      expect(await outcome()).toEqual({ spentNanoUsd: sdk.replyNanoUsd, sources: ["reported"] });
      expect((await meter.standing()).spentTokens).toBe(10);
    });

    it("has settled when the answer has been read", async () => {
      await sdk.call(metered, upstream.url);
      expect(meter.events.map((event) => event.type)).toEqual(["settled"]);
    });

    it("settles a stream that is read to its end", async () => {
      const events = await collect(await sdk.stream(metered, upstream.url));
      expect(events.length).toBeGreaterThan(3);
      expect(await outcome()).toEqual({ spentNanoUsd: sdk.replyNanoUsd, sources: ["reported"] });
    });

    it("prices by the model that answered", async () => {
      upstream.answer = speakBothApis({
        model: sdk.name === "openai" ? "gpt-4o-2024-08-06" : "claude-opus-4-8",
      });
      await sdk.call(metered, upstream.url);
      const expected = sdk.name === "openai" ? 7 * 2_500 + 3 * 10_000 : 7 * 5_000 + 3 * 25_000;
      expect(await outcome()).toEqual({ spentNanoUsd: expected, sources: ["reported"] });
    });

    for (const way of ["call", "stream"] as const) {
      it(`refuses a ${way} with the very error, after one attempt, before anything is sent`, async () => {
        await useMeter({ usd: "0.000001" });
        let attempts = 0;
        const counting: typeof fetch = (...request) => {
          attempts += 1;
          return metered(...request);
        };
        const error = await failure(sdk[way](counting, upstream.url));
        expect(error).toBeInstanceOf(BudgetExceededError);
        expect(meter.events).toMatchObject([{ type: "denied" }]);
        expect(error).toBe(meter.events[0]?.error);
        expect(attempts).toBe(1);
        expect(upstream.requests).toEqual([]);
        expect(await outcome()).toEqual({ spentNanoUsd: 0, sources: [] });
      });
    }

    it("refuses at once, after one attempt, when the store is gone", async () => {
      await meter.breakStore();
      const startedAtMs = Date.now();
      const error = await failure(sdk.call(metered, upstream.url));
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(Date.now() - startedAtMs).toBeLessThan(1_500);
      expect(meter.events.map((event) => event.type)).toEqual(["failed"]);
      expect(upstream.requests).toEqual([]);
    });

    it("answers all the same when the store goes while the call is under way", async () => {
      upstream.answer = async (request, response) => {
        await meter.breakStore();
        await speakBothApis()(request, response);
      };
      await sdk.call(metered, upstream.url);
      expect(upstream.requests.length).toBe(1);
      expect(meter.events).toMatchObject([{ type: "failed", error: { code: "STORE_UNAVAILABLE" } }]);
    });

    it("lets a break out of a long stream return at once, cuts the upstream, and settles as estimated", async () => {
      upstream.answer = speakBothApis({ words: Array(20).fill("word "), pauseMs: 100 });
      let brokeAtMs = 0;
      for await (const _event of await sdk.stream(metered, upstream.url)) {
        brokeAtMs = Date.now();
        break;
      }
      expect(Date.now() - brokeAtMs).toBeLessThan(250);
      await upstream.requests[0]?.done;
      expect(upstream.requests[0]?.aborted).toBe(true);
      const { spentNanoUsd, sources } = await outcome();
      expect(sources).toEqual(["estimated"]);
      expect(spentNanoUsd).toBeGreaterThan(sdk.replyNanoUsd);
    });

    it("settles as estimated when the caller aborts a stream", async () => {
      upstream.answer = speakBothApis({ words: Array(20).fill("word "), pauseMs: 100 });
      const aborter = new AbortController();
      const reading = (async () => {
        for await (const _event of await sdk.stream(metered, upstream.url, { signal: aborter.signal }))
          aborter.abort();
      })();
      await reading.catch(() => {});
      await upstream.requests[0]?.done;
      expect((await outcome()).sources).toEqual(["estimated"]);
    });

    it("settles as estimated when the caller aborts before an answer came", async () => {
      const aborter = new AbortController();
      upstream.answer = async (request, response) => {
        aborter.abort();
        await neverAnswer(request, response);
      };
      await failure(sdk.call(metered, upstream.url, { signal: aborter.signal }));
      expect((await outcome()).sources).toEqual(["estimated"]);
    });

    it("sends and holds nothing for a call that was aborted before", async () => {
      await failure(sdk.call(metered, upstream.url, { signal: AbortSignal.abort() }));
      expect(upstream.requests).toEqual([]);
      expect(await outcome()).toEqual({ spentNanoUsd: 0, sources: [] });
    });

    it("gives a hold back when the provider refuses in its own form", async () => {
      upstream.answer = json(sdk.errorBody, 400);
      const error = await failure(sdk.call(metered, upstream.url));
      expect(error).toMatchObject({ status: 400 });
      expect(await outcome()).toEqual({ spentNanoUsd: 0, sources: [] });
    });

    it("holds each attempt of a retried call, and gives each back", async () => {
      upstream.answer = json(sdk.errorBody, 500, { "retry-after-ms": "1" });
      await failure(sdk.call(metered, upstream.url, { maxRetries: 2 }));
      expect(upstream.requests.length).toBe(3);
      expect(await outcome()).toEqual({ spentNanoUsd: 0, sources: [] });
    });

    it.each([
      [
        "a page of something in between",
        raw("<html>Bad gateway</html>", 502, { "content-type": "text/html" }),
      ],
      ["an empty answer", raw("", 503)],
      ["a request time-out", json({ error: { message: "Timeout" }, type: "error" }, 408)],
      ["a gateway time-out", json({ error: { message: "Timeout" }, type: "error" }, 504)],
      ["an answer without usage", json({ choices: [], type: "message", content: [] })],
      ["a closed connection", hangUp],
    ])("settles %s as estimated", async (_name, answer) => {
      upstream.answer = answer;
      await sdk.call(metered, upstream.url, { maxRetries: 0 }).catch(() => {});
      expect((await outcome()).sources).toEqual(["estimated"]);
    });

    it("settles a stream as estimated when the connection breaks", async () => {
      upstream.answer = cutAfter(700, speakBothApis({ words: Array(50).fill("word ") }));
      await failure(sdk.stream(metered, upstream.url).then(collect));
      expect((await outcome()).sources).toEqual(["estimated"]);
    });

    it("never shows more spent and held than the limit, with many calls at once", async () => {
      await useMeter({ usd: sdk.name === "openai" ? "0.1" : "0.01" });
      const results = await Promise.allSettled(
        Array.from({ length: 40 }, () => sdk.call(metered, upstream.url)),
      );
      const admitted = results.filter((result) => result.status === "fulfilled").length;
      expect(admitted).toBeGreaterThan(0);
      expect(admitted).toBe(upstream.requests.length);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toBeInstanceOf(BudgetExceededError);
      }
      expect((await outcome()).spentNanoUsd).toBe(admitted * sdk.replyNanoUsd);
    });
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** What `work` fails with. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error("It did not fail.");
    },
    (error: unknown) => error,
  );
}
