/** Compares what was settled for an answer with what its record expects. */
import { costNanoUsd } from "../../src/pricing/cost.ts";
import type { PriceBook } from "../../src/pricing/price-book.ts";
import type { PricedUsage, Tokens } from "../../src/pricing/usage.ts";
import { isObject, type JsonObject, parseObject } from "../../src/providers/json.ts";

export type Outcome =
  | { kind: "reported"; actual: PricedUsage }
  | { kind: "estimated" }
  | { kind: "released" };

/** A record, its `expected` and its body. */
export interface RecordedAnswer {
  readonly record: JsonObject;
  readonly expected: JsonObject;
  readonly body: string;
  readonly status: number;
}

/** @returns what is wrong, or undefined. */
export function compareUsage(
  outcome: Outcome,
  recorded: RecordedAnswer,
  prices: PriceBook,
): string | undefined {
  const wanted = wantedKind(recorded);
  if (outcome.kind !== wanted) return `${outcome.kind}, not ${wanted}`;
  if (outcome.kind !== "reported") return undefined;
  const { actual } = outcome;
  return (
    compareCost(actual, recorded, prices) ??
    compareTotal(actual, recorded) ??
    compareTier(actual, recorded) ??
    compareKinds(actual, recorded)
  );
}

function wantedKind({ record, expected, body, status }: RecordedAnswer): Outcome["kind"] {
  if (status >= 400) {
    // A model that failed while it ran may have been billed, and what is no JSON is nobody's error.
    const mayHaveRun = isTimeout(status) || (record.api === "bedrock-converse" && status === 424);
    return mayHaveRun || !isJson(body) ? "estimated" : "released";
  }
  return expected.usageMissing === true || expected.usagePartial === true ? "estimated" : "reported";
}

function isTimeout(status: number): boolean {
  return status === 408 || status === 504 || (status >= 520 && status <= 527);
}

function compareCost(
  { nanoUsd, provider, model, tokenKinds }: PricedUsage,
  { expected, body }: RecordedAnswer,
  prices: PriceBook,
): string | undefined {
  const { providerCostUsd: stated, webSearchRequests: webSearches } = expected;
  // Booked amounts are rounded up; stated ones come as fractions of a dollar that no double has exactly.
  if (typeof stated === "number") {
    const sums = [stated, stated + vendorsBillIn(body)];
    const isSum = sums.some((sum) => Math.abs(nanoUsd - sum * 1e9) <= 1);
    return isSum ? undefined : `${nanoUsd} nano-USD, not ${stated * 1e9}`;
  }
  if (typeof webSearches !== "number" || provider === undefined || model === undefined) return undefined;
  const least = costNanoUsd(prices.find(provider, model), tokenKinds ?? {}, { webSearches });
  return nanoUsd < least ? `${nanoUsd} nano-USD, not ${least} with ${webSearches} web searches` : undefined;
}

/** With a key of the caller's own, OpenRouter's `cost` is its fee, and a record may leave the vendor's bill out. */
function vendorsBillIn(body: string): number {
  const bills = [...body.matchAll(/"upstream_inference_cost"\s*:\s*([\d.eE+-]+)/g)];
  return /"is_byok"\s*:\s*true/.test(body) ? Number(bills.at(-1)?.[1] ?? 0) : 0;
}

function compareTotal({ tokens, ...actual }: PricedUsage, recorded: RecordedAnswer): string | undefined {
  const perModel = modelsOf(recorded);
  const models = perModel.size === 0 ? [countedIn(actual, recorded)] : [...perModel.values()].map(exclusive);
  const total = models.reduce((sum, model) => sum + totalOf(model), 0);
  const isTotal = tokens === total || tokens === total + toolTokensIn(recorded.body);
  return isTotal ? undefined : `${tokens} tokens in all, not ${total}`;
}

function compareTier({ tokenKinds }: PricedUsage, { record, expected }: RecordedAnswer): string | undefined {
  const tier = pricedTier(expected.serviceTier);
  // Anthropic's priority is capacity bought beforehand, without a price of its own.
  if (tier === undefined || (tier === "priority" && record.api === "anthropic-messages")) return undefined;
  const { serviceTier } = tokenKinds ?? {};
  return serviceTier === tier ? undefined : `service tier is ${serviceTier}, not ${tier}`;
}

