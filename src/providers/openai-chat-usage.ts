/** What chat completions say that they used, in the dialects of all who speak them. */
import type { Tokens } from "../pricing/usage.ts";
import { beyondParts, optionalCount, requiredCount, servedTier, tokensFrom, totalDoubts } from "./counts.ts";
import { isGiven, isObject, type JsonObject, nonEmptyString, objectsOf, parseObject } from "./json.ts";
import type { EventReader, ModelUsage, ReportedUsage, UsageContext } from "./provider.ts";
import { statedCost } from "./stated-cost.ts";

export function readAnswer(body: JsonObject, call: UsageContext): ReportedUsage | undefined {
  const usage = statedUsage(body);
  if (usage === undefined) return undefined;
  const model = nonEmptyString(body.model);
  const serviceTier = servedTier(body.service_tier, call);
  const models = modelsIn(body, { model, usage, serviceTier });
  const webSearches = webSearchesOf(usage, model ?? call.model ?? "");
  if (models === undefined || Number.isNaN(webSearches)) return undefined;
  const { statedNanoUsd, doubts } = costAndDoubts(usage, call);
  if (breakdownIn(body) !== undefined) doubts.push(UNPRICED_TOOLS);
  return {
    models,
    extras: { fast: serviceTier === "ultrafast", regional: call.regional, webSearches },
    statedNanoUsd,
    doubts,
  };
}

/** The cost that a usage object states, and why its counts may not be the whole truth. */
export function costAndDoubts(
  usage: JsonObject,
  call: UsageContext,
): { statedNanoUsd: number | undefined; doubts: string[] } {
  const { statedNanoUsd, doubts = [] } = statedCost(usage, call);
  const tools = statedNanoUsd === undefined && usesUnpricedTools(usage) ? [UNPRICED_TOOLS] : [];
  return { statedNanoUsd, doubts: [...doubts, ...doubtsOf(usage), ...tools] };
}

