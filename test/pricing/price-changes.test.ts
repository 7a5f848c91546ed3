import { describe, expect, it } from "vitest";
import { suspiciousChanges } from "../../scripts/price-changes.ts";
import { builtInPrices } from "../../src/pricing/built-in-prices.ts";
import type { PriceTable } from "../../src/pricing/price-table.ts";
import { readPriceTable } from "../../src/pricing/read-price-table.ts";

const before = readPriceTable(builtInPrices());

function changesAfter(change: (table: PriceTable) => void): string[] {
  const table = builtInPrices();
  change(table);
  return suspiciousChanges(before, readPriceTable(table));
}

function price(table: PriceTable, provider: string, model: string) {
  const found = table.providers[provider]?.models[model];
  if (found === undefined) throw new Error(`${provider} ${model} is not in the table`);
  return found;
}

describe("a new table is not written unnoticed when", () => {
  it("a model or another name of it vanished", () => {
    expect(
      changesAfter((table) => {
        delete table.providers.mistral?.models["mistral-nemo"];
        price(table, "xai", "grok-4.7").aliases = [];
      }),
    ).toEqual([
      "mistral mistral-nemo vanished.",
      "mistral open-mistral-nemo vanished.",
      "xai grok-4.7-latest vanished.",
    ]);
  });

  it("a price more than doubled, or fell below half", () => {
    expect(
      changesAfter((table) => {
        price(table, "openai", "o3").input = "4.01";
        price(table, "openai", "o1").cachedInput = "3.7";
        price(table, "openai", "gpt-4").output = "120";
        price(table, "openai", "gpt-5-mini").priority = { input: "0.45", output: "8" };
        price(table, "perplexity", "sonar").perCall = "0.1";
      }),
    ).toEqual([
      "openai gpt-5-mini: priority output, size 0 went from 3600000 to 8000000 pico-USD.",
      "openai o1: cachedInput went from 7500000 to 3700000 pico-USD.",
      "openai o3: input went from 2000000 to 4010000 pico-USD.",
      "openai o3: standard input, size 0 went from 2000000 to 4010000 pico-USD.",
      "openai o3: batch input, size 0 went from 1000000 to 2005000 pico-USD.",
      "perplexity sonar: perCall went from 12000000000 to 100000000000 pico-USD.",
    ]);
  });

  it("one of the seed models moved, however little", () => {
    expect(
      changesAfter((table) => {
        price(table, "openai", "gpt-4o").output = "10.01";
      }),
    ).toEqual(["openai gpt-4o is no longer 2.5/10."]);
  });
});

describe("a new table is written", () => {
  it("when prices moved by less, or came to be", () => {
    expect(
      changesAfter((table) => {
        price(table, "openai", "o3").input = "3.9";
        table.providers.acme = { models: { "acme-1": { input: "1", output: "2" } } };
      }),
    ).toEqual([]);
  });
});
