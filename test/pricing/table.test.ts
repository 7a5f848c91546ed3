import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readPriceFile, SEED_PRICES } from "../../scripts/price-file.ts";
import { tableModule } from "../../scripts/prices.ts";
import { builtInIndex, builtInPrices } from "../../src/pricing/built-in-prices.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { PriceRow } from "../../src/pricing/price-row.ts";
import { completeRates, RATE_KINDS } from "../../src/pricing/rates.ts";
import { readPriceTable } from "../../src/pricing/read-price-table.ts";
import { PRICES } from "../../src/pricing/table.ts";
import { decodeRow, encodeRow } from "../../src/pricing/table-text.ts";

const COLLECTED = process.env.PRICES_JSON ?? new URL("../../scripts/prices.json", import.meta.url);
const TABLE = new URL("../../src/pricing/table.ts", import.meta.url);
const rows = [...builtInIndex().providers].flatMap(([provider, index]) =>
  index.rows().map((row) => ({ provider, row, name: `${provider} ${row.model}` })),
);

interface CollectedTier {
  input: string;
  output?: string;
  cachedInput?: string;
}
interface CollectedRow extends CollectedTier {
  provider: string;
  model: string;
  output: string;
  aliases?: string[];
  contextTokens?: number;
  maxOutputTokens?: number;
  batch?: CollectedTier;
  flex?: CollectedTier;
  priority?: CollectedTier;
  batchMultiplier?: string;
  flexMultiplier?: string;
  priorityMultiplier?: string;
  tiers?: (CollectedTier & { aboveInputTokens: number })[];
  requestsPer1k?: string;
  [field: string]: unknown;
}
const collected: { asOf: string; models: CollectedRow[] } = JSON.parse(await readFile(COLLECTED, "utf8"));
const RATE_FIELDS = {
  input: "input",
  output: "output",
  cachedInput: "cachedInput",
  cacheWrite5m: "cacheWrite",
  cacheWrite1h: "cacheWrite1h",
  audioInput: "audioInput",
  audioCachedInput: "audioCachedInput",
  audioOutput: "audioOutput",
  imageInput: "imageInput",
  imageOutput: "imageOutput",
  reasoningOutput: "reasoningOutput",
} as const;
const pico = (usdPerMillion: unknown) => Math.round(Number(usdPerMillion) * 1e6);

describe("the built-in table is what the script makes of the collected prices", () => {
  it("to the character", async () => {
    const made = tableModule(readPriceTable(readPriceFile(collected)));
    expect(made).toBe(await readFile(TABLE, "utf8"));
  });

  it("with every row, its date, and every price in whole pico-USD", () => {
    expect(builtInIndex().asOf).toBe(collected.asOf);
    expect(rows).toHaveLength(collected.models.length);
    for (const source of collected.models) {
      const row = builtInIndex().providers.get(source.provider)?.find(source.model.toLowerCase());
      expect(row?.model).toBe(source.model);
      for (const [field, kind] of Object.entries(RATE_FIELDS)) {
        if (source[field] !== undefined) {
          expect(row?.rates[kind], `${source.model} ${field}`).toBe(pico(source[field]));
        }
      }
      expect(row?.contextTokens).toBe(source.contextTokens);
      expect(row?.maxOutputTokens).toBe(source.maxOutputTokens);
    }
  });

  it("with every alias, size tier, service tier and fee as the price of a call", () => {
    const book = createPriceBook({ now: () => Date.parse(collected.asOf) });
    for (const source of collected.models) {
      const { provider, model } = source;
      const price = book.find(provider, model);
      const standard = price.serviceTiers.standard.steps;
      for (const alias of source.aliases ?? []) {
        expect(book.find(provider, alias).model, `${provider} ${alias}`).toBe(model);
      }
      for (const tier of source.tiers ?? []) {
        const step = standard.find((each) => each.fromInputTokens === tier.aboveInputTokens + 1);
        expect(step?.rates, model).toMatchObject({ input: pico(tier.input), output: pico(tier.output) });
        if (tier.cachedInput !== undefined) expect(step?.rates.cachedInput).toBe(pico(tier.cachedInput));
      }
      for (const name of ["batch", "flex", "priority"] as const) {
        const own = source[name];
        const isSlip = own !== undefined && pico(own.input) > 4 * pico(source.input);
        const { perMille, steps } = price.serviceTiers[name];
        if (own !== undefined && !isSlip) {
          expect(steps[0]?.rates, `${model} ${name}`).toMatchObject({
            input: pico(own.input),
            output: pico(own.output ?? source.output),
          });
        }
        const factor = source[`${name}Multiplier`];
        if (factor !== undefined) expect(perMille, `${model} ${name}`).toBe(Number(factor) * 1000);
      }
      expect(price.fees.perCall).toBe(Number(source.requestsPer1k ?? 0) * 1e9);
      if (source.webSearchPer1k) expect(price.fees.webSearch).toBe(Number(source.webSearchPer1k) * 1e9);
      if (source.fileSearchPer1k) expect(price.fees.fileSearch).toBe(Number(source.fileSearchPer1k) * 1e9);
    }
  });

  it("and the script refuses a field that nobody reads", () => {
    const [first, ...others] = collected.models;
    const strange = { ...collected, models: [{ ...first, perImage: "0.04" }, ...others] };
    expect(() => readPriceFile(strange)).toThrow(/perImage/);
  });
});

