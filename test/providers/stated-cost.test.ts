import { describe, expect, it } from "vitest";
import { sumNanoUsdRoundedUp } from "../../src/ledger/money.ts";
import type { UsageContext } from "../../src/providers/provider.ts";
import { statedCost } from "../../src/providers/stated-cost.ts";

const by = (provider?: string): UsageContext => ({
  cacheWrite: undefined,
  fast: false,
  regional: false,
  provider,
});
const nano = (usage: object, provider = "openrouter") => statedCost({ ...usage }, by(provider)).statedNanoUsd;

describe("A cost that the provider states is read to the last digit, and rounded up once", () => {
  it("in ticks of 1e-10 dollars at xAI", () => {
    expect(nano({ cost_in_usd_ticks: 1_176_500 })).toBe(117_650);
    expect(nano({ cost_in_usd_ticks: 1_176_501 })).toBe(117_651);
    expect(nano({ cost_in_usd_ticks: 0 })).toBe(0);
  });

  it("in dollars at OpenRouter", () => {
    expect(nano({ cost: 0.00341475 })).toBe(3_414_750);
    expect(nano({ cost: 0.0004970133333333333 })).toBe(497_014);
    expect(nano({ cost: 1e-10 })).toBe(1);
    expect(nano({ cost: 0 })).toBe(0);
  });

  it("with the vendor's bill on top only where the key was the caller's own", () => {
    const cost_details = { upstream_inference_cost: 0.0123 };
    expect(nano({ cost: 0.0123, cost_details, is_byok: false })).toBe(12_300_000);
    expect(nano({ cost: 0.0123, cost_details })).toBe(12_300_000);
    expect(nano({ cost: 0.0006, cost_details, is_byok: true })).toBe(12_900_000);
    const halves = { cost: 4e-10, cost_details: { upstream_inference_cost: 5e-10 }, is_byok: true };
    expect(nano(halves)).toBe(1);
  });

  it("as the total of Perplexity's parts, unless that may be rounded to a tenth of a cent", () => {
    expect(nano({ cost: { request_cost: 0.006, total_cost: 0.012609 } })).toBe(12_609_000);
    const rounded = { cost: { output_tokens_cost: 0, request_cost: 0.005, total_cost: 0.005 } };
    expect(statedCost(rounded, by("perplexity"))).toEqual({});
  });

  it("and is a doubt where it is no amount, so that the price decides", () => {
    const malformed = [
      { cost: -0.1 },
      { cost: Number.NaN },
      { cost: "0.1" },
      { cost: { total_cost: "0.1" } },
      { cost: {} },
      { cost: 1e10 },
      { cost_in_usd_ticks: -1 },
      { cost_in_usd_ticks: 1.5 },
      { cost: 0.1, is_byok: true, cost_details: { upstream_inference_cost: null } },
      { cost: 0.1, is_byok: true },
    ];
    for (const usage of malformed) {
      expect(statedCost(usage, by("openrouter"))).toEqual({
        doubts: ["it states a cost that is no amount of dollars"],
      });
    }
    expect(statedCost({ cost: null }, by("openrouter"))).toEqual({});
  });
});

describe("A cost is believed of those who document it", () => {
  const costs = [{ cost: 0.1 }, { cost: 0 }, { cost_in_usd_ticks: 15 }, { cost: { total_cost: 0.0101 } }];

  it.each(["openrouter", "xai", "perplexity"])("such as %s", (provider) => {
    expect(costs.filter((usage) => nano(usage, provider) === undefined)).toEqual([]);
  });

  it.each(["openai", "groq", "together"])("and not of %s, where it may be in any unit", (provider) => {
    expect(costs.map((usage) => statedCost(usage, by(provider)))).toEqual([{}, {}, {}, {}]);
    expect(statedCost({ cost: "a few credits" }, by(provider))).toEqual({});
  });

  it("and, where nobody says who was called, in their forms alone, if it is not nothing", () => {
    const nobodys = (usage: object) => statedCost({ ...usage }, by()).statedNanoUsd;
    expect(nobodys({ cost_in_usd_ticks: 20 })).toBe(2);
    expect(nobodys({ cost: 0.1, cost_details: { upstream_inference_cost: 0.1 } })).toBe(100_000_000);
    expect(nobodys({ cost: { total_cost: 0.0101 } })).toBe(10_100_000);
    for (const usage of [{ cost: 0.1 }, { cost: 0, cost_details: {} }, { cost_in_usd_ticks: 0 }]) {
      expect(statedCost(usage, by())).toEqual({});
    }
  });
});

describe("Amounts added before they are rounded", () => {
  it("are rounded once", () => {
    expect(sumNanoUsdRoundedUp([0.1, 0.2])).toBe(300_000_000);
    expect(sumNanoUsdRoundedUp(["0.0000000001", "0.0000000001"])).toBe(1);
    expect(sumNanoUsdRoundedUp([1, "x"])).toBeUndefined();
    expect(sumNanoUsdRoundedUp([8e6, 8e6])).toBeUndefined();
  });
});
