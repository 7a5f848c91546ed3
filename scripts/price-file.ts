/**
 * Reads `prices.json`, the collected prices with their sources, into the library's own form of a table.
 *
 * Left out of the table, since nothing is computed from it: where a price comes from and who agrees (`source`, `agree`,
 * `limitsSource`, `derived`, `corrected`, `disputed`, `note`), `deprecated` (such models are still billed),
 * `effectiveFrom` (when the present price began), and `scheduledNote` (text; what it says is in `BY_HAND`). Prefixes
 * are used as exact aliases where they are whole names; `ft:` names need none. A priority price of more than four times
 * the ordinary one is taken for a slip and left to the provider's factor.
 *
 * Whatever else stands in the file and is not known here is an error, so nothing is lost in silence.
 */
import { scaledInteger } from "../src/ledger/money.ts";
import { usdPerMillion } from "../src/pricing/decimal-prices.ts";
import type { KindPrices, PriceTable, ProviderPrices, TablePrice } from "../src/pricing/price-table.ts";
import { entriesOf } from "../src/pricing/read-price.ts";

/** The models that the library began with, and their prices: they may not move unnoticed. */
export const SEED_PRICES = [
  { provider: "openai", model: "gpt-4o", input: "2.5", output: "10" },
  { provider: "openai", model: "gpt-4o-mini", input: "0.15", output: "0.6" },
  { provider: "openai", model: "gpt-3.5-turbo", input: "0.5", output: "1.5" },
  { provider: "anthropic", model: "claude-sonnet-4-6", input: "3", output: "15" },
  { provider: "anthropic", model: "claude-haiku-4-5", input: "1", output: "5" },
  { provider: "anthropic", model: "claude-haiku-4-5-20251001", input: "1", output: "5" },
] as const;

/** @throws Error naming the row and the field that is not understood. */
export function readPriceFile(json: unknown): PriceTable {
  const file = new Map(entriesOf(json, "The file"));
  const rules = JSON.stringify(file.get("providerRules"));
  if (file.get("schema") !== 1 || rules !== JSON.stringify(PROVIDER_RULES)) {
    throw new Error(
      "The file's schema or its providerRules changed: read them, and change PROVIDER_TERMS with them.",
    );
  }
  const asOf = String(file.get("asOf"));
  const rows = file.get("models");
  if (!Array.isArray(rows)) throw new Error("The file has no list of models.");
  const providers: Record<string, ProviderPrices> = {};
  for (const row of rows) {
    const fields = new Map(entriesOf(row, "A row"));
    const provider = text(fields, "provider");
    const prices = providers[provider] ?? { ...PROVIDER_TERMS[provider], models: {} };
    prices.models[text(fields, "model")] = readRow(fields, { provider, asOf });
    providers[provider] = prices;
  }
  return { asOf, providers };
}

const RATE_FIELDS: Record<string, keyof KindPrices> = {
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
};
const TIERS = ["batch", "flex", "priority"] as const;
const READ_FIELDS = [
  ...Object.keys(RATE_FIELDS),
  ...TIERS,
  ...TIERS.map((tier) => `${tier}Multiplier`),
  "provider",
  "model",
  "aliases",
  "prefixes",
  "tiers",
  "scheduled",
  "offPeak",
  "ultrafastMultiplier",
  "requestsPer1k",
  "webSearchPer1k",
  "fileSearchPer1k",
  "contextTokens",
  "maxOutputTokens",
  "effectiveFrom",
];
const LEFT_OUT = [
  "source",
  "agree",
  "limitsSource",
  "derived",
  "corrected",
  "disputed",
  "note",
  "deprecated",
  "scheduledNote",
];
const MOST_PRIORITY_FACTOR = 4;

/** The rules as the file words them; {@link PROVIDER_TERMS} and {@link fastFactor} are what is made of them. */
const PROVIDER_RULES = {
  openai: {
    batchMultiplier: "0.5",
    flexMultiplier: "0.5",
    priorityMultiplier: "2 (gpt-6*, called Fast mode; older models: see per-model priority)",
    regionalUpliftMultiplier: "1.1",
  },
  anthropic: {
    batchMultiplier: "0.5",
    cacheWrite5mMultiplier: "1.25",
    cacheWrite1hMultiplier: "2",
    usOnlyInferenceMultiplier: "1.1 (Opus 4.6 and newer)",
    fastModeMultiplier: "2 (Opus 4.8+), 6 (Opus 4.6/4.7)",
    webSearchPer1k: "10",
  },
  google: {
    batchMultiplier: "0.5",
    flexMultiplier: "0.5",
    priorityMultiplier: "1.75-2",
    groundingPer1k: "35 (2.x) / 14 (3.x)",
  },
  bedrock: { regionalUpliftMultiplier: "1.1 for us./eu. profiles of Claude 4.5+; global. = base" },
  azure: { use: "openai prices; DataZone/Regional deployments 1.1x" },
};