/** The last usage object counts, wherever it stands: some hosts send a running total in every chunk. */
export function readEvents(call: UsageContext): EventReader {
  let model: string | undefined;
  let serviceTier: unknown;
  let stating: JsonObject | undefined;
  let finished = false;
  let ended = false;
  return {
    read(data) {
      if (data === "[DONE]") ended = true;
      // Parsing every delta would cost more than forwarding it.
      const isLast = /"finish_reason"\s*:\s*"\w/.test(data);
      const isTelling = isLast || /"usage"\s*:\s*\{/.test(data);
      if (ended || (model !== undefined && !isTelling)) return;
      // One that was cut off tells nothing.
      const chunk = parseObject(data);
      if (chunk === undefined) return;
      finished ||= isLast;
      model = nonEmptyString(chunk.model) ?? model;
      serviceTier = chunk.service_tier ?? serviceTier;
      if (statedUsage(chunk) !== undefined) stating = chunk;
    },
    get ended() {
      return ended;
    },
    get complete() {
      return finished && stating !== undefined;
    },
    usage: () => stating && readAnswer({ ...stating, model, service_tier: serviceTier }, call),
  };
}

/** Groq repeats `usage` in `x_groq`, and in older streams states it only there; Moonshot states it in the choice. */
function statedUsage(body: JsonObject): JsonObject | undefined {
  const groq = isObject(body.x_groq) ? body.x_groq.usage : undefined;
  const places = [body.usage, groq, ...objectsOf(body.choices).map((choice) => choice.usage)];
  return places.filter(isObject).find((usage) => Object.keys(usage).length > 0);
}

/** Groq's compound systems break the sum down by the models that took part. */
function breakdownIn({ usage_breakdown: own, x_groq: groq }: JsonObject): JsonObject | undefined {
  return [own, isObject(groq) ? groq.usage_breakdown : undefined].find(isObject);
}

function modelsIn(
  body: JsonObject,
  { serviceTier, ...whole }: { model: string | undefined; usage: JsonObject; serviceTier: unknown },
): ReportedUsage["models"] | undefined {
  const stated = objectsOf(breakdownIn(body)?.models).flatMap(({ model, usage }) =>
    isObject(usage) ? [{ model: nonEmptyString(model), usage }] : [],
  );
  // In streams each is said to have used all of it: the last of them wrote the answer.
  const areRepeats = stated.every(({ usage }) => usage.prompt_tokens === whole.usage.prompt_tokens);
  const parts = areRepeats ? stated.slice(-1) : stated;
  const [first, ...others] = (parts.length > 0 ? parts : [whole]).map(({ model, usage }) => {
    const tokens = readTokens(usage, serviceTier);
    return tokens && { model, tokens };
  });
  if (first === undefined) return undefined;
  const rest = others.filter((part): part is ModelUsage => part !== undefined);
  return rest.length === others.length ? [first, ...rest] : undefined;
}

/**
 * The counts of a usage object by kinds that exclude each other, under chat's names or those of responses.
 *
 * @returns undefined when one of them is missing or malformed.
 */
export function readTokens(usage: JsonObject, serviceTier: unknown): Tokens | undefined {
  const input = firstObject(usage.prompt_tokens_details, usage.input_tokens_details);
  const output = firstObject(usage.completion_tokens_details, usage.output_tokens_details);
  const { prompt, completion, reasoning, cited } = mainCounts(usage);
  const { cached, written, areApart } = cacheCounts(usage, prompt);
  const audio = optionalCount(input.audio_tokens);
  // Prompts have no room for both, unless they share.
  const cachedAudio = Math.min(audio, cached, Math.max(0, audio + cached - prompt));
  const audioOutput = optionalCount(output.audio_tokens);
  const imageOutput = optionalCount(output.image_tokens);
  const text = Math.max(0, completion - audioOutput - imageOutput);
  return tokensFrom(
    {
      inputTokens:
        (areApart ? prompt : uncachedTokens(prompt - audio, cached - cachedAudio, written)) + cited,
      cachedInputTokens: cached - cachedAudio,
      cacheWriteTokens: written,
      outputTokens: text,
      reasoningTokens: Math.min(reasoning, text),
      audioInputTokens: audio - cachedAudio,
      audioCachedInputTokens: cachedAudio,
      audioOutputTokens: audioOutput,
      imageOutputTokens: imageOutput,
    },
    serviceTier,
  );
}

/**
 * Prompt and completion with all their parts. Some leave reasoning out of the completion and have it in the total (xAI,
 * Gemini behind gateways); Perplexity's deep research leaves it out of both, and bills as input what it cites.
 */
function mainCounts(usage: JsonObject) {
  const output = firstObject(usage.completion_tokens_details, usage.output_tokens_details);
  const prompt = eitherCount(usage.prompt_tokens, usage.input_tokens);
  const stated = eitherCount(usage.completion_tokens, usage.output_tokens);
  const reasoning = firstCount(output.reasoning_tokens, usage.reasoning_tokens);
  const cited = optionalCount(usage.citation_tokens);
  const isOutside = isGiven(usage.citation_tokens) || (reasoning > stated && !isGiven(usage.total_tokens));
  const apart = isOutside ? reasoning : 0;
  const { cached, written, areApart } = cacheCounts(usage, prompt);
  const cachedApart = areApart ? cached + written : 0;
  const parts = prompt + stated + apart + cited + cachedApart;
  const beyond = beyondParts(usage.total_tokens, parts);
  return { prompt, stated, completion: stated + apart + beyond, reasoning, cited, parts, beyond };
}

/** What was read from caches and written to them: apart from the prompt where it is more than all of it. */
function cacheCounts(usage: JsonObject, prompt: number) {
  const input = firstObject(usage.prompt_tokens_details, usage.input_tokens_details);
  // DeepSeek, Mistral and Together have names of their own, at times beside a zero under OpenAI's.
  const cached = firstCount(
    input.cached_tokens,
    usage.prompt_cache_hit_tokens,
    usage.num_cached_tokens,
    usage.cached_tokens,
  );
  // Alibaba and LiteLLM call them as Anthropic does.
  const written = firstCount(
    input.cache_write_tokens,
    input.cache_creation_input_tokens,
    usage.cache_creation_input_tokens,
  );
  return { cached, written, areApart: Math.max(cached, written) > prompt };
}

/** Some objects have both naming schemes, one of them all zeros. */
function eitherCount(chat: unknown, responses: unknown): number {
  if (!isGiven(responses)) return requiredCount(chat);
  return Math.max(requiredCount(responses), optionalCount(chat));
}

/** The first that is not zero; NaN where one is malformed. */
function firstCount(...values: unknown[]): number {
  const counts = values.map(optionalCount);
  if (counts.some(Number.isNaN)) return Number.NaN;
  return counts.find((count) => count > 0) ?? 0;
}

function firstObject(...values: unknown[]): JsonObject {
  return values.find(isObject) ?? {};
}

/** OpenRouter states the same tokens as read and written where a cache is filled and used by one call. */
function uncachedTokens(input: number, cached: number, written: number): number {
  const uncached = input - cached - written;
  return uncached >= 0 ? uncached : Math.max(0, input - Math.max(cached, written));
}

/** A search model searches with each call and counts it nowhere; deep research counts what it searched for. */
function webSearchesOf(usage: JsonObject, model: string): number {
  if (/search-(?:preview|api)/.test(model)) return 1;
  return model.includes("deep-research") ? optionalCount(usage.num_search_queries) : 0;
}

const UNPRICED_TOOLS = "it used sources or tools of the provider's, and does not state their fees";

/** xAI counts them beside the tokens; what they cost is only in the cost that it states. */
function usesUnpricedTools(usage: JsonObject): boolean {
  return [usage.num_sources_used, usage.num_server_side_tools_used].some((count) => Number(count ?? 0) > 0);
}

function doubtsOf(usage: JsonObject): string[] {
  const doubts: string[] = [];
  const { prompt, stated, completion, reasoning, parts, beyond } = mainCounts(usage);
  const { total_tokens: total, prompt_cache_hit_tokens: hit, prompt_cache_miss_tokens: miss } = usage;
  const isReasoningApart = reasoning > 0 && beyond === reasoning;
  // Some totals leave out what stands apart.
  if (!isReasoningApart && total !== prompt + stated) doubts.push(...totalDoubts(total, parts));
  if (reasoning > completion) doubts.push("it states more reasoning than output");
  if (typeof hit === "number" && typeof miss === "number" && hit + miss !== prompt) {
    doubts.push(`its cache hits and misses are not its ${prompt} prompt tokens`);
  }
  if (cacheCounts(usage, prompt).areApart) doubts.push("more of its prompt was cached than there is of it");
  for (const [one, other] of [
    [usage.prompt_tokens, usage.input_tokens],
    [usage.completion_tokens, usage.output_tokens],
  ]) {
    if (one && other && one !== other) doubts.push(`it states both ${one} and ${other} for one count`);
  }
  return doubts;
}
