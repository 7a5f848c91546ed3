/** What Anthropic's messages say that they used, and those of hosts after them. */
import type { Tokens } from "../pricing/usage.ts";
import { optionalCount, requiredCount, tokensFrom } from "./counts.ts";
import { isGiven, isObject, type JsonObject, nonEmptyString, objectsOf, parseObject } from "./json.ts";
import type { EventReader, ModelUsage, ReportedUsage, UsageContext } from "./provider.ts";
import { statedCost } from "./stated-cost.ts";

export function readMessage(message: JsonObject, call: UsageContext): ReportedUsage | undefined {
  return isObject(message.usage) ? readUsage(message.usage, nonEmptyString(message.model), call) : undefined;
}

/**
 * The counts of `message_delta` are running totals, and in newer streams all of them: a later value that is not null
 * replaces an earlier one, field by field. Never the larger one, never the sum.
 */
export function readEvents(call: UsageContext): EventReader {
  let message: JsonObject = {};
  let usage: JsonObject = {};
  /** Messages before the last one: proxies that begin anew splice two streams. */
  const before: JsonObject[] = [];
  let hasTotals = false;
  let stopped = false;
  let ended = false;
  const merge = (later: unknown) => {
    if (!isObject(later)) return;
    // Some proxies fill in zeros for an input that they have stated before.
    const saysInput = later.input_tokens !== 0 || INPUT_FIELDS.some((field) => Boolean(later[field]));
    usage = { ...usage, ...stated(later), ...(saysInput ? {} : stated(inputIn(usage))) };
  };
  const start = (started: JsonObject) => {
    if (hasTotals && started.id === message.id) return;
    if (hasTotals) before.push({ ...message, usage });
    if (hasTotals) usage = {};
    hasTotals = false;
    message = { ...message, ...stated(started) };
    merge(started.usage);
  };
  return {
    read(data) {
      // Parsing every delta would cost more than forwarding it.
      if (!data.includes('"usage"') && !data.includes('"message_stop"')) return;
      const event = parseObject(data);
      if (event === undefined) return;
      if (event.type === "message_start" && isObject(event.message)) {
        start(event.message);
      } else if (event.type === "message_delta") {
        stopped ||= isObject(event.delta) && typeof event.delta.stop_reason === "string";
        hasTotals ||= isObject(event.usage) && isGiven(event.usage.output_tokens);
        merge(event.usage);
      } else if (event.type === "message_stop") {
        ended = true;
      }
    },
    // The output that a stream begins with is not what it ends with.
    get ended() {
      return ended && hasTotals;
    },
    get complete() {
      return stopped && hasTotals;
    },
    usage: () => together([{ ...message, usage }, ...before].map((each) => readMessage(each, call))),
  };
}

const INPUT_FIELDS = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];

function inputIn(usage: JsonObject): JsonObject {
  return Object.fromEntries(INPUT_FIELDS.map((field) => [field, usage[field]]));
}

function stated(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isGiven(value)));
}

function together([last, ...before]: (ReportedUsage | undefined)[]): ReportedUsage | undefined {
  return before.reduce((sum, each) => {
    if (sum === undefined || each === undefined) return undefined;
    const webSearches = (sum.extras.webSearches ?? 0) + (each.extras.webSearches ?? 0);
    return {
      models: [...sum.models, ...each.models],
      extras: { ...sum.extras, webSearches },
      doubts: [...(sum.doubts ?? []), "the stream holds more than one message"],
    };
  }, last);
}

/**
 * Where there were several passes, their entries are what is billed: the top level leaves out compaction and advisors.
 * Each entry is priced by its own model.
 */