/** OpenAI writes to its cache unasked. Anthropic sells its priority tier as capacity, not by the token. */
const PROVIDER_TERMS: Record<string, Omit<ProviderPrices, "models">> = {
  openai: { batch: "0.5", flex: "0.5", priority: "2", regional: "1.1", writesCacheUnasked: true },
  anthropic: { batch: "0.5", priority: "1", regional: "1.1" },
  google: { batch: "0.5", flex: "0.5", priority: "2" },
};

/** What the file says in words alone. */
const BY_HAND: Record<string, Partial<TablePrice>> = {
  "openai/gpt-6.2-sol": { scheduled: [{ from: "2027-03-01", fast: "6" }] },
};

/** Claude before 4.5 costs the same everywhere. */
const CLAUDE_BEFORE_REGIONS = /^claude-(3|opus-4-[01]$|sonnet-4-0$|4-opus$|4-sonnet$)/;

type Fields = ReadonlyMap<string, unknown>;

function readRow(fields: Fields, { provider, asOf }: { provider: string; asOf: string }): TablePrice {
  const model = text(fields, "model");
  const where = `${provider} ${model}`;
  const unknown = [...fields.keys()].find((name) => !READ_FIELDS.includes(name) && !LEFT_OUT.includes(name));
  if (unknown !== undefined) throw new Error(`${where}: nobody reads the field ${unknown}.`);
  if (fields.has("effectiveFrom") && text(fields, "effectiveFrom") > asOf) {
    throw new Error(`${where} is effective after the table's date: put it under scheduled.`);
  }
  if (fields.has("scheduledNote") && BY_HAND[`${provider}/${model}`] === undefined) {
    throw new Error(`${where} has a scheduledNote that nobody put into BY_HAND.`);
  }
  const prices = {
    input: text(fields, "input"),
    output: text(fields, "output"),
    ...kindPrices(fields, where),
  };
  const aliases = aliasesOf(fields, { provider, model });
  const tiers = listOf(fields, "tiers").map((tier) => readSizeTier(tier, prices, where));
  return {
    ...prices,
    ...longWritesOfClaude(prices, { provider, model }),
    ...(aliases.length > 0 && { aliases }),
    ...(tiers.length > 0 && {
      tiers: tiers.map((tier) => ({ ...tier, ...longWritesOfClaude(tier, { provider, model }) })),
    }),
    ...serviceTiers(fields, { provider, where }),
    ...regionOfClaude(provider, model),
    ...fastFactor(fields, { provider, model }),
    ...(fields.has("requestsPer1k") && { perCall: perThousand(text(fields, "requestsPer1k")) }),
    ...picked(fields, ["webSearchPer1k", "fileSearchPer1k", "contextTokens", "maxOutputTokens"]),
    ...scheduledChanges(fields, where),
    ...(fields.has("offPeak") && { offPeak: readOffPeak(fields.get("offPeak"), where) }),
    ...BY_HAND[`${provider}/${model}`],
  };
}

/**
 * Vertex asks a tenth more for Claude in a region, which Google's other models do not cost.
 *
 * @see https://docs.claude.com/en/api/claude-on-vertex-ai
 */
function regionOfClaude(provider: string, model: string): Pick<TablePrice, "regional"> {
  const isBefore = CLAUDE_BEFORE_REGIONS.test(model);
  if (provider === "anthropic" && isBefore) return { regional: "1" };
  return provider === "google" && model.startsWith("claude-") && !isBefore ? { regional: "1.1" } : {};
}

/** A size tier; a 1-hour write that it does not state keeps its proportion to the input. */
function readSizeTier(value: unknown, base: KindPrices, where: string) {
  const fields = new Map(entriesOf(value, `${where}, a tier`));
  const prices = {
    input: text(fields, "input"),
    output: text(fields, "output"),
    ...kindPrices(fields, where),
  };
  const missesLongWrite = base.cacheWrite1h !== undefined && prices.cacheWrite1h === undefined;
  return {
    aboveInputTokens: Number(fields.get("aboveInputTokens")),
    ...prices,
    ...(missesLongWrite && {
      cacheWrite1h: usdPerMillion((micro(base.cacheWrite1h) * micro(prices.input)) / micro(base.input)),
    }),
  };
}

