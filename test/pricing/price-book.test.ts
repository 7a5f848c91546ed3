import { describe, expect, it } from "vitest";
import { InvalidOptionsError, InvalidUsageError, UnknownModelError } from "../../src/errors.ts";
import { costNanoUsd } from "../../src/pricing/cost.ts";
import { createPriceBook, type PriceBookOptions } from "../../src/pricing/price-book.ts";
import type { PriceTable } from "../../src/pricing/price-table.ts";
import type { Pricing } from "../../src/pricing/usage.ts";

const MILLION_EACH = { inputTokens: 1e6, outputTokens: 1e6 };
const usd = (options: PriceBookOptions, provider: string, model: string) =>
  costNanoUsd(createPriceBook(options).find(provider, model), MILLION_EACH) / 1e9;

/** Options that no type allows. */
function untyped(options: Record<string, unknown>): PriceBookOptions {
  return options;
}

describe("custom prices are USD per million tokens, and stand before the table's", () => {
  const customPricing: Pricing = {
    OpenAI: { "My-FT": { input: "3", output: 12 }, "gpt-4o": { input: "2", output: "8" } },
    serper: { search: { perCall: "0.01" } },
    ollama: { llama: { input: 0, output: 0 } },
  };

  it("by provider and model, letter case aside", () => {
    expect(usd({ customPricing }, "openai", "my-ft")).toBe(15);
    expect(usd({ customPricing }, "ollama", "llama")).toBe(0);
  });

  it("for every name of a model at the table's own price, but not for a snapshot with another price", () => {
    expect(usd({ customPricing }, "openai", "gpt-4o")).toBe(10);
    expect(usd({ customPricing }, "openai", "gpt-4o-2024-08-06")).toBe(10);
    expect(usd({ customPricing }, "openai", "gpt-4o-2024-05-13")).toBe(20);
  });

  it("for that provider's bill alone, in any spelling of its name", () => {
    expect(usd({ customPricing }, "azure", "gpt-4o-2024-08-06")).toBe(12.5);
    const vertex: Pricing = { vertex: { "gemini-2.5-pro": { input: "7", output: "7" } } };
    expect(usd({ customPricing: vertex }, "google", "gemini-2.5-pro")).toBe(14);
    const anthropic: Pricing = { anthropic: { "claude-opus-4-8": { input: "1", output: "1" } } };
    expect(usd({ customPricing: anthropic }, "bedrock", "global.anthropic.claude-opus-4-8")).toBe(30);
    expect(usd({ customPricing: anthropic }, "anthropic", "global.anthropic.claude-opus-4-8")).toBe(2);
  });

  it("for an Azure deployment under its own name", () => {
    const own: Pricing = { azure: { "gpt-4o": { input: "5", output: "15" } } };
    expect(usd({ customPricing: own }, "azure", "gpt-4o")).toBe(20);
  });

  it("and for a dated name of a model that the table does not know", () => {
    expect(usd({ customPricing }, "openai", "my-ft-2026-01-31")).toBe(15);
  });

  it("on every service tier alike", () => {
    const price = createPriceBook({ customPricing }).find("openai", "my-ft");
    for (const serviceTier of ["batch", "flex", "priority"] as const) {
      expect(costNanoUsd(price, { ...MILLION_EACH, serviceTier }, { fast: true, regional: true })).toBe(15e9);
    }
  });

  it("per call alone", () => {
    const price = createPriceBook({ customPricing }).find("serper", "search");
    expect(price.perCallOnly).toBe(true);
    expect(costNanoUsd(price, {})).toBe(10_000_000);
  });

  it("with more than six decimals rounded up", () => {
    const fine: Pricing = { acme: { a: { input: "0.1500001", output: "0.6000000000001" } } };
    const { rates } =
      createPriceBook({ customPricing: fine }).find("acme", "a").serviceTiers.standard.steps[0] ?? {};
    expect(rates).toMatchObject({ input: 150_001, output: 600_001 });
  });

  it("bound the cache writes of providers that write unasked, or may", () => {
    const price = { input: "4", output: "20", cacheWrite: "5" };
    const written: Pricing = {
      openai: { m: price },
      azure: { m: price },
      anthropic: { m: price },
      acme: { m: price },
    };
    const book = createPriceBook({ customPricing: written });
    const asks = ["openai", "azure", "anthropic", "acme"].map(
      (name) => book.find(name, "m").writesCacheUnasked,
    );
    expect(asks).toEqual([true, true, false, true]);
  });

  it("have a limit on output only where they say so", () => {
    const limited: Pricing = {
      acme: { a: { input: 1, output: 1, maxOutputTokens: 99 }, b: { input: 1, output: 1 } },
    };
    const book = createPriceBook({ customPricing: limited });
    expect(book.find("acme", "a").maxOutputTokens).toBe(99);
    expect(book.find("acme", "b").maxOutputTokens).toBeUndefined();
  });

  it("may bear any name", () => {
    const odd: Pricing = JSON.parse('{"__proto__":{"__proto__":{"input":"1","output":"2"}}}');
    expect(usd({ customPricing: odd }, "__proto__", "__proto__")).toBe(3);
  });
});