describe("the built-in table keeps its promises", () => {
  it("holds the six seed models at their prices", () => {
    const book = createPriceBook();
    for (const { provider, model, input, output } of SEED_PRICES) {
      expect(book.find(provider, model).serviceTiers.standard.steps[0]?.rates).toMatchObject({
        input: pico(input),
        output: pico(output),
      });
    }
  });

  it.each(rows)(
    "$name: prices are whole, caches cheaper than input, larger sizes never cheaper",
    ({ row }) => {
      for (const kind of RATE_KINDS) {
        const rate = row.rates[kind];
        if (rate !== undefined) expect(Number.isSafeInteger(rate) && rate >= 0).toBe(true);
      }
      const rates = completeRates(row.rates);
      expect(rates.cachedInput).toBeLessThanOrEqual(rates.input);
      for (const tier of row.sizeTiers) {
        for (const kind of RATE_KINDS) {
          const rate = tier.rates[kind];
          if (rate !== undefined) expect(rate).toBeGreaterThanOrEqual(rates[kind]);
        }
      }
    },
  );

  it("knows a context window and an output limit for every model, and which of them are assumed", () => {
    const book = createPriceBook();
    for (const { provider, row } of rows) {
      const price = book.find(provider, row.model);
      expect(price.contextTokens).toBeGreaterThan(0);
      expect(price.maxOutputTokens).toBeGreaterThan(0);
      expect(price.assumed.includes("contextTokens")).toBe(row.contextTokens === undefined);
      expect(price.assumed.includes("maxOutputTokens")).toBe(row.maxOutputTokens === undefined);
    }
    expect(book.find("openai", "gpt-6.2-sol")).toMatchObject({
      contextTokens: 1_050_000,
      maxOutputTokens: 272_000,
    });
  });

  it("reads every line back to the same text, and the written-out table back to the same rows", () => {
    const lines = PRICES.split("\n").filter((line) => !line.startsWith("#"));
    expect(lines.map((line) => encodeRow(decodeRow(line)))).toEqual(lines);

    const again = readPriceTable(JSON.parse(JSON.stringify(builtInPrices())));
    const plain = (row: PriceRow) => ({ ...row, rates: { ...row.rates } });
    for (const [provider, { terms, rows: rowsOf }] of builtInIndex().providers) {
      expect(again.providers.get(provider)?.rows().map(plain)).toEqual(rowsOf().map(plain));
      expect(again.providers.get(provider)?.terms).toEqual(terms);
    }
  });

  it("weighs at most 7 kB gzipped", async () => {
    expect(gzipSync(await readFile(TABLE), { level: 9 }).length).toBeLessThanOrEqual(7 * 1024);
  });
});