function compareKinds(actual: PricedUsage, recorded: RecordedAnswer): string | undefined {
  // Groq tells the models of its compound systems apart, whose kinds the record has together.
  if (recorded.body.includes('"usage_breakdown"')) return undefined;
  const counted = countedIn(actual, recorded);
  const settled = asRecorded(actual.tokenKinds ?? {});
  const kinds = COUNTED_KINDS.filter((kind) => kind !== "reasoningTokens" || modelsOf(recorded).size === 0);
  const wrong = kinds.find((kind) => (settled[kind] ?? 0) !== (counted[kind] ?? 0));
  return wrong && `${wrong} is ${settled[wrong] ?? 0}, not ${counted[wrong] ?? 0}`;
}

/** What is to be counted for the model that answered, as far as the record tells models apart. */
function countedIn({ model, tokenKinds }: PricedUsageKinds, recorded: RecordedAnswer): Tokens {
  const perModel = modelsOf(recorded);
  const own = perModel.get(String(model)) ?? perModel.get(String(recorded.record.model));
  return exclusive(own ?? withRest(recorded), tokenKinds?.audioCachedInputTokens);
}

type PricedUsageKinds = Pick<PricedUsage, "model" | "tokenKinds">;

function modelsOf({ expected }: RecordedAnswer): Map<string, JsonObject> {
  const perModel = isObject(expected.iterationsByModel) ? expected.iterationsByModel : {};
  return new Map(
    Object.entries(perModel).filter((entry): entry is [string, JsonObject] => isObject(entry[1])),
  );
}

/** What the stated total has beyond its parts was put out; of embeddings, which put out nothing, it was put in. */
function withRest({ record, expected }: RecordedAnswer): JsonObject {
  const { inputTokens, outputTokens, totalTokens } = expected;
  const rest = Number(totalTokens ?? 0) - Number(inputTokens ?? 0) - Number(outputTokens ?? 0);
  if (!(rest > 0)) return expected;
  const field = record.api === "openai-embeddings" ? "inputTokens" : "outputTokens";
  return { ...expected, [field]: Number(expected[field] ?? 0) + rest };
}

/** Images that a tool made are tokens of another model beside the usage, where the answer names it. */
function toolTokensIn(body: string): number {
  const counts = body.matchAll(/"image_gen"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})/g);
  const [last] = [...counts].slice(-1);
  const usage = last?.[1] === undefined ? undefined : parseObject(last[1]);
  return usage === undefined ? 0 : Number(usage.input_tokens ?? 0) + Number(usage.output_tokens ?? 0);
}

/** Google's tiers are in its words: `ON_DEMAND_FLEX`. */
function pricedTier(tier: unknown): string | undefined {
  return /(?:^|_)(priority|flex|batch)$/.exec(String(tier).toLowerCase())?.[1];
}

/** Records don't tell pictures apart, nor spoken answers. */
function asRecorded(kinds: Tokens): Tokens {
  const { imageInputTokens = 0, imageOutputTokens = 0, audioOutputTokens = 0, ...others } = kinds;
  const { inputTokens = 0, outputTokens = 0 } = kinds;
  return {
    ...others,
    inputTokens: inputTokens + imageInputTokens,
    outputTokens: outputTokens + imageOutputTokens + audioOutputTokens,
  };
}

const COUNTED_KINDS = [
  "inputTokens",
  "outputTokens",
  "cachedInputTokens",
  "cacheWriteTokens",
  "cacheWrite1hTokens",
  "reasoningTokens",
  "audioInputTokens",
  "audioCachedInputTokens",
] as const satisfies (keyof Tokens)[];

/**
 * From counts that include their parts to kinds that exclude each other. Where a cache was filled and read by one call,
 * the same tokens are in both.
 *
 * @param cachedAudio how much of the cached input was settled as audio: records do not say.
 */
function exclusive(inclusive: JsonObject, cachedAudio = 0): Tokens {
  const count = (field: string) => Number(inclusive[field] ?? 0);
  const written1h = count("cacheWriteTokens1h");
  const written = Math.max(count("cacheWriteTokens"), count("cacheWriteTokens5m") + written1h) - written1h;
  const cached = count("cachedInputTokens") - cachedAudio;
  const audio = count("inputAudioTokens") - cachedAudio;
  const text = count("inputTokens") - audio - cachedAudio;
  const plain = text - cached - written - written1h;
  return {
    inputTokens: plain >= 0 ? plain : text - Math.max(cached, written + written1h),
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    cacheWrite1hTokens: written1h,
    audioInputTokens: audio,
    audioCachedInputTokens: cachedAudio,
    outputTokens: count("outputTokens"),
    reasoningTokens: Math.min(count("reasoningTokens"), count("outputTokens")),
  };
}

function totalOf({ reasoningTokens: _partOfOutput, serviceTier: _tier, ...kinds }: Tokens): number {
  return Object.values(kinds).reduce((sum, count) => sum + count, 0);
}

function isJson(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}
