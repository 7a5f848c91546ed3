/** The Python library's prices, and custom ones. */
import { describe, expect, it } from "vitest";
import { calculateCost, InvalidOptionsError, supportedModels } from "../../src/index.ts";
import type { MakeMeter } from "./stores.ts";

const MINI = { provider: "openai", model: "gpt-4o-mini" };

/** @param meters makes meters that share a fresh namespace. */
export function describePrices(meters: () => MakeMeter): void {
  describe("prices", () => {
    it.each([
      ["openai", "gpt-4o", 2.5, 10],
      ["openai", "gpt-4o-mini", 0.15, 0.6],
      ["openai", "gpt-3.5-turbo", 0.5, 1.5],
      ["anthropic", "claude-sonnet-4-6", 3, 15],
      ["anthropic", "claude-haiku-4-5", 1, 5],
      ["anthropic", "claude-haiku-4-5-20251001", 1, 5],
    ])("%s/%s cost %d and %d dollars per million tokens", async (provider, model, input, output) => {
      const meter = meters()();
      expect((await meter.record({ provider, model, inputTokens: 1_000_000 })).costUsd).toBe(input);
      expect((await meter.record({ provider, model, outputTokens: 1_000_000 })).costUsd).toBe(output);
      expect(calculateCost({ provider, model, inputTokens: 1_000_000 }).costUsd).toBe(input);
      expect(calculateCost({ provider, model, outputTokens: 1_000_000 }).costUsd).toBe(output);
    });

    it("customPricing adds models and replaces prices, in dollars per million tokens", async () => {
      const customPricing = {
        openai: { "my-ft": { input: "3", output: "12" }, "gpt-4o": { input: 1, output: 2 } },
      };
      const meter = meters()({ customPricing });
      const costs = await Promise.all([
        meter.record({ provider: "openai", model: "my-ft", inputTokens: 1000, outputTokens: 1000 }),
        meter.record({ provider: "openai", model: "gpt-4o", inputTokens: 1000 }),
        meter.record({ ...MINI, inputTokens: 1000 }),
      ]);
      expect(costs.map((receipt) => receipt.costNanoUsd)).toEqual([15_000_000, 1_000_000, 150_000]);
    });

    it("a custom price of 0 is a price", async () => {
      const meter = meters()({ customPricing: { local: { llama: { input: 0, output: 0 } } } });
      const receipt = await meter.record({
        provider: "local",
        model: "llama",
        inputTokens: 12,
        outputTokens: 5,
      });
      expect(receipt.costNanoUsd).toBe(0);
      expect((await meter.getUsage()).tokensSpent).toBe(17);
    });

    it.each([
      { openai: { ft: { input: 0.00001, output: 1 } } },
      { openai: { ft: { input: -1, output: 1 } } },
      { openai: { ft: { input: Number.NaN, output: 1 } } },
    ])("refuses the custom price %j", (customPricing) => {
      expect(() => meters()({ customPricing })).toThrow(InvalidOptionsError);
    });

    it("supportedModels lists what has a price", () => {
      const models = supportedModels({
        customPricing: { openai: { "my-ft": { input: "3", output: "12" } } },
      });
      const names = models.map(({ provider, model }) => `${provider}/${model}`);
      expect(names).toContain("openai/gpt-4o-mini");
      expect(names).toContain("anthropic/claude-haiku-4-5");
      expect(names).toContain("openai/my-ft");
    });
  });
}
