/** What the AI SDK's own functions see of a model behind `meterMiddleware`, over real HTTP and a real Redis. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { meterMiddleware } from "../../src/ai-sdk.ts";
import { BudgetExceededError, StoreUnavailableError } from "../../src/errors.ts";
import type { NodeMeterOptions } from "../../src/node.ts";
import { failure } from "../support/outcomes.ts";
import { freePort } from "../support/redis-server.ts";
import {
  type Answer,
  cutAfter,
  hangUp,
  json,
  neverAnswer,
  raw,
  startUpstream,
  type Upstream,
} from "../support/upstream.ts";
import { callToolFirst, speakAllApis } from "./answers.ts";
import { AI_SDKS, APIS, MODEL_IDS, readAll } from "./sdks.ts";
import { type TestMeter, testMeter } from "./test-meter.ts";

/** Nano-USD of 7 tokens in and 3 out, of gpt-4o-mini and claude-haiku-4-5. */
const REPLY_NANO_USD = { "openai.chat": 2_850, "openai.responses": 2_850, "anthropic.messages": 22_000 };

let upstream: Upstream;
let metered: TestMeter;

async function useMeter(options?: Partial<NodeMeterOptions>): Promise<void> {
  await metered?.meter.close();
  metered = testMeter(options);
}

beforeEach(async () => {
  upstream = await startUpstream(speakAllApis());
  await useMeter();
});
afterEach(async () => {
  await metered.meter.close();
  await upstream.close();
});

const ENDLESS = speakAllApis({ words: Array(40).fill("word "), pauseMs: 50 });
const TOO_LITTLE = { budgets: [{ window: "total" as const, usd: "0.000001" }] };