describe("a price that makes no sense is refused when it is given", () => {
  it.each<[string, unknown, RegExp]>([
    ["NaN", { input: Number.NaN, output: 1 }, /acme "m", input: NaN is not a price/],
    ["negative", { input: 1, output: -1 }, /acme "m", output: -1/],
    ["infinite", { input: 1, output: Number.POSITIVE_INFINITY }, /output: Infinity/],
    ["no number", { input: "$3", output: 1 }, /input: "\$3"/],
    ["null", { input: null, output: 1 }, /input: null/],
    ["per token", { input: 0.0000025, output: 1 }, /below 0\.0001.*USD per million tokens.*not per token/],
    ["per token, as text", { input: "2.5", output: "0.00001" }, /output: "0\.00001" is below 0\.0001/],
    ["per token, tiny", { input: "0.0000000001", output: 1 }, /below 0\.0001/],
    ["an unknown kind", { input: 1, output: 1, cacheRead: 1 }, /there is no "cacheRead".*cachedInput/],
    ["no output", { input: 1 }, /no output price/],
    ["no input", { output: 1, perCall: 1 }, /no input price/],
    ["no price", {}, /states no price/],
    ["only a limit", { maxOutputTokens: 5 }, /states no price/],
    ["a negative fee", { perCall: "-0.01" }, /perCall: "-0\.01".*USD per call/],
    ["a fractional limit", { input: 1, output: 1, maxOutputTokens: 1.5 }, /maxOutputTokens: 1\.5/],
    ["a number in place of a price", 3, /has to be an object; it is 3/],
  ])("%s", (_what, price, message) => {
    const make = () => createPriceBook(untyped({ customPricing: { acme: { m: price } } }));
    expect(make).toThrow(InvalidOptionsError);
    expect(make).toThrow(message);
  });

  it("and so are names without letters, twice, or too long", () => {
    const price = { input: 1, output: 1 };
    const make = (customPricing: unknown) => () => createPriceBook(untyped({ customPricing }));
    expect(make({ " ": { m: price } })).toThrow(InvalidOptionsError);
    expect(make({ acme: { "": price } })).toThrow(InvalidOptionsError);
    expect(make({ acme: { m: price, M: price } })).toThrow(/twice/);
    expect(make({ acme: { [`m${"x".repeat(200)}`]: price } })).toThrow(/1 to 200 characters/);
    expect(make([])).toThrow(/customPricing has to be an object/);
    expect(make({ acme: null })).toThrow(/customPricing: acme has to be an object/);
  });

  it("0 is a price, and so is 0.0001", () => {
    expect(usd({ customPricing: { acme: { m: { input: 0, output: "0.0001" } } } }, "acme", "m")).toBe(0.0001);
  });
});

describe("models maps a deployment or an alias to a priced model", () => {
  it("for every provider, or for one", () => {
    const models = { fast: "openai/gpt-4o-mini", "acme/fast": "anthropic/claude-haiku-4-5", mine: "gpt-4o" };
    const book = createPriceBook({ models });
    expect(book.find("anything", "Fast").model).toBe("gpt-4o-mini");
    expect(book.find("acme", "fast").model).toBe("claude-haiku-4-5");
    expect(book.find("openai", "mine").model).toBe("gpt-4o");
  });

  it("before any price of that name, and to custom prices too", () => {
    const options = {
      models: { "gpt-4o": "openai/gpt-4o-mini", mine: "acme/m" },
      customPricing: { acme: { m: { input: 1, output: 1 } } },
    };
    expect(usd(options, "openai", "gpt-4o")).toBe(0.75);
    expect(usd(options, "openai", "mine")).toBe(2);
  });

  it("to the price of the provider that the target names, where the call's own has none", () => {
    const customPricing: Pricing = { openai: { "gpt-4o": { input: "1", output: "1" } } };
    const models = { prod: "openai/gpt-4o", "azure-openai/plain": "gpt-4o", oss: "openai/gpt-oss-20b" };
    expect(usd({ models, customPricing }, "azure", "prod")).toBe(2);
    expect(usd({ models, customPricing }, "azure", "plain")).toBe(12.5);
    expect(usd({ models, customPricing }, "groq", "oss")).toBe(0.375);
    expect(createPriceBook({ models }).find("azure", "prod").provider).toBe("azure");
  });

  it("once: a target is no key", () => {
    const book = createPriceBook({ models: { a: "b", b: "openai/gpt-4o" } });
    expect(() => book.find("openai", "a")).toThrow(/"a" of "openai", which models maps to "b"/);
  });

  it("and refuses what is no name", () => {
    expect(() => createPriceBook(untyped({ models: { a: 1 } }))).toThrow(InvalidOptionsError);
    expect(() => createPriceBook({ models: { a: " " } })).toThrow(InvalidOptionsError);
    expect(() => createPriceBook({ models: { "": "gpt-4o" } })).toThrow(InvalidOptionsError);
  });
});

