/** What two real SDKs see of a metered fetch whatever keeps its ledger, over real HTTP; `test/sdks` has all clients over one store. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BudgetExceededError, StoreUnavailableError } from "../../src/errors.ts";
import { collect, failure } from "../support/outcomes.ts";
import { speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";
import type { MakeTestMeter, TestMeter, TestMeterOptions } from "./test-meter.ts";

/** One API as its SDK calls it. */
interface Sdk {
  name: string;
  /** Nano-USD of 7 tokens in and 3 out. */
  replyNanoUsd: number;
  call(fetch: typeof globalThis.fetch, url: string): Promise<unknown>;
  stream(fetch: typeof globalThis.fetch, url: string): Promise<AsyncIterable<unknown>>;
}

const QUESTION = [{ role: "user" as const, content: "Wie heißt du?" }];
const askOpenAi = { model: "gpt-4o-mini", messages: QUESTION };
const askClaude = { model: "claude-haiku-4-5", max_tokens: 64, messages: QUESTION };
const openai = (fetch: typeof globalThis.fetch, url: string) =>
  new OpenAI({ apiKey: "none", baseURL: `${url}/v1`, fetch });
const claude = (fetch: typeof globalThis.fetch, url: string) =>
  new Anthropic({ apiKey: "none", baseURL: url, fetch });

const SDKS: Sdk[] = [
  {
    name: "openai",
    replyNanoUsd: 2_850,
    call: (fetch, url) => openai(fetch, url).chat.completions.create(askOpenAi),
    stream: (fetch, url) => openai(fetch, url).chat.completions.create({ ...askOpenAi, stream: true }),
  },
  {
    name: "@anthropic-ai/sdk",
    replyNanoUsd: 22_000,
    call: (fetch, url) => claude(fetch, url).messages.create(askClaude),
    stream: (fetch, url) => claude(fetch, url).messages.create({ ...askClaude, stream: true }),
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
