/** OpenAI chat completions, and whoever speaks them: Azure, Groq, Mistral, DeepSeek, xAI, OpenRouter, vLLM and others. */
import type { Tokens } from "../pricing/usage.ts";
import { boundingCount, boundingList, thinkingFloor } from "./bounding-fields.ts";
import { cacheWriteOf } from "./cache-control.ts";
import { optionalCount, requiredCount, tokensFrom } from "./counts.ts";
import { isGiven, isObject, type JsonObject, nonEmptyString, objectsOf, parseObject } from "./json.ts";
import { isOpenAiError, openAiError } from "./openai-errors.ts";
import { isFreeAtOpenAi } from "./openai-free-paths.ts";
import {
  audioMedia,
  imageMedia,
  isResident,
  type Media,
  modelCalled,
  priorityTierOf,
} from "./openai-request.ts";
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
  isFree: isFreeAtOpenAi,

  readCall,
  withOutputLimit,
  askingForUsage,
  isUsageOnly,

  isAnswer: (body) => Array.isArray(body.choices),
  readAnswer,
  readEvents,
  isErrorBody: isOpenAiError,
  errorBody: openAiError,
};

function readCall(request: ApiRequest): ProviderCall {
  const { body } = request;
  const model = modelCalled(request);
  return {
    model,
    stream: body.stream === true,
    input: inputOf(body, model),
    output: outputOf(body),
    // Some models write their cache unasked; the others have no price for it.
    cacheWrite: cacheWriteOf(body) ?? "5m",
    fast: body.service_tier === "ultrafast",
    regional: isResident(request.url),
    priorityTier: priorityTierOf(body.service_tier),
    unbounded: unboundedIn(body, model),
  };
}

function inputOf(body: JsonObject, model: string): InputShape {
  let mediaCharacters = 0;
  let allowanceTokens = 0;
  let fillsContext = false;
  let audio = false;
  const count = (media: Media) => {
    mediaCharacters += media.mediaCharacters;
    allowanceTokens += media.allowanceTokens;
  };
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
          count(imageMedia({ address: image.image_url ?? image.url, detail: image.detail, model }));
          break;
        }
        case "input_audio": {
          count(audioMedia(isObject(part.input_audio) ? part.input_audio.data : undefined));
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
