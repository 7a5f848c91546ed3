/** OpenAI chat completions, and whoever speaks them: Azure, Groq, Mistral, DeepSeek, xAI, OpenRouter, vLLM and others. */
import { boundingCount, boundingList, outputFloor } from "./bounding-fields.ts";
import { providerAt } from "./hosts.ts";
import { isGiven, isNested, isObject, type JsonObject, objectsOf, parseObject } from "./json.ts";
import { readAnswer, readEvents } from "./openai-chat-usage.ts";
import { isOpenAiError, openAiError } from "./openai-errors.ts";
import { isFreeAtOpenAi } from "./openai-free-paths.ts";
import { audioMedia, imageMedia, type Media, termsOf } from "./openai-request.ts";
import { unboundedAround } from "./openai-unbounded.ts";
import type {
  ApiRequest,
  InputShape,
  LimitLowering,
  OutputShape,
  ProviderApi,
  ProviderCall,
} from "./provider.ts";
import type { UnboundedFeature } from "./unbounded.ts";

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
  const terms = termsOf(request);
  return {
    ...terms,
    input: inputOf(request),
    output: outputOf(body, terms.model),
    unbounded: unboundedIn(request, terms.model),
  };
}

function inputOf(request: ApiRequest): InputShape {
  let mediaCharacters = 0;
  let allowanceTokens = 0;
  let fillsContext = isCached(request.body) || isNested(request.body.messages);
  let audio = false;
  const count = (media: Media | undefined) => {
    mediaCharacters += media?.mediaCharacters ?? 0;
    allowanceTokens += media?.allowanceTokens ?? 0;
    if (media === undefined) fillsContext = true;
  };
  for (const message of objectsOf(boundingList(request.body, "messages"))) {
    // An earlier answer in sound or pictures; and what is neither text nor a list of parts.
    if ([message.audio, message.images].some(isGiven) || isNested(message.content)) fillsContext = true;
    for (const part of objectsOf(message.content)) {
      switch (part.type) {
        case "text":
        case "refusal":
          break;
        case "image_url": {
          const image = isObject(part.image_url) ? part.image_url : part;
          count(imageMedia(image.image_url ?? image.url, image.detail, request));
          break;
        }
        case "input_audio": {
          count(audioMedia(part.input_audio));
          audio = true;
          break;
        }
        default:
          fillsContext = true;
      }
    }
  }
  // What nobody sees may hold sound.
  return { mediaCharacters, allowanceTokens, fillsContext, audio: audio || fillsContext };
}

/** Contents that Gemini keeps: ai.google.dev/gemini-api/docs/openai#extra-body. */
function isCached({ extra_body, google }: JsonObject): boolean {
  return /"cached_?content":"/i.test(JSON.stringify([extra_body, google]));
}

function outputOf(body: JsonObject, model: string): OutputShape {
  const [newer, older, choices, attempts] = ["max_completion_tokens", "max_tokens", "n", "best_of"].map(
    (field) => boundingCount(body, field),
  );
  const limits = [newer, older].filter((limit) => limit !== undefined);
  const modalities = boundingList(body, "modalities");
  return {
    limitTokens: limits.length > 0 ? Math.max(...limits) : undefined,
    choices: Math.max(1, choices ?? 1, attempts ?? 1),
    audio: modalities.includes("audio"),
    // Gemini's make pictures unasked.
    image: modalities.includes("image") || model.includes("image"),
    lowering: isGiven(body.prediction) ? undefined : loweringOf(body),
    // OpenAI lists the parameters that it refuses: platform.openai.com/docs/guides/predicted-outputs
    takesNoLimit: isGiven(body.prediction),
  };
}

function loweringOf(body: JsonObject): LimitLowering {
  const format = isObject(body.response_format) ? body.response_format.type : body.response_format;
  return {
    floorTokens: Math.max(
      outputFloor(body.reasoning, "max_tokens"),
      outputFloor(body.thinking, "budget_tokens"),
    ),
    structured: isGiven(format) && format !== "text",
  };
}

function unboundedIn(request: ApiRequest, model: string): UnboundedFeature[] {
  const found = unboundedAround(request, model);
  const tools = boundingList(request.body, "tools").map(typeOf);
  if (tools.some((type) => type !== "function" && type !== "custom")) {
    found.push(tools.includes("mcp") ? "mcpServer" : "serverTool");
  }
  return found;
}

/** Some servers take functions without a type, and their own tools so too. */
function typeOf(tool: unknown): unknown {
  if (!isObject(tool)) return tool;
  return tool.type ?? (isObject(tool.function) ? "function" : undefined);
}

/** Reasoning models of OpenAI refuse `max_tokens`; others may not know its newer name. Both at once are refused. */
function withOutputLimit({ provider, body }: ApiRequest, limitTokens: number): JsonObject {
  const used = ["max_completion_tokens", "max_tokens"].filter((field) => isGiven(body[field]));
  const usual = provider === "openai" || provider === "azure" ? "max_completion_tokens" : "max_tokens";
  const fields = used.length > 0 ? used : [usual];
  return { ...body, ...Object.fromEntries(fields.map((field) => [field, limitTokens])) };
}

/**
 * Only where usage comes by asking alone. Strict servers refuse the field: Mistral's, older ones of Azure, and perhaps
 * one of unknown kind, unless it serves a model of OpenAI's and so passes the call on.
 */
function askingForUsage(request: ApiRequest): JsonObject | undefined {
  const { body } = request;
  if (body.stream !== true || !wantsAsking(request)) return undefined;
  const options = isObject(body.stream_options) ? body.stream_options : {};
  if (options.include_usage === true) return undefined;
  return { ...body, stream_options: { ...options, include_usage: true } };
}

function wantsAsking({ url, provider, body, includeUsage }: ApiRequest): boolean {
  if (UNASKED_PROVIDERS.has(provider)) return false;
  if (includeUsage === "always") return true;
  if (provider === "azure") {
    const version = url.searchParams.get("api-version");
    return version === null || version >= "2024-09-01";
  }
  return provider === "openai" && (providerAt(url) === "openai" || OPENAI_MODEL.test(String(body.model)));
}

/** They state usage in every stream. */
const UNASKED_PROVIDERS = new Set([
  "cerebras",
  "deepseek",
  "google",
  "groq",
  "mistral",
  "moonshotai",
  "openrouter",
  "perplexity",
  "together",
  "xai",
  "zai",
  "zhipuai",
]);
const OPENAI_MODEL = /^(?:ft:|openai\/)?(?:gpt-(?!oss)|chatgpt-|o\d)/;

/** Empty `choices` alone are no mark: Azure opens its streams with them. */
function isUsageOnly(data: string): boolean {
  if (!/"choices"\s*:\s*\[\s*\]/.test(data)) return false;
  const chunk = parseObject(data);
  return chunk !== undefined && objectsOf(chunk.choices).length === 0 && isObject(chunk.usage);
}
