/** Anthropic messages, and whoever speaks them. */
import { DEFINED_TOOL_TOKENS, DEFINED_TOOLSET_TOKENS, messageImageTokens } from "./allowances.ts";
import { readEvents, readMessage } from "./anthropic-usage.ts";
import { base64Length, boundingCount, boundingList, outputFloor } from "./bounding-fields.ts";
import { cacheWriteOf } from "./cache-control.ts";
import { isGiven, isNested, isObject, type JsonObject, nonEmptyString, objectsOf } from "./json.ts";
import type { ApiRequest, InputShape, LimitLowering, ProviderApi, ProviderCall } from "./provider.ts";
import type { UnboundedFeature } from "./unbounded.ts";

export const anthropicMessages: ProviderApi = {
  name: "anthropic-messages",
  defaultProvider: "anthropic",

  serves: (url) => /\/v1\/messages\/*$/.test(url.pathname),
  isFree: (url) => FREE_PATH.test(url.pathname),

  readCall,
  withOutputLimit: ({ body }, limitTokens) => ({ ...body, max_tokens: limitTokens }),
  askingForUsage: () => undefined,
  isUsageOnly: () => false,

  isAnswer: (body) => body.type === "message",
  readAnswer: readMessage,
  readEvents,
  isErrorBody: (body) => body.type === "error" && isObject(body.error),
  errorBody: (code, message) => ({ type: "error", error: { type: code, message } }),
};

/** POSTs that Anthropic bills nothing for. */
const FREE_PATH =
  /\/v1\/(?:messages\/count_tokens|messages\/batches\/[^/]+\/cancel|files|organizations\/.+)\/*$/;

function readCall(request: ApiRequest): ProviderCall {
  const { body, headers } = request;
  // 0 fills the cache and generates nothing.
  const textTokens = boundingCount(body, "max_tokens", 0);
  const limitTokens = limitWithThoughts(textTokens, body.thinking);
  return {
    model: nonEmptyString(body.model) ?? "",
    stream: body.stream === true,
    input: {
      ...inputOf(request),
      // Bedrock and Vertex take in the body what is a header elsewhere.
      contextTokens: openedContext([headers?.get("anthropic-beta"), body.anthropic_beta]),
    },
    output: {
      limitTokens,
      choices: 1,
      audio: false,
      image: false,
      lowering: limitTokens === textTokens ? loweringOf(body) : undefined,
    },
    cacheWrite: cacheWriteOf(body),
    fast: body.speed === "fast",
    // Left out, the workspace's own setting decides.
    regional: body.inference_geo !== "global",
    // Priority is capacity bought beforehand: it has no dearer price by the token.
    priorityTier: "excluded",
    unbounded: unboundedIn(body),
    feeCalls: { webSearches: mostWebSearches(body) },
  };
}

/**
 * A thinking budget may pass the limit where thoughts go on between calls of tools: then it comes on top, and a lower limit
 * would be of little help.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
export function limitWithThoughts(limitTokens: number | undefined, thinking: unknown): number | undefined {
  const budget = isObject(thinking) ? boundingCount(thinking, "budget_tokens") : undefined;
  return limitTokens && budget && budget >= limitTokens ? limitTokens + budget : limitTokens;
}

function loweringOf({ thinking, output_format: older, output_config: config }: JsonObject): LimitLowering {
  return {
    floorTokens: outputFloor(thinking, "budget_tokens"),
    structured: isGiven(older) || (isObject(config) && isGiven(config.format)),
  };
}

/**
 * The window of models that have a longer one for those who ask. Anthropic ended it in 2026, others serve it.
 *
 * @param betas names alone or in lists, separated by commas.
 * @see https://platform.claude.com/docs/en/build-with-claude/context-windows
 */
export function openedContext(betas: unknown): number | undefined {
  return String(betas).includes("context-1m") ? 1_000_000 : undefined;
}

/** Each has a fee; tools without `max_uses` have no limit, and no part in what is held. */
function mostWebSearches(body: JsonObject): number {
  return objectsOf(body.tools)
    .filter(({ type }) => /^web_search_/.test(String(type)))
    .reduce((sum, tool) => sum + (boundingCount(tool, "max_uses", 0) ?? 0), 0);
}

function inputOf({ body, price }: ApiRequest): InputShape {
  const messages = objectsOf(boundingList(body, "messages"));
  const contents = [body.system, ...messages.map(({ content }) => content)];
  const blocks = contents.flatMap(contentOf);
  const images = blocks.filter((block) => block.type === "image");
  // Where the model is in the path, it is Claude.
  const tokensOfEach = messageImageTokens(nonEmptyString(body.model) ?? "claude", price);
  return {
    mediaCharacters: images.reduce((sum, image) => sum + base64Characters(image.source), 0),
    allowanceTokens: images.length * tokensOfEach + definedToolTokens(body.tools),
    fillsContext:
      blocks.some((block) => !isShownInFull(block)) ||
      // Neither text nor a list of blocks.
      contents.some(isNested) ||
      (isObject(body.thread) && body.thread.type !== "create"),
    audio: false,
  };
}

/** Content blocks, those inside tool results and inline documents after the block that holds them. */
function contentOf(content: unknown): JsonObject[] {
  return objectsOf(content).flatMap((block) => {
    if (block.type === "tool_result" || block.type === "search_result")
      return [block, ...contentOf(block.content)];
    if (block.type === "document" && isObject(block.source)) {
      return [block, ...contentOf(block.source.content)];
    }
    return [block];
  });
}

const TEXT_BLOCKS = new Set<unknown>([
  "text",
  "thinking",
  "redacted_thinking",
  "tool_use",
  "tool_result",
  "server_tool_use",
  "search_result",
]);

/** Files, addresses and PDF pages hold more than their characters; images have an allowance instead. */
function isShownInFull(block: JsonObject): boolean {
  if (block.type === "image" || TEXT_BLOCKS.has(block.type)) return !isNested(block.content);
  const source = block.type === "document" && isObject(block.source) ? block.source.type : undefined;
  return source === "text" || source === "content";
}

function base64Characters(source: unknown): number {
  if (!isObject(source) || source.type !== "base64") return 0;
  return base64Length(source.data);
}

const DEFINED_TOOL = /^(bash|text_editor|computer|memory)_\d+$/;
const DEFINED_TOOLSET = /^(browser|computer)_toolset_\d+$/;

export function definedToolTokens(tools: unknown): number {
  return objectsOf(tools).reduce((sum, { type }) => {
    if (typeof type !== "string") return sum;
    if (DEFINED_TOOLSET.test(type)) return sum + DEFINED_TOOLSET_TOKENS;
    return DEFINED_TOOL.test(type) ? sum + DEFINED_TOOL_TOKENS : sum;
  }, 0);
}

function unboundedIn(body: JsonObject): UnboundedFeature[] {
  const found: UnboundedFeature[] = [];
  if (!boundingList(body, "tools").every(runsAtTheCaller)) found.push("serverTool");
  if (boundingList(body, "mcp_servers").length > 0) found.push("mcpServer");
  if (isGiven(body.container)) found.push("container");
  if (isGiven(body.compaction) || hasCompactingEdit(body.context_management)) found.push("compaction");
  if (isGiven(body.fallbacks)) found.push("otherModels");
  return found;
}

export function runsAtTheCaller(tool: unknown): boolean {
  if (!isObject(tool)) return false;
  const { type } = tool;
  if (!isGiven(type) || type === "custom") return true;
  return typeof type === "string" && (DEFINED_TOOL.test(type) || DEFINED_TOOLSET.test(type));
}

/** Edits that clear only take away. */
function hasCompactingEdit(management: unknown): boolean {
  if (!isGiven(management)) return false;
  if (!isObject(management)) return true;
  return objectsOf(boundingList(management, "edits")).some(({ type }) => !String(type).startsWith("clear_"));
}
