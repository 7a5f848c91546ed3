/** Who may say that a call is held, and what becomes of a stream's parts. */
import { getEventListeners } from "node:events";
import { createOpenAI } from "@ai-sdk/openai";
import { streamText, wrapLanguageModel } from "ai";
import { createOpenAI as createOpenAI3 } from "ai-sdk-openai-3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { meterMiddleware } from "../../src/ai-sdk.ts";
import { BudgetExceededError, InvalidOptionsError } from "../../src/errors.ts";
import { verdictOfFailure } from "../../src/metering/ai-sdk/failure.ts";
import { failure } from "../support/outcomes.ts";
import { hangUp, startUpstream, type Upstream } from "../support/upstream.ts";
import { sendEvents, speakAllApis } from "./answers.ts";
import { type TestMeter, testMeter } from "./test-meter.ts";

let upstream: Upstream;
let metered: TestMeter;

beforeEach(async () => {
  upstream = await startUpstream(speakAllApis());
  metered = testMeter();
});
afterEach(async () => {
  await metered.meter.close();
  await upstream.close();
});

const CALL_NANO_USD = 2_850;
const PROMPT = [{ role: "user" as const, content: [{ type: "text" as const, text: "Hi" }] }];

const openai = (fetch?: typeof globalThis.fetch) =>
  createOpenAI({ apiKey: "none", baseURL: `${upstream.url}/v1`, ...(fetch && { fetch }) }).chat(
    "gpt-4o-mini",
  );
const wrapped = (model: Parameters<typeof wrapLanguageModel>[0]["model"]) =>
  wrapLanguageModel({ model, middleware: meterMiddleware(metered.meter) });