function readUsage(
  usage: JsonObject,
  model: string | undefined,
  call: UsageContext,
): ReportedUsage | undefined {
  const passes = objectsOf(usage.iterations);
  const beyondWhole = passes.reduce((sum, pass) => sum + countIn(pass), 0) - countIn(usage);
  const isShort = passes.length > 1 && beyondWhole < 0;
  const entries = beyondWhole > 0 || (passes.length > 1 && !isShort) ? passes : [usage];
  const byModel = new Map<string | undefined, JsonObject[]>([[model, []]]);
  for (const entry of entries) {
    const name = nonEmptyString(entry.model) ?? model;
    byModel.set(name, [...(byModel.get(name) ?? []), entry]);
  }
  const models: ModelUsage[] = [];
  for (const [name, ofModel] of byModel) {
    if (ofModel.length === 0) continue;
    const tokens = sumTokens(ofModel, usage, call);
    if (tokens === undefined) return undefined;
    models.push({ model: name, tokens });
  }
  const [first, ...others] = models;
  const tools = isObject(usage.server_tool_use) ? usage.server_tool_use : {};
  const webSearches = optionalCount(tools.web_search_requests);
  if (first === undefined || Number.isNaN(webSearches + beyondWhole)) return undefined;
  const { statedNanoUsd, doubts = [] } = statedCost(usage, call);
  const unknown = passes.map(({ type }) => type).filter((type) => !PASS_TYPES.has(type));
  return {
    models: [first, ...others],
    statedNanoUsd,
    extras: { webSearches, fast: isFast(usage, call), regional: usage.inference_geo === "us" },
    doubts: [...doubts, ...unknown.map(unknownPass), ...(isShort ? [MISSING_PASSES] : [])],
  };
}

/** A speed that the answer does not state is the one that was asked for. */
function isFast({ speed }: JsonObject, call: UsageContext): boolean {
  return isGiven(speed) ? speed === "fast" : call.fast;
}

function countIn(entry: JsonObject): number {
  return [...INPUT_FIELDS, "output_tokens"].reduce((sum, field) => sum + optionalCount(entry[field]), 0);
}

const MISSING_PASSES = "its passes come to less than the whole, which is booked";

const PASS_TYPES = new Set<unknown>(["message", "compaction", "advisor_message", "fallback_message"]);

function unknownPass(type: unknown): string {
  return `it has a pass of the unknown type ${JSON.stringify(String(type).slice(0, 64))}`;
}

function sumTokens(entries: JsonObject[], usage: JsonObject, call: UsageContext): Tokens | undefined {
  const sum = (read: (entry: JsonObject) => number) =>
    entries.reduce((total, entry) => total + read(entry), 0);
  const outputTokens = sum((entry) => requiredCount(entry.output_tokens));
  const thinking = isObject(usage.output_tokens_details) ? usage.output_tokens_details.thinking_tokens : 0;
  return tokensFrom(
    {
      inputTokens: sum((entry) => requiredCount(entry.input_tokens)),
      cachedInputTokens: sum((entry) => optionalCount(entry.cache_read_input_tokens)),
      cacheWriteTokens: sum((entry) => cacheWrites(entry, call).for5m),
      cacheWrite1hTokens: sum((entry) => cacheWrites(entry, call).for1h),
      outputTokens,
      reasoningTokens: Math.min(optionalCount(thinking), outputTokens),
    },
    // Priority is capacity bought beforehand: its tokens have no price of their own.
    usage.service_tier === "batch" ? "batch" : undefined,
  );
}

/**
 * Writes that the split does not explain cost the hour's price if the request asked for an hour anywhere. In a stream the
 * split may be of `message_start` alone, and its sum of later: a split of more than the sum explains none of it.
 */
function cacheWrites(entry: JsonObject, call: UsageContext): { for5m: number; for1h: number } {
  const total = entry.cache_creation_input_tokens;
  const split = isObject(entry.cache_creation) ? entry.cache_creation : {};
  const stated5m = optionalCount(split.ephemeral_5m_input_tokens);
  const stated1h = optionalCount(split.ephemeral_1h_input_tokens);
  const isOutdated = isGiven(total) && stated5m + stated1h > optionalCount(total);
  const [for5m, for1h] = isOutdated ? [0, 0] : [stated5m, stated1h];
  const unexplained = Math.max(0, optionalCount(total) - for5m - for1h);
  if (call.cacheWrite === "1h") return { for5m, for1h: for1h + unexplained };
  return { for5m: for5m + unexplained, for1h };
}