describe("a model without a price", () => {
  it("is an error, unless unknownModel gives it one", () => {
    expect(() => createPriceBook().find("acme", "m")).toThrow(UnknownModelError);
    expect(() => createPriceBook({ unknownModel: "reject" }).find("acme", "m")).toThrow(UnknownModelError);
    const book = createPriceBook({ unknownModel: { input: "15", output: "75", maxOutputTokens: 1000 } });
    expect(book.find("acme", "M-1")).toMatchObject({
      provider: "acme",
      model: "m-1",
      source: "unknownModel",
      maxOutputTokens: 1000,
    });
    expect(costNanoUsd(book.find("acme", "m"), MILLION_EACH)).toBe(90e9);
    expect(book.find("openai", "gpt-4o").source).toBe("table");
  });

  it("is an error all the same when its name is too long", () => {
    const book = createPriceBook({ unknownModel: { input: 1, output: 1 } });
    expect(() => book.find("acme", "m".repeat(201))).toThrow(UnknownModelError);
  });

  it("and a price for it is checked like any other", () => {
    expect(() => createPriceBook({ unknownModel: { input: 1 } })).toThrow(/unknownModel has no output price/);
    expect(() => createPriceBook(untyped({ unknownModel: "allow" }))).toThrow(/"reject" or a price/);
    expect(() => createPriceBook(untyped({ unknownModel: null }))).toThrow(InvalidOptionsError);
  });

  it.each([undefined, "", "  ", 7, null])("is something else than no name: %j", (name) => {
    const find: (...names: never[]) => unknown = createPriceBook().find;
    expect(() => Reflect.apply(find, undefined, ["openai", name])).toThrow(InvalidUsageError);
    expect(() => Reflect.apply(find, undefined, [name, "gpt-4o"])).toThrow(InvalidUsageError);
  });
});

describe("a whole table takes the built-in one's place", () => {
  const prices: PriceTable = {
    asOf: "2027-01-01",
    providers: {
      acme: {
        batch: "0.25",
        writesCacheUnasked: true,
        models: {
          "Acme-1": { input: "1", output: "2", cacheWrite: "1.5", aliases: ["one"], contextTokens: 1000 },
          "acme-2": { input: "1", output: "2", maxOutputTokens: 500, perCall: "0.5", webSearchPer1k: "5" },
        },
      },
      other: { models: { o: { input: "1", output: "2" } } },
    },
  };

  it("with its names, terms and limits; what is not known is the largest that is", () => {
    const book = createPriceBook({ prices });
    expect(book.pricesAsOf).toBe("2027-01-01");
    expect(book.find("acme", "one")).toMatchObject({
      model: "Acme-1",
      contextTokens: 1000,
      maxOutputTokens: 500,
      assumed: ["maxOutputTokens"],
      writesCacheUnasked: true,
      fees: { perCall: 0, webSearch: 5e9, fileSearch: undefined },
    });
    expect(book.find("acme", "acme-2").serviceTiers.batch.perMille).toBe(250);
    expect(book.find("other", "o")).toMatchObject({ contextTokens: 1000, maxOutputTokens: 500 });
    expect(() => book.find("openai", "gpt-4o")).toThrow(/prices of 2027-01-01.*acme, other/);
  });

  it.each<[string, (table: PriceTable) => void, RegExp]>([
    ["a day that is none", (table) => Object.assign(table, { asOf: "2026-02-30" }), /asOf: "2026-02-30"/],
    [
      "no providers",
      (table) => Object.assign(table, { providers: undefined }),
      /providers has to be an object/,
    ],
    [
      "an unknown field",
      (table) => Object.assign(model(table), { cached: 1 }),
      /"Acme-1": there is no "cached"/,
    ],
    [
      "a price per token",
      (table) => Object.assign(model(table), { input: 1e-6 }),
      /"Acme-1", input: 0\.000001 is below/,
    ],
    [
      "a tier without output",
      (table) => Object.assign(model(table), { tiers: [{ aboveInputTokens: 1, input: 1 }] }),
      /tiers has no output/,
    ],
    [
      "a tier without a size",
      (table) => Object.assign(model(table), { tiers: [{ input: 1, output: 1 }] }),
      /aboveInputTokens/,
    ],
    [
      "a factor that is none",
      (table) => Object.assign(model(table), { batch: "half" }),
      /batch: "half" is not a factor/,
    ],
    [
      "an alias that is taken",
      (table) => Object.assign(model(table), { aliases: ["ACME-2"] }),
      /two prices bear the name/,
    ],
    [
      "an hour that is none",
      (table) => Object.assign(model(table), { offPeak: { input: 1, peakUtc: ["25:00-26:00"] } }),
      /"25:00-26:00"/,
    ],
    [
      "a change on no day",
      (table) => Object.assign(model(table), { scheduled: [{ input: 1 }] }),
      /scheduled, from/,
    ],
    [
      "aliases that are no list",
      (table) => Object.assign(model(table), { aliases: "one" }),
      /aliases has to be a list/,
    ],
  ])("and refuses %s", (_what, spoil, message) => {
    const table = structuredClone(prices);
    spoil(table);
    expect(() => createPriceBook({ prices: table })).toThrow(InvalidOptionsError);
    expect(() => createPriceBook({ prices: table })).toThrow(message);
  });

  function model(table: PriceTable) {
    return table.providers.acme?.models["Acme-1"] ?? {};
  }
});

