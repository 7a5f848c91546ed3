/** Calls to a provider's address over real HTTP, and what is held for them. */
import { expect } from "vitest";
import type { HeldBound } from "../../src/metering/calls.ts";
import { createMeteredFetch, type MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { JsonObject } from "../../src/providers/json.ts";
import { json, startUpstream, type UpstreamRequest } from "../support/upstream.ts";
import { memoryTestMeter } from "./test-meter.ts";

export interface Asked {
  address: string;
  body: JsonObject;
  headers?: Record<string, string>;
  /** What the provider answers. */
  answer: object;
  options?: Partial<MeteredFetchOptions>;
}

export interface Outcome {
  /** What was held first. */
  held: HeldBound;
  spentNanoUsd: number;
  spentTokens: number;
}

export interface HeldCalls {
  /** What came to the provider. */
  readonly requests: readonly UpstreamRequest[];
  call(asked: Asked): Promise<Outcome>;
  /** Expects that the answer costs something, and no more than was held. */
  expectCovered(asked: Asked): Promise<void>;
  close(): Promise<void>;
}

/** The local server answers in every provider's place. */
export async function startHeldCalls(): Promise<HeldCalls> {
  const upstream = await startUpstream();
  const { meter, standing, events } = await memoryTestMeter({ usd: "1000000" });

  async function call({ address, body, headers = {}, answer, options = {} }: Asked): Promise<Outcome> {
    const bounds: HeldBound[] = [];
    upstream.answer = json(answer);
    const fetch = createMeteredFetch({
      meter: {
        ...meter,
        hold(bound, id) {
          bounds.push(bound);
          return meter.hold(bound, id);
        },
      },
      prices: createPriceBook(),
      fetch: (input, init) => globalThis.fetch(upstream.url + new URL(String(input)).pathname, init),
      ...options,
    });
    const before = await standing();
    const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
    await response.text();
    const after = await standing();
    const [held] = bounds;
    if (held === undefined) throw new Error("Nothing was held.");
    return {
      held,
      spentNanoUsd: after.spentNanoUsd - before.spentNanoUsd,
      spentTokens: after.spentTokens - before.spentTokens,
    };
  }

  return {
    requests: upstream.requests,
    call,
    async expectCovered(asked) {
      const { held, spentNanoUsd, spentTokens } = await call(asked);
      expect(events.at(-1)?.receipt?.source).toBe("reported");
      expect(spentTokens).toBeGreaterThan(0);
      expect(held.tokens).toBeGreaterThanOrEqual(spentTokens);
      expect(held.nanoUsd).toBeGreaterThanOrEqual(spentNanoUsd);
    },
    close: () => upstream.close(),
  };
}

export const OPENAI = "https://api.openai.com/v1/chat/completions";
export const AZURE =
  "https://ours.openai.azure.com/openai/deployments/eyes/chat/completions?api-version=2024-10-21";
export const GEMINI_CHAT = "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions";

/** Messages of one user's turn. */
export const said = (...content: object[]) => [{ role: "user", content }];

/** An answer of chat completions that states its usage. */
export const chatAnswer = (prompt_tokens: number, completion_tokens: number, model: string) => ({
  model,
  choices: [{ index: 0 }],
  usage: { prompt_tokens, completion_tokens },
});
