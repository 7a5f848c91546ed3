import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { usageFromResponse } from "../../src/metering/response-usage.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { json, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const price = { input: "1", output: "1", maxOutputTokens: 100 };
const prices = createPriceBook({ customPricing: { openai: { "vendor/model": price } } });

let upstream: Upstream;
let meter: MemoryTestMeter;

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

/** What was told of a call whose answer has this usage. */
async function told(usage: object, model = "vendor/model") {
  upstream.answer = json({ model, choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, ...usage } });
  const fetch = createMeteredFetch({ meter: meter.meter, prices });
  const body = JSON.stringify({ model: "vendor/model", messages: [] });
  await (await fetch(`${upstream.url}/v1/chat/completions`, { method: "POST", body })).text();
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
    expect(await told({ cost_in_usd_ticks: 15 }, "vendor/other")).toEqual([
      { type: "settled", costNanoUsd: 2, source: "reported", tokens },
    ]);
  });

  it("is not believed where it is nothing, unless the provider is one that states its costs", async () => {
    expect(await told({ cost: 0 })).toMatchObject([{ type: "settled", costNanoUsd: 10_000 }]);
    const called = { provider: "openrouter", model: "vendor/model" };
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
      "The usage that openai/vendor/model reports is booked, but may not be all: it states a cost that is no amount of dollars.",
    );
  });
});
