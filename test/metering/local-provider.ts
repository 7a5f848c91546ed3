/** A metered fetch with its ledger in memory, and the local provider that it calls: both new for each test. */
import { afterEach, beforeEach } from "vitest";
import { createMeteredFetch, type MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const prices = createPriceBook();
export const ask = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hi" }] };
export const askClaude = { ...ask, model: "claude-haiku-4-5", max_tokens: 64 };

export let upstream: Upstream;
export let meter: MemoryTestMeter;

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
});
afterEach(() => upstream.close());

export const metered = (options: Partial<MeteredFetchOptions> = {}) =>
  createMeteredFetch({ meter: meter.meter, prices, ...options });
export const chatUrl = () => `${upstream.url}/v1/chat/completions`;
export const post = (body: unknown, headers: Record<string, string> = {}) => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

/** The receipts of all calls so far. */
export async function settled() {
  await meter.standing();
  return meter.events.filter((event) => event.type === "settled").map((event) => event.receipt);
}