describe("Word that a call is held", () => {
  it("is good for one request: a second under the same hold is held by the fetch itself", async () => {
    const twice: typeof fetch = async (input, init) => {
      await (await metered.meter.fetch(input, init)).text();
      return metered.meter.fetch(input, init);
    };
    await wrapped(openai(twice)).doGenerate({ prompt: PROMPT });
    expect(upstream.requests).toHaveLength(2);
    expect((await metered.outcome()).spentNanoUsd).toBe(2 * CALL_NANO_USD);
  });

  it("is over with its call: a request that comes later is held by the fetch itself", async () => {
    let late: (() => Promise<Response>) | undefined;
    const keeping: typeof fetch = (input, init) => {
      late = () => metered.meter.fetch(input, init);
      return fetch(input, init);
    };
    await wrapped(openai(keeping)).doGenerate({ prompt: PROMPT });
    await (await late?.())?.text();
    expect((await metered.outcome()).spentNanoUsd).toBe(2 * CALL_NANO_USD);
  });

  it("can't be given by a header", async () => {
    await (
      await metered.meter.fetch(`${upstream.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "x-agentlimit-hold": "any" },
        body: JSON.stringify({ model: "gpt-4o-mini", messages: [] }),
      })
    ).text();
    expect((await metered.outcome()).spentNanoUsd).toBe(CALL_NANO_USD);
  });

  it("is taken back by the fetch of a child, which holds for all scopes: each counts once", async () => {
    const child = metered.meter.child("team:other", { budgets: [{ window: "day", usd: 1 }] });
    await wrapped(openai(child.fetch)).doGenerate({ prompt: PROMPT });
    await child.flush();
    expect((await child.getUsage()).nanoUsdSpent).toBe(CALL_NANO_USD);
    expect(await metered.outcome()).toMatchObject({ spentNanoUsd: CALL_NANO_USD, heldNanoUsd: 0 });
  });

  it("is taken back for good: a second request under it is held by the fetch itself", async () => {
    const child = metered.meter.child("team:other");
    const both: typeof fetch = async (input, init) => {
      await (await child.fetch(input, init)).text();
      return metered.meter.fetch(input, init);
    };
    await wrapped(openai(both)).doGenerate({ prompt: PROMPT });
    await child.flush();
    expect((await metered.outcome()).spentNanoUsd).toBe(2 * CALL_NANO_USD);
  });

  it("is taken back by the middleware of a child, in whose stream each scope counts once", async () => {
    const child = metered.meter.child("team:other", { budgets: [{ window: "day", usd: 1 }] });
    const model = wrapLanguageModel({ model: openai(), middleware: meterMiddleware(child) });
    const { stream } = await wrapped(model).doStream({ prompt: PROMPT });
    for await (const _part of stream);
    await child.flush();
    expect((await child.getUsage()).nanoUsdSpent).toBe(CALL_NANO_USD);
    expect(await metered.outcome()).toMatchObject({ spentNanoUsd: CALL_NANO_USD, heldNanoUsd: 0 });
  });

  it("leaves the hold of a meter beside, whose scopes the fetch does not all count", async () => {
    const [one, other] = ["team:one", "team:other"].map((scope) => metered.meter.child(scope));
    if (one === undefined || other === undefined) throw new Error("Two children were made.");
    const model = wrapLanguageModel({ model: openai(other.fetch), middleware: meterMiddleware(one) });
    await model.doGenerate({ prompt: PROMPT });
    await Promise.all([one.flush(), other.flush()]);
    expect((await one.getUsage()).nanoUsdSpent).toBe(CALL_NANO_USD);
    expect((await other.getUsage()).nanoUsdSpent).toBe(CALL_NANO_USD);
    expect((await metered.outcome()).spentNanoUsd).toBe(2 * CALL_NANO_USD);
  });

  it("is enough for a second middleware of the same meter", async () => {
    await wrapped(wrapped(openai())).doGenerate({ prompt: PROMPT });
    expect((await metered.outcome()).sources).toEqual(["reported"]);
  });
});

describe("A refusal by a meter underneath", () => {
  it("gives the hold above it back", async () => {
    const broke = metered.meter.child("user:broke", { budgets: [{ window: "day", usd: "0.000001" }] });
    const error = await failure(Promise.resolve(wrapped(openai(broke.fetch)).doGenerate({ prompt: PROMPT })));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(await metered.outcome()).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 0, sources: [] });
    expect(upstream.requests).toEqual([]);
  });
});

describe("A refusal by the provider", () => {
  it("is one inside another error, too, as the gateway's package wraps it", () => {
    const responseBody = JSON.stringify({ error: { message: "No such parameter", type: "none" } });
    const refused = Object.assign(new Error("Refused"), { statusCode: 400, responseBody });
    const verdict = (cause: Error) =>
      verdictOfFailure(new Error("Gateway", { cause }), {
        cacheWrite: undefined,
        fast: false,
        regional: false,
      });
    expect(verdict(refused)).toEqual({ kind: "unbilled" });
    expect(verdict(new Error("Broken"))).toEqual({ kind: "unknown" });
  });
});

describe("A stream of parts", () => {
  const stream = async () => (await wrapped(openai()).doStream({ prompt: PROMPT })).stream.getReader();

  it("is cut off when its reader cancels, which returns at once, and settled at the whole hold", async () => {
    upstream.answer = speakAllApis({ words: Array(100).fill("word "), pauseMs: 50 });
    const reader = await stream();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (next.value.type === "text-delta") break;
    }
    const leftAtMs = Date.now();
    await reader.cancel();
    expect(Date.now() - leftAtMs).toBeLessThan(50);
    await upstream.requests[0]?.done;
    expect(upstream.requests[0]?.aborted).toBe(true);
    expect(await metered.outcome()).toMatchObject({ heldNanoUsd: 0, sources: ["estimated"] });
  });

  it("stays as reported when its reader cancels after the last part", async () => {
    const reader = await stream();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (next.value.type === "finish") break;
    }
    await reader.cancel();
    expect(await metered.outcome()).toEqual({
      spentNanoUsd: CALL_NANO_USD,
      heldNanoUsd: 0,
      sources: ["reported"],
    });
  });

  it("is settled at the whole hold, with an event, when an error of the provider ends it", async () => {
    upstream.answer = (_request, response) =>
      sendEvents(response, 0, [
        {
          id: "1",
          model: "gpt-4o-mini",
          choices: [{ index: 0, delta: { content: "One" }, finish_reason: null }],
        },
        { error: { message: "Overloaded", type: "server_error", code: null, param: null } },
      ]);
    const errors: unknown[] = [];
    const { textStream } = streamText({
      model: wrapped(openai()),
      prompt: "Hi",
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });
    for await (const _text of textStream);
    expect(errors).toHaveLength(1);
    const { sources, spentNanoUsd } = await metered.outcome();
    expect(sources).toEqual(["estimated"]);
    expect(spentNanoUsd).toBeGreaterThan(CALL_NANO_USD);
    expect(metered.events.map(({ type }) => type)).toEqual(["settled", "failed"]);
  });

  const counted = (completion_tokens: number) => ({
    id: "1",
    model: "gpt-4o-mini",
    choices: [{ index: 0, delta: { content: "One" }, finish_reason: null }],
    usage: { prompt_tokens: 7, completion_tokens, total_tokens: 7 + completion_tokens },
  });
  const failing = { error: { message: "Overloaded", type: "server_error", code: null, param: null } };

  it.each([
    ["just ends", [counted(1), counted(2)]],
    [
      "ends with an error",
      [counted(1), { ...counted(2), choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }, failing],
    ],
  ])("is not settled at the counts of its beginning when it %s", async (_name, events) => {
    upstream.answer = (_request, response) => sendEvents(response, 0, events);
    const reader = await stream();
    while (!(await reader.read()).done);
    const { sources, spentNanoUsd } = await metered.outcome();
    expect(sources).toEqual(["estimated"]);
    expect(spentNanoUsd).toBeGreaterThan(CALL_NANO_USD);
  });

  it("that just ends is settled at the counts of its beginning where they are above the hold", async () => {
    const usage = { prompt_tokens: 5_000_000, completion_tokens: 1, total_tokens: 5_000_001 };
    upstream.answer = (_request, response) => sendEvents(response, 0, [{ ...counted(1), usage }]);
    const reader = await stream();
    while (!(await reader.read()).done);
    const { sources, spentNanoUsd } = await metered.outcome();
    expect(sources).toEqual(["estimated"]);
    expect(spentNanoUsd).toBeGreaterThanOrEqual(5_000_000 * 150 + 600);
  });

  it("is not settled at the counts of its beginning where an older package calls such an end `other`", async () => {
    upstream.answer = (_request, response) => sendEvents(response, 0, [counted(1), counted(2)]);
    const model = createOpenAI3({ apiKey: "none", baseURL: `${upstream.url}/v1` }).chat("gpt-4o-mini");
    const answer = await meterMiddleware(metered.meter).wrapStream({ params: { prompt: PROMPT }, model });
    const parts: unknown[] = [];
    for await (const part of answer.stream) parts.push(part);
    expect(parts.at(-1)).toMatchObject({
      type: "finish",
      finishReason: { unified: "other", raw: undefined },
    });
    expect((await metered.outcome()).sources).toEqual(["estimated"]);
  });

  it("is settled at the whole hold when an error comes in place of the first words", async () => {
    const error = { type: "server_error", code: "server_error", message: "Overloaded", param: null };
    upstream.answer = (_request, response) =>
      sendEvents(response, 0, [{ type: "error", sequence_number: 0, error }]);
    const responses = createOpenAI({ apiKey: "none", baseURL: `${upstream.url}/v1` })("gpt-4o-mini");
    await failure(Promise.resolve(wrapped(responses).doStream({ prompt: PROMPT })));
    expect((await metered.outcome()).sources).toEqual(["estimated"]);
  });

  it("is kept alive by `waitUntil`, and does not wait for its settle then", async () => {
    const kept: Promise<unknown>[] = [];
    const edge = testMeter({ waitUntil: (work) => void kept.push(work) });
    const model = wrapLanguageModel({ model: openai(), middleware: meterMiddleware(edge.meter) });
    const { stream } = await model.doStream({ prompt: PROMPT });
    // Nobody reads it.
    expect(stream.locked).toBe(false);
    await Promise.all(kept);
    await Promise.all(kept);
    expect((await edge.outcome()).spentNanoUsd).toBe(CALL_NANO_USD);
    expect(kept.length).toBeGreaterThanOrEqual(2);
    await edge.meter.close();
  });
});

describe("A signal that its caller keeps for many calls", () => {
  const { signal: abortSignal } = new AbortController();

  it("is let go of after an answer, a stream and a failure", async () => {
    const asked = { prompt: PROMPT, abortSignal };
    await wrapped(openai()).doGenerate(asked);
    expect(getEventListeners(abortSignal, "abort")).toEqual([]);
    const { stream } = await wrapped(openai()).doStream(asked);
    for await (const _part of stream);
    expect(getEventListeners(abortSignal, "abort")).toEqual([]);
    upstream.answer = hangUp;
    await failure(Promise.resolve(wrapped(openai()).doGenerate(asked)));
    expect(getEventListeners(abortSignal, "abort")).toEqual([]);
  });
});

describe("meterMiddleware", () => {
  it("takes meters alone", () => {
    expect(() => meterMiddleware({ fetch })).toThrow(InvalidOptionsError);
  });

  it("takes no fallback of another specification version", async () => {
    const broke = testMeter({ budgets: [{ window: "total", usd: "0.000001" }] });
    const fallback = createOpenAI3({ apiKey: "none", baseURL: `${upstream.url}/v1` }).chat("gpt-4o-mini");
    const model = wrapLanguageModel({
      model: openai(),
      middleware: meterMiddleware(broke.meter, { fallback }),
    });
    const error = await failure(Promise.resolve(model.doGenerate({ prompt: PROMPT })));
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(upstream.requests).toEqual([]);
    await broke.meter.close();
  });
});
