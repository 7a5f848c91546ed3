import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { usageFromResponse } from "../../src/metering/response-usage.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { json, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const price = { input: "1", output: "1", maxOutputTokens: 100 };
const models = { "vendor/model": price };
const prices = createPriceBook({ customPricing: { openai: models, openrouter: models } });

let upstream: Upstream;
let meter: MemoryTestMeter;

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

/** What was told of a call whose answer has this usage. */
async function told(
  usage: object,
  {
    called = "vendor/model",
    model = "vendor/model",
    path = "/openrouter/v1",
  }: { called?: string; model?: string; path?: string } = {},
) {
  upstream.answer = json({ model, choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, ...usage } });
  const fetch = createMeteredFetch({ meter: meter.meter, prices });
  const body = JSON.stringify({ model: called, messages: [] });
  await (await fetch(`${upstream.url}${path}/chat/completions`, { method: "POST", body })).text();
  await meter.standing();
  return meter.events.map(({ type, receipt, error, tokens }) => ({
    type,
    ...(receipt && { costNanoUsd: receipt.costNanoUsd, source: receipt.source }),
    ...(error && { code: error.code, message: error.message }),
    ...(tokens && { tokens }),
  }));
}

describe("A cost that the provider states", () => {
  const tokens = { inputTokens: 7, outputTokens: 3 };

  it("is what is booked, whatever the tokens would cost", async () => {
    expect(await told({ cost: 0.0123 })).toEqual([
      { type: "settled", costNanoUsd: 12_300_000, source: "reported", tokens },
    ]);
  });

  it("is enough where the answer names a model without a price", async () => {
    expect(await told({ cost_in_usd_ticks: 15 }, { model: "vendor/other" })).toEqual([
      { type: "settled", costNanoUsd: 2, source: "reported", tokens },
    ]);
  });

  it("is not read in the answer of a server that is none of those who state it", async () => {
    for (const usage of [{ cost: 0 }, { cost: 1e-9 }, { cost: { credits: 7 } }, { cost_in_usd_ticks: 1 }]) {
      const events = await told(usage, { path: "/v1" });
      expect(events.slice(-1)).toMatchObject([{ type: "settled", costNanoUsd: 10_000, source: "reported" }]);
    }
  });

  it("does not stand in for a price there: the call is settled at its hold, and an event says why", async () => {
    const unknown = { path: "/v1", called: "gpt-4o-mini", model: "vendor/other" };
    const [settled, failed] = await told({ cost: 1e-9 }, unknown);
    expect(settled).toMatchObject({ type: "settled", source: "estimated" });
    expect(settled?.costNanoUsd).toBeGreaterThan(10_000);
    expect(failed).toMatchObject({ type: "failed", code: "UNKNOWN_MODEL" });
  });

  it("may be nothing with those who state it", () => {
    const called = { provider: "OpenRouter", model: "vendor/model" };
    const answer = {
      model: "vendor/model",
      choices: [],
      usage: { prompt_tokens: 7, completion_tokens: 3, cost: 0 },
    };
    expect(usageFromResponse(prices, answer, called)).toMatchObject({ nanoUsd: 0, tokens: 10 });
  });

  it("leaves it to the price where it is no amount, and an event tells of it", async () => {
    const events = await told({ cost: -1 });
    expect(events).toMatchObject([
      { type: "settled", costNanoUsd: 10_000, source: "reported", tokens },
      { type: "failed", code: "INVALID_USAGE" },
    ]);
    expect(events[1]?.message).toBe(
      "The usage that openrouter/vendor/model reports is booked, but may not be all: it states a cost that is no amount of dollars.",
    );
  });
});
