/** What an answer of OpenAI's responses says it used. */
import type { CallExtras } from "../pricing/cost.ts";
import { optionalCount, requiredCount, servedTier, tokensFrom } from "./counts.ts";
import { isObject, type JsonObject, nonEmptyString, objectsOf } from "./json.ts";
import { costAndDoubts, readTokens } from "./openai-chat-usage.ts";
import type { ModelUsage, ReportedUsage, UsageContext } from "./provider.ts";

/** @returns undefined where usage is missing or malformed, as it is before a background answer is complete. */
export function readUsage(response: JsonObject, call: UsageContext): ReportedUsage | undefined {
  const { usage, status } = response;
  if (!isObject(usage) || status === "queued" || status === "in_progress") return undefined;
  const serviceTier = servedTier(response.service_tier, call);
  const tokens = readTokens(usage, serviceTier);
  const made = imagesMade(response);
  const webSearches = webSearchesIn(response);
  if (tokens === undefined || made === undefined || Number.isNaN(webSearches)) return undefined;
  const extras: CallExtras = {
    webSearches,
    fileSearches: outputOf(response, "file_search_call").length,
    containers: containersOf(response),
    images: made.uncounted,
    fast: serviceTier === "ultrafast",
    regional: call.regional,
  };
  const models = [{ model: nonEmptyString(response.model), tokens }, ...made.models] as const;
  const { statedNanoUsd, doubts } = costAndDoubts(usage, call);
  // What the provider says that it cost leaves no doubt of the price.
  if (statedNanoUsd === undefined && isKeptLong(usage)) doubts.push(UNPRICED_WRITES);
  return { models, extras, statedNanoUsd, doubts };
}

function outputOf(response: JsonObject, type: string): JsonObject[] {
  return objectsOf(response.output).filter((item) => item.type === type);
}

/**
 * Newer answers count what they bill. In older ones each search of the call is counted, so that what has several
 * queries costs no less than it may; opening a page and looking in it are no searches.
 *
 * @see https://platform.openai.com/docs/guides/tools-web-search
 */
function webSearchesIn(response: JsonObject): number {
  const counted = toolUsage(response, "web_search");
  if (counted !== undefined) return requiredCount(counted.num_requests);
  return outputOf(response, "web_search_call").reduce((sum, { action }) => {
    if (!isObject(action)) return sum + 1;
    if (action.type !== undefined && action.type !== "search") return sum;
    return sum + Math.max(1, Array.isArray(action.queries) ? action.queries.length : 1);
  }, 0);
}

function toolUsage({ tool_usage: usage }: JsonObject, tool: string): JsonObject | undefined {
  const found = isObject(usage) ? usage[tool] : undefined;
  return isObject(found) ? found : undefined;
}

/** A container may start, and be billed, without a call that shows it. */
function containersOf(response: JsonObject): number {
  const offered = objectsOf(response.tools).filter(
    ({ type, environment }) =>
      type === "code_interpreter" ||
      (type === "shell" && !(isObject(environment) && environment.type === "local")),
  );
  return Math.max(offered.length, outputOf(response, "code_interpreter_call").length);
}

interface ImagesMade {
  /** The model that made them, with its tokens. */
  readonly models: readonly ModelUsage[];
  readonly uncounted: number;
}

/** @returns undefined where a count is malformed. */
function imagesMade(response: JsonObject): ImagesMade | undefined {
  const calls = outputOf(response, "image_generation_call").filter(({ status }) => status !== "failed");
  const usage = toolUsage(response, "image_gen");
  const tool = objectsOf(response.tools).find(({ type }) => type === "image_generation");
  const model = nonEmptyString(tool?.model);
  if (usage === undefined || (usage.input_tokens === 0 && usage.output_tokens === 0)) {
    return { models: [], uncounted: calls.length };
  }
  if (model === undefined) return { models: [], uncounted: Math.max(1, calls.length) };
  const input = isObject(usage.input_tokens_details) ? usage.input_tokens_details : {};
  const output = isObject(usage.output_tokens_details) ? usage.output_tokens_details : {};
  const images = optionalCount(input.image_tokens);
  const text = optionalCount(output.text_tokens);
  const tokens = tokensFrom(
    {
      inputTokens: requiredCount(usage.input_tokens) - images,
      imageInputTokens: images,
      outputTokens: text,
      imageOutputTokens: requiredCount(usage.output_tokens) - text,
    },
    undefined,
  );
  return tokens && { models: [{ model, tokens }], uncounted: 0 };
}

const UNPRICED_WRITES = "tokens were written to a cache for 12 hours, at a price that is not known";

function isKeptLong(usage: JsonObject): boolean {
  const input = isObject(usage.input_tokens_details) ? usage.input_tokens_details : {};
  const written = isObject(input.cache_write_tokens_details) ? input.cache_write_tokens_details : {};
  return optionalCount(written.ttl_12h_tokens) !== 0;
}