describe("prices follow the clock", () => {
  const at = (day: string) => ({ now: () => Date.parse(day) });

  it("an announced change begins on its day, and no later though the book was used before", () => {
    let now = Date.parse("2026-12-31T23:59:59.999Z");
    const book = createPriceBook({ now: () => now });
    const cost = () => costNanoUsd(book.find("google", "gemini-3.7-flash"), MILLION_EACH) / 1e9;
    expect(cost()).toBe(4.5);
    now += 1;
    expect(cost()).toBe(9);
  });

  it("a changed factor too", () => {
    expect(createPriceBook(at("2027-02-28")).find("openai", "gpt-6.2-sol").fastPerMille).toBe(3000);
    expect(createPriceBook(at("2027-03-01")).find("openai", "gpt-6.2-sol").fastPerMille).toBe(6000);
  });

  it.each([
    ["Monday, before the peak", "2026-11-23T00:59:59Z", 1.8 / 2.4],
    ["Monday, in the peak", "2026-11-23T01:00:00Z", 1.5],
    ["Friday, between the peaks", "2026-11-27T05:00:00Z", 0.75],
    ["Friday, at the end of a peak", "2026-11-27T10:00:00Z", 0.75],
    ["Saturday", "2026-11-28T02:00:00Z", 0.75],
  ])("%s: a provider's peak hours cost their price", (_what, time, usdEach) => {
    expect(usd(at(time), "deepseek", "deepseek-flash")).toBe(usdEach);
  });

  it("a book keeps a price no longer than its hour", () => {
    let now = Date.parse("2026-11-23T03:59:59Z");
    const book = createPriceBook({ now: () => now });
    const first = book.find("deepseek", "deepseek-flash");
    expect(book.find("deepseek", "deepseek-flash")).toBe(first);
    now += 1000;
    expect(book.find("deepseek", "deepseek-flash")).not.toBe(first);
    expect(costNanoUsd(book.find("deepseek", "deepseek-flash"), MILLION_EACH)).toBe(750_000_000);
  });
});

describe("a price is looked up once", () => {
  it("and two names are never taken for each other", () => {
    const customPricing = { a: { "b\nc": { input: 1, output: 1 } }, "a\nb": { c: { input: 2, output: 2 } } };
    const book = createPriceBook({ customPricing });
    expect(book.find("a", "b\nc")).toBe(book.find("a", "b\nc"));
    expect(costNanoUsd(book.find("a", "b\nc"), MILLION_EACH)).toBe(2e9);
    expect(costNanoUsd(book.find("a\nb", "c"), MILLION_EACH)).toBe(4e9);
  });

  it("and forgotten before a flood of names fills the memory", () => {
    const book = createPriceBook({ unknownModel: { input: 1, output: 1 } });
    const first = book.find("acme", "m");
    expect(book.find("acme", "m")).toBe(first);
    for (let at = 0; at < 1000; at += 1) book.find("acme", `m${at}`);
    expect(book.find("acme", "m")).not.toBe(first);
  });
});