for (const sdk of AI_SDKS) {
  describe.each(APIS)(`%s behind the middleware, in ${sdk.name}`, (api) => {
    const target = () => ({ api, url: upstream.url });
    const middleware = () => meterMiddleware(metered.meter);
    const reported = { spentNanoUsd: REPLY_NANO_USD[api], heldNanoUsd: 0, sources: ["reported"] };

    it("settles a generated answer at what it says it used, before it is handed out", async () => {
      expect(await sdk.generate(target(), middleware())).toBe("One two thrée");
      expect(metered.events).toMatchObject([{ type: "settled", model: MODEL_IDS[api] }]);
      expect(await metered.outcome()).toEqual(reported);
    });

    it("settles a stream at its end, and hands all of it through", async () => {
      const stream = sdk.stream(target(), middleware());
      expect(await readAll(stream)).toBe("One two thrée");
      expect(stream.errors).toEqual([]);
      expect(await metered.outcome()).toEqual(reported);
    });

    it("counts once over a provider with the meter's own fetch, and over one with its parent's", async () => {
      const child = metered.meter.child("user:1", { budgets: [{ window: "day", usd: 1 }] });
      await sdk.generate({ ...target(), fetch: metered.meter.fetch }, middleware());
      await sdk.generate({ ...target(), fetch: metered.meter.fetch }, meterMiddleware(child));
      await readAll(sdk.stream({ ...target(), fetch: metered.meter.fetch }, meterMiddleware(child)));
      await child.flush();
      expect(await metered.outcome()).toEqual({
        spentNanoUsd: 3 * REPLY_NANO_USD[api],
        heldNanoUsd: 0,
        sources: ["reported", "reported", "reported"],
      });
      expect((await child.getUsage()).nanoUsdSpent).toBe(2 * REPLY_NANO_USD[api]);
    });

    it("tells the provider nothing of its own", async () => {
      await sdk.generate({ ...target(), fetch: metered.meter.fetch }, middleware());
      await sdk.generate(target(), middleware());
      const plain = await sdk.model(target()).doGenerate({
        prompt: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
      });
      expect(plain.usage).toBeDefined();
      const [over, alone, without] = upstream.requests.map(({ headers }) => Object.keys(headers).sort());
      expect(over).toEqual(alone);
      expect(alone).toEqual(without);
      expect(JSON.stringify(upstream.requests)).not.toMatch(/agentlimit|hold/i);
    });

    it("throws the very denial after one attempt, before anything is sent", async () => {
      await useMeter(TOO_LITTLE);
      const error = await failure(sdk.generate(target(), middleware()));
      expect(error).toBeInstanceOf(BudgetExceededError);
      expect(metered.events).toMatchObject([{ type: "denied", model: MODEL_IDS[api] }]);
      expect(error).toBe(metered.events[0]?.error);
      expect(upstream.requests).toEqual([]);
    });

    it("shows a denial of a stream to `onError`, and ends the text", async () => {
      await useMeter(TOO_LITTLE);
      const stream = sdk.stream(target(), middleware());
      expect(await readAll(stream)).toBe("");
      expect(stream.errors).toEqual([metered.events[0]?.error]);
      expect(metered.events).toMatchObject([{ type: "denied" }]);
      expect(upstream.requests).toEqual([]);
    });

    it("gives the hold back when the provider refuses in its own form", async () => {
      const error = { type: "invalid_request_error", message: "No such parameter", code: "none" };
      upstream.answer = json({ type: "error", error }, 400);
      await failure(sdk.generate(target(), middleware()));
      await failure(
        readAll(sdk.stream(target(), middleware())).then(() => Promise.reject(new Error("ended"))),
      );
      expect(upstream.requests).toHaveLength(2);
      expect(await metered.outcome()).toEqual({ spentNanoUsd: 0, heldNanoUsd: 0, sources: [] });
    });

    it("holds each attempt of a call that the SDK repeats", async () => {
      const error = { type: "server_error", message: "Come again", code: "none" };
      upstream.answer = json({ type: "error", error }, 500, { "retry-after-ms": "1" });
      await failure(sdk.generate(target(), middleware(), { maxRetries: 1 }));
      expect(upstream.requests).toHaveLength(2);
      expect(await metered.outcome()).toEqual({ spentNanoUsd: 0, heldNanoUsd: 0, sources: [] });
    });

    it.each<[name: string, answer: Answer, told: "told of" | "untold"]>([
      ["a closed connection", hangUp, "untold"],
      [
        "a page of something in between",
        raw("<html>Bad gateway</html>", 502, { "content-type": "text/html" }),
        "told of",
      ],
      [
        "a guard that has the answer",
        json({ type: "error", error: { type: "guard", message: "Stopped", code: "" }, choices: [] }, 446),
        "told of",
      ],
      [
        "a gateway time-out",
        json({ type: "error", error: { type: "timeout", message: "Too late", code: "" } }, 504),
        "told of",
      ],
      ["an answer that is no JSON", raw("{", 200, { "content-type": "application/json" }), "told of"],
      ["an answer that is cut", cutAfter(150, speakAllApis({ words: Array(50).fill("word ") })), "untold"],
    ])("settles %s at the whole hold, and tells of it where an answer came", async (_name, answer, told) => {
      upstream.answer = answer;
      await failure(sdk.generate(target(), middleware(), { maxRetries: 0, maxOutputTokens: 50 }));
      const { spentNanoUsd, heldNanoUsd, sources } = await metered.outcome();
      expect(spentNanoUsd).toBeGreaterThan(REPLY_NANO_USD[api]);
      expect({ heldNanoUsd, sources }).toEqual({ heldNanoUsd: 0, sources: ["estimated"] });
      expect(metered.events.some(({ type }) => type === "failed")).toBe(told === "told of");
    });

    it("settles an error by the usage that it states", async () => {
      upstream.answer = json(
        {
          type: "error",
          error: { type: "server_error", message: "Stopped", code: 500, status: "INTERNAL" },
          usage: { prompt_tokens: 7, completion_tokens: 3, input_tokens: 7, output_tokens: 3 },
          usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3 },
        },
        500,
      );
      await failure(sdk.generate(target(), middleware(), { maxRetries: 0, maxOutputTokens: 50 }));
      const { spentNanoUsd, heldNanoUsd, sources } = await metered.outcome();
      expect({ heldNanoUsd, sources }).toEqual({ heldNanoUsd: 0, sources: ["reported"] });
      expect(spentNanoUsd).toBe(REPLY_NANO_USD[api]);
    });

    it("settles a stream that is cut at the whole hold", async () => {
      upstream.answer = cutAfter(700, speakAllApis({ words: Array(50).fill("word ") }));
      await readAll(sdk.stream(target(), middleware())).catch(() => {});
      const { spentNanoUsd, heldNanoUsd, sources } = await metered.outcome();
      expect(spentNanoUsd).toBeGreaterThan(REPLY_NANO_USD[api]);
      expect({ heldNanoUsd, sources }).toEqual({ heldNanoUsd: 0, sources: ["estimated"] });
    });

    it("settles at the whole hold when the caller aborts before an answer came", async () => {
      const aborter = new AbortController();
      upstream.answer = async (request, response) => {
        aborter.abort();
        await neverAnswer(request, response);
      };
      await failure(sdk.generate(target(), middleware(), { abortSignal: aborter.signal }));
      await upstream.requests[0]?.done;
      expect(upstream.requests[0]?.aborted).toBe(true);
      expect((await metered.outcome()).sources).toEqual(["estimated"]);
    });

    it("settles at the whole hold when the caller aborts a stream, which cuts the provider off", async () => {
      upstream.answer = ENDLESS;
      const aborter = new AbortController();
      const stream = sdk.stream(target(), middleware(), { abortSignal: aborter.signal });
      await stream.text.next();
      aborter.abort();
      await readAll(stream).catch(() => {});
      await upstream.requests[0]?.done;
      expect(upstream.requests[0]?.aborted).toBe(true);
      const { sources, heldNanoUsd } = await metered.outcome();
      expect({ sources, heldNanoUsd }).toEqual({ sources: ["estimated"], heldNanoUsd: 0 });
    });

    it("holds and sends nothing for a call that was aborted before", async () => {
      await failure(sdk.generate(target(), middleware(), { abortSignal: AbortSignal.abort() }));
      expect(upstream.requests).toEqual([]);
      expect(metered.events).toEqual([]);
    });

    it("counts a stream of which nobody reads the rest", async () => {
      upstream.answer = speakAllApis({ words: Array(400).fill("word ") });
      const stream = sdk.stream(target(), middleware());
      await stream.text.next();
      await expect.poll(() => metered.outcome()).toEqual(reported);
    });

    it("asks the fallback when a budget denies, and settles it at its own price", async () => {
      const dear = api === "anthropic.messages" ? "claude-opus-4-8" : "gpt-4o";
      await useMeter({ budgets: [{ window: "total", usd: "0.02" }] });
      const asked = { ...target(), modelId: dear };
      const withFallback = meterMiddleware(metered.meter, { fallback: sdk.model(target()) });
      const ask = { maxOutputTokens: 2_000 };
      expect(await sdk.generate(asked, withFallback, ask)).toBe("One two thrée");
      expect(await readAll(sdk.stream(asked, withFallback, ask))).toBe("One two thrée");
      expect(metered.events.map(({ type, model }) => `${type} ${model}`)).toEqual([
        `denied ${dear}`,
        `settled ${MODEL_IDS[api]}`,
        `denied ${dear}`,
        `settled ${MODEL_IDS[api]}`,
      ]);
      expect((await metered.outcome()).spentNanoUsd).toBe(2 * REPLY_NANO_USD[api]);
    });

    it("throws the fallback's denial when that is denied too", async () => {
      await useMeter(TOO_LITTLE);
      const withFallback = meterMiddleware(metered.meter, { fallback: sdk.model(target()) });
      const error = await failure(sdk.generate({ ...target(), modelId: MODEL_IDS[api] }, withFallback));
      expect(metered.events.map(({ type }) => type)).toEqual(["denied", "denied"]);
      expect(error).toBe(metered.events[1]?.error);
      expect(upstream.requests).toEqual([]);
    });

    it("lets a function choose the fallback by the denial, or let the denial stand", async () => {
      await useMeter(TOO_LITTLE);
      const seen: unknown[] = [];
      const choosing = meterMiddleware(metered.meter, {
        fallback: (error) => void seen.push(error.denials[0]?.metric),
      });
      expect(await failure(sdk.generate(target(), choosing))).toBeInstanceOf(BudgetExceededError);
      expect(seen).toEqual(["usd"]);
      expect(metered.events).toHaveLength(1);
    });
  });

  describe(`A call in ${sdk.name}`, () => {
    const target = () => ({ api: "openai.chat" as const, url: upstream.url });

    it("is refused at once, after one attempt, when the store is gone", async () => {
      await useMeter({ redisUrl: `redis://127.0.0.1:${await freePort()}` });
      const startedAtMs = Date.now();
      expect(await failure(sdk.generate(target(), meterMiddleware(metered.meter)))).toBeInstanceOf(
        StoreUnavailableError,
      );
      expect(Date.now() - startedAtMs).toBeLessThan(1_500);
      expect(metered.events).toMatchObject([{ type: "failed" }]);
      expect(upstream.requests).toEqual([]);
    });

    it("asks no fallback when the store is gone", async () => {
      await useMeter({ storeTimeoutMs: 100, redisUrl: `redis://127.0.0.1:${await freePort()}` });
      const withFallback = meterMiddleware(metered.meter, { fallback: sdk.model(target()) });
      expect(await failure(sdk.generate(target(), withFallback))).toBeInstanceOf(StoreUnavailableError);
      expect(metered.events).toHaveLength(1);
    });

    it("has a hold for each step of a tool loop", async () => {
      upstream.answer = callToolFirst("look");
      expect(await sdk.loop(target(), meterMiddleware(metered.meter))).toBe("One two thrée");
      expect(await metered.outcome()).toEqual({
        spentNanoUsd: 2 * 2_850,
        heldNanoUsd: 0,
        sources: ["reported", "reported"],
      });
    });

    it("stops a tool loop at the step that no longer fits", async () => {
      upstream.answer = callToolFirst("look");
      await useMeter({ budgets: [{ window: "total", requests: 1 }] });
      const error = await failure(sdk.loop(target(), meterMiddleware(metered.meter)));
      expect(error).toBeInstanceOf(BudgetExceededError);
      expect(upstream.requests).toHaveLength(1);
    });

    it("is counted when it generates an object", async () => {
      upstream.answer = speakAllApis({ words: ['{"name":"Ada"}'] });
      expect(await sdk.object(target(), meterMiddleware(metered.meter))).toEqual({ name: "Ada" });
      expect((await metered.outcome()).spentNanoUsd).toBe(2_850);
    });

    it("never passes a limit together with others", async () => {
      await useMeter({ budgets: [{ window: "total", usd: "0.003" }] });
      const calls = Array.from({ length: 40 }, () =>
        sdk.generate(target(), meterMiddleware(metered.meter), { maxOutputTokens: 1_000 }),
      );
      const results = await Promise.allSettled(calls);
      const admitted = results.filter(({ status }) => status === "fulfilled").length;
      expect(admitted).toBeGreaterThan(0);
      expect(admitted).toBeLessThan(40);
      expect(upstream.requests).toHaveLength(admitted);
      expect((await metered.outcome()).spentNanoUsd).toBe(admitted * 2_850);
    });

    it("gets the limit that the meter writes into calls without one", async () => {
      await useMeter({ defaultMaxOutputTokens: 77 });
      await sdk.generate(target(), meterMiddleware(metered.meter));
      await sdk.generate(target(), meterMiddleware(metered.meter), { maxOutputTokens: 99 });
      const limits = upstream.requests.map(({ body }) => Object(body).max_tokens);
      expect(limits).toEqual([77, 99]);
    });
  });
}