/** Google's rows of Claude state 5-minute writes alone; an hour costs Anthropic's factor of 2 there, too. */
function longWritesOfClaude(
  prices: KindPrices,
  { provider, model }: { provider: string; model: string },
): KindPrices {
  if (provider !== "google" || !model.startsWith("claude-")) return {};
  return { cacheWrite1h: usdPerMillion(micro(prices.input) * 2) };
}

function serviceTiers(fields: Fields, { provider, where }: { provider: string; where: string }) {
  const own = TIERS.flatMap((tier) => {
    const factor = fields.get(`${tier}Multiplier`);
    if (factor !== undefined)
      return factor === PROVIDER_TERMS[provider]?.[tier] ? [] : [[tier, factor] as const];
    if (!fields.has(tier)) return [];
    const prices = kindPrices(new Map(entriesOf(fields.get(tier), where)), where);
    const isSlip = micro(prices.input) > MOST_PRIORITY_FACTOR * micro(text(fields, "input"));
    return isSlip ? [] : [[tier, prices] as const];
  });
  return Object.fromEntries(own);
}

function fastFactor(
  fields: Fields,
  { provider, model }: { provider: string; model: string },
): Partial<TablePrice> {
  if (fields.has("ultrafastMultiplier")) return { fast: text(fields, "ultrafastMultiplier") };
  if (provider !== "anthropic") return {};
  if (/^claude-opus-4-[67]$/.test(model)) return { fast: "6" };
  return /^claude-opus-(4-8|5)/.test(model) ? { fast: "2" } : {};
}

function scheduledChanges(fields: Fields, where: string): Partial<TablePrice> {
  const changes = listOf(fields, "scheduled").map((value) => {
    const change = new Map(entriesOf(value, `${where}, scheduled`));
    return { from: text(change, "from"), ...kindPrices(change, where) };
  });
  return changes.length === 0 ? {} : { scheduled: changes };
}

function readOffPeak(value: unknown, where: string) {
  const fields = new Map(entriesOf(value, `${where}, offPeak`));
  if (!text(fields, "peakDays").startsWith("Mon-Fri"))
    throw new Error(`${where}: peak days other than Mon-Fri.`);
  return { peakUtc: listOf(fields, "peakUtc").map(String), ...kindPrices(fields, where) };
}

function aliasesOf(fields: Fields, { provider, model }: { provider: string; model: string }): string[] {
  const wholeNames = listOf(fields, "prefixes").filter(
    (prefix) => !/^ft:|[@:/]|-$|-20\d*$/.test(String(prefix)),
  );
  const seeds = SEED_PRICES.filter(
    (seed) => seed.provider === provider && seed.model.startsWith(`${model}-2`),
  );
  const names = [...listOf(fields, "aliases"), ...wholeNames, ...seeds.map((seed) => seed.model)].map(String);
  const lower = names.map((name) => name.toLowerCase());
  return names.filter(
    (name, at) => lower.indexOf(name.toLowerCase()) === at && name.toLowerCase() !== model.toLowerCase(),
  );
}

function kindPrices(fields: Fields, where: string): KindPrices {
  const stated = Object.entries(RATE_FIELDS).filter(([field]) => fields.has(field));
  return Object.fromEntries(stated.map(([field, kind]) => [kind, text(fields, field, where)]));
}

function picked(fields: Fields, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => fields.has(name)).map((name) => [name, fields.get(name)]));
}

function perThousand(usd: string): string {
  return usdPerMillion(micro(usd) / 1000);
}

function micro(usd: unknown): number {
  const scaled = scaledInteger(usd, 6, "up");
  if (scaled === undefined) throw new Error(`${String(usd)} is not a price.`);
  return scaled;
}

function listOf(fields: Fields, name: string): unknown[] {
  const value = fields.get(name) ?? [];
  if (Array.isArray(value)) return value;
  throw new Error(`${name} is not a list.`);
}

function text(fields: Fields, name: string, where = ""): string {
  const value = fields.get(name);
  if (typeof value === "string") return value;
  throw new Error(`${where} ${name} is not text.`);
}
