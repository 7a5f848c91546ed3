/** OpenAI chat completions, and whoever speaks them: Azure, Groq, Mistral, DeepSeek, xAI, OpenRouter, vLLM and others. */
import type { Tokens } from "../pricing/usage.ts";
import { boundingCount, boundingList, thinkingFloor } from "./bounding-fields.ts";
import { cacheWriteOf } from "./cache-control.ts";
import { optionalCount, requiredCount, tokensFrom } from "./counts.ts";
import { isGiven, isObject, type JsonObject, nonEmptyString, objectsOf, parseObject } from "./json.ts";
import type {
  ApiRequest,
  EventReader,
  InputShape,
  LimitLowering,
  OutputShape,
  ProviderApi,
  ProviderCall,
  ReportedUsage,
  UsageContext,
} from "./provider.ts";
import { statedCost } from "./stated-cost.ts";
import { passesOf, type UnboundedFeature } from "./unbounded.ts";

export const openAiChat: ProviderApi = {
  name: "openai-chat",
  defaultProvider: "openai",

  serves: (url) => /\/chat\/completions\/*$/.test(url.pathname),
  isFree: (url) =>
    FREE_PATH.test(url.pathname) ||
    (url.hostname === "api.openai.com" && url.pathname.startsWith("/v1/projects/")),

  readCall,
  withOutputLimit,
  askingForUsage,
  isUsageOnly,

  isAnswer: (body) => Array.isArray(body.choices),
  readAnswer,
  readEvents,
  isErrorBody,
  errorBody: (code, message) => ({ error: { message, type: "agentlimit", param: null, code } }),
};

/** Data residency, which costs more on some models. */
const RESIDENT_HOST = /^(?:us|eu|ae|au|in|jp)\.api\.openai\.com$/;

/** POSTs that OpenAI bills nothing for: uploads, moderation, cancelling, keeping of state, administration. */
const FREE_PATH = new RegExp(
  `/(?:${[
    "files",
    "uploads(?:/ID/(?:parts|complete|cancel))?",
    "moderations",
    "responses/input_tokens",
    "responses/ID/cancel",
    "chat/completions/chatcmpl[^/]+",
    "conversations(?:/ID(?:/items)?)?",
    "vector_stores(?:/ID)?",
    "vector_stores/ID/files(?:/ID)?",
    "vector_stores/ID/file_batches(?:/ID/cancel)?",
    "batches/ID/cancel",
    "fine_tuning/jobs/ID/(?:cancel|pause)",
    "v1/organization/.+",
  ].join("|")})/*$`.replaceAll("ID", "[^/]+"),
);

function readCall(request: ApiRequest): ProviderCall {
  const { body } = request;
  const model = modelOf(request);
  return {
    model,
    stream: body.stream === true,
    input: inputOf(body, model),
    output: outputOf(body),
    // Some models write their cache unasked; the others have no price for it.
    cacheWrite: cacheWriteOf(body) ?? "5m",
    fast: body.service_tier === "ultrafast",
    regional: RESIDENT_HOST.test(request.url.hostname),
    priorityTier: priorityTierOf(body.service_tier),
    unbounded: unboundedIn(body, model),
  };
}

/** On Azure the deployment in the path is what is called, whatever the body says. */
function modelOf({ url, body }: ApiRequest): string {
  const deployment = /\/deployments\/([^/]+)\/chat\/completions\/*$/.exec(url.pathname)?.[1];
  if (deployment === undefined) return nonEmptyString(body.model) ?? "";
  try {
    return decodeURIComponent(deployment);
  } catch {
    return deployment;
  }
}

/** Images by the tile cost 2,833 + 8 × 5,667 tokens at most on gpt-4o-mini; elsewhere up to 10,000 patches each. */
const IMAGE_TOKENS = 16_384;
const TILED_MINI_IMAGE_TOKENS = 49_152;
const LOW_DETAIL_IMAGE_TOKENS = 3_072;
/** Audio is one token for 100 ms, and the poorest MP3 spends more than 64 Base64 characters on that. */
const AUDIO_CHARACTERS_PER_TOKEN = 64;

function inputOf(body: JsonObject, model: string): InputShape {
  let mediaCharacters = 0;
  let allowanceTokens = 0;
  let fillsContext = false;
  let audio = false;
  for (const message of objectsOf(boundingList(body, "messages"))) {
    // An earlier spoken answer, named by its id; and what is neither text nor a list of parts.
    if (isObject(message.audio) || isObject(message.content)) fillsContext = true;
    for (const part of objectsOf(message.content)) {
      switch (part.type) {
        case "text":
        case "refusal":
          break;
        case "image_url": {
          const image = isObject(part.image_url) ? part.image_url : part;
          mediaCharacters += dataUrlCharacters(image.image_url ?? image.url);
          allowanceTokens += imageTokens(image.detail, model);
          break;
        }
        case "input_audio": {
          const data = isObject(part.input_audio) ? part.input_audio.data : undefined;
          const characters = typeof data === "string" ? data.length : 0;
          mediaCharacters += characters;
          allowanceTokens += Math.ceil(characters / AUDIO_CHARACTERS_PER_TOKEN);
          audio = true;
          break;
        }
        default:
          fillsContext = true;
      }
    }
  }
  return { mediaCharacters, allowanceTokens, fillsContext, audio };
}

function imageTokens(detail: unknown, model: string): number {
  if (detail === "low") return LOW_DETAIL_IMAGE_TOKENS;
  return model.includes("gpt-4o-mini") ? TILED_MINI_IMAGE_TOKENS : IMAGE_TOKENS;
}

function dataUrlCharacters(url: unknown): number {
  if (typeof url !== "string" || !url.startsWith("data:image/")) return 0;
  return url.length - url.indexOf(",") - 1;
}

function outputOf(body: JsonObject): OutputShape {
  const [newer, older, choices, attempts] = ["max_completion_tokens", "max_tokens", "n", "best_of"].map(
    (field) => boundingCount(body, field),
  );
  const limits = [newer, older].filter((limit) => limit !== undefined);
  const modalities = boundingList(body, "modalities");
  return {
    limitTokens: limits.length > 0 ? Math.max(...limits) : undefined,
    choices: Math.max(1, choices ?? 1, attempts ?? 1),
    audio: modalities.includes("audio"),
    image: modalities.includes("image"),
    lowering: loweringOf(body),
  };
}

/** With a predicted output OpenAI takes no limit at all. */
function loweringOf(body: JsonObject): LimitLowering | undefined {
  if (isGiven(body.prediction)) return undefined;
  const format = isObject(body.response_format) ? body.response_format.type : body.response_format;
  return {
    floorTokens: Math.max(
      thinkingFloor(body.reasoning, "max_tokens"),
      thinkingFloor(body.thinking, "budget_tokens"),
    ),
    structured: isGiven(format) && format !== "text",
  };
}

function priorityTierOf(tier: unknown): ProviderCall["priorityTier"] {
  if (tier === "default" || tier === "flex") return "excluded";
  return tier === undefined || tier === null || tier === "auto" ? "open" : "asked";
}

function unboundedIn(body: JsonObject, model: string): UnboundedFeature[] {
  const found = passesOf(model);
  const tools = boundingList(body, "tools").map((tool) => (isObject(tool) ? tool.type : tool));
  if (tools.some((type) => type !== undefined && type !== "function" && type !== "custom")) {
    found.push(tools.includes("mcp") ? "mcpServer" : "serverTool");
  }
  if (isGiven(body.web_search_options) || isGiven(body.search_parameters)) found.push("webSearch");
  if (["plugins", "data_sources"].some((field) => boundingList(body, field).length > 0))
    found.push("serverTool");
  if (boundingList(body, "models").length > 0) found.push("otherModels");
  if (isObject(body.reasoning) && body.reasoning.mode === "pro") found.push("severalPasses");
  if (isGiven(body.background) && body.background !== false) found.push("background");
  return found;
}

/** Reasoning models of OpenAI refuse `max_tokens`; others may not know its newer name. Both at once are refused. */
function withOutputLimit({ provider, body }: ApiRequest, limitTokens: number): JsonObject {
  const used = ["max_completion_tokens", "max_tokens"].filter((field) => isGiven(body[field]));
  const usual = provider === "openai" || provider === "azure" ? "max_completion_tokens" : "max_tokens";
  const fields = used.length > 0 ? used : [usual];
  return { ...body, ...Object.fromEntries(fields.map((field) => [field, limitTokens])) };
}

/** Only where usage comes by asking alone: strict servers, Mistral's and older ones of Azure, refuse the field. */
function askingForUsage({ url, provider, body }: ApiRequest): JsonObject | undefined {
  if (body.stream !== true || (provider !== "openai" && provider !== "azure")) return undefined;
  const azureVersion = url.searchParams.get("api-version");
  if (azureVersion !== null && azureVersion < "2024-09-01") return undefined;
  const options = isObject(body.stream_options) ? body.stream_options : {};
  if (options.include_usage === true) return undefined;
  return { ...body, stream_options: { ...options, include_usage: true } };
}

/** Empty `choices` alone are no mark: Azure opens its streams with them. */
function isUsageOnly(data: string): boolean {
  if (!/"choices"\s*:\s*\[\s*\]/.test(data)) return false;
  const chunk = parseObject(data);
  return chunk !== undefined && objectsOf(chunk.choices).length === 0 && isObject(chunk.usage);
}

function readAnswer(body: JsonObject, call: UsageContext): ReportedUsage | undefined {
  const usage = statedUsage(body);
  const tokens = usage && readTokens(usage, body.service_tier);
  if (usage === undefined || tokens === undefined) return undefined;
  return {
    models: [{ model: nonEmptyString(body.model), tokens }],
    extras: { fast: body.service_tier === "ultrafast", regional: call.regional },
    ...statedCost(usage),
  };
}

/** Groq repeats `usage` in `x_groq`, and in older streams states it only there. */
function statedUsage(body: JsonObject): JsonObject | undefined {
  if (isObject(body.usage)) return body.usage;
  const groq = isObject(body.x_groq) ? body.x_groq.usage : undefined;
  return isObject(groq) ? groq : undefined;
}

function readTokens(usage: JsonObject, serviceTier: unknown): Tokens | undefined {
  const input = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const output = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  const prompt = requiredCount(usage.prompt_tokens);
  const reasoning = optionalCount(output.reasoning_tokens);
  const cached = optionalCount(
    input.cached_tokens ??
      usage.prompt_cache_hit_tokens ?? // DeepSeek
      usage.num_cached_tokens ?? // Mistral
      usage.cached_tokens, // Together
  );
  const written = optionalCount(input.cache_write_tokens);
  const audioInput = optionalCount(input.audio_tokens);
  const audioOutput = optionalCount(output.audio_tokens);
  const imageOutput = optionalCount(output.image_tokens);
  const text = completionTokens(usage, prompt, reasoning) - audioOutput - imageOutput;
  return tokensFrom(
    {
      inputTokens: uncachedTokens(prompt - audioInput, cached, written),
      cachedInputTokens: cached,
      cacheWriteTokens: written,
      outputTokens: Math.max(0, text),
      reasoningTokens: Math.min(reasoning, Math.max(0, text)),
      audioInputTokens: audioInput,
      audioOutputTokens: audioOutput,
      imageOutputTokens: imageOutput,
    },
    serviceTier,
  );
}

/** xAI leaves reasoning out of its completion tokens; the total shows it. */
function completionTokens(usage: JsonObject, prompt: number, reasoning: number): number {
  const completion = requiredCount(usage.completion_tokens);
  const leavesOut = reasoning > 0 && usage.total_tokens === prompt + completion + reasoning;
  return leavesOut ? completion + reasoning : completion;
}

/** OpenRouter states the same tokens as read and written where a cache is filled and used by one call. */
function uncachedTokens(input: number, cached: number, written: number): number {
  const uncached = input - cached - written;
  return uncached >= 0 ? uncached : Math.max(0, input - Math.max(cached, written));
}

/** The last usage object counts, wherever it stands: some hosts send a running total in every chunk. */
function readEvents(call: UsageContext): EventReader {
  let model: string | undefined;
  let serviceTier: unknown;
  let usage: JsonObject | undefined;
  let finished = false;
  let ended = false;
  return {
    read(data) {
      if (data === "[DONE]") ended = true;
      finished ||= /"finish_reason"\s*:\s*"/.test(data);
      // Parsing every delta would cost more than forwarding it.
      const mayStateUsage = /"usage"\s*:\s*\{/.test(data);
      if (ended || (model !== undefined && !mayStateUsage)) return;
      const chunk = parseObject(data);
      if (chunk === undefined) return;
      model = nonEmptyString(chunk.model) ?? model;
      serviceTier = chunk.service_tier ?? serviceTier;
      usage = statedUsage(chunk) ?? usage;
    },
    get ended() {
      return ended;
    },
    get complete() {
      return finished && usage !== undefined;
    },
    usage: () => usage && readAnswer({ model, service_tier: serviceTier, usage }, call),
  };
}

/** OpenAI's form, Mistral's and vLLM's (`object: "error"`), and xAI's (`code` and `error` as texts). */
function isErrorBody(body: JsonObject): boolean {
  const { error } = body;
  if (isObject(error)) return typeof error.message === "string";
  if (body.object === "error") return typeof body.message === "string";
  return typeof error === "string" && typeof body.code === "string";
}
