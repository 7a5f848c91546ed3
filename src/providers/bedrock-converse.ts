/** Amazon Bedrock's Converse: one form for the models of all vendors. Its streams are binary, and are not metered. */
import { imageTokens } from "./allowances.ts";
import {
  definedToolTokens,
  limitWithThoughts,
  openedContext,
  runsAtTheCaller,
} from "./anthropic-messages.ts";
import { bedrockCall, bedrockError, isBedrockError } from "./bedrock-paths.ts";
import { base64Length, boundingCount, boundingList, outputFloor } from "./bounding-fields.ts";
import { beyondParts, optionalCount, requiredCount, servedTier, tokensFrom, totalDoubts } from "./counts.ts";
import { isGiven, isNested, isObject, type JsonObject, jsonText, nonEmptyString, objectsOf } from "./json.ts";
import { noEvents } from "./no-events.ts";
import type {
  ApiRequest,
  InputShape,
  LimitLowering,
  OutputShape,
  ProviderApi,
  ProviderCall,
  ReportedUsage,
  UsageContext,
} from "./provider.ts";
import { passesOf, type UnboundedFeature } from "./unbounded.ts";

export const bedrockConverse: ProviderApi = {
  name: "bedrock-converse",
  defaultProvider: "bedrock",

  serves: (url) => bedrockCall(url)?.action === "converse",
  isFree: (url) => bedrockCall(url)?.action === "count-tokens",
  whyNot: (url) => NOT_METERED.get(bedrockCall(url)?.action ?? ""),

  readCall,
  withOutputLimit: ({ body }, limitTokens) => ({
    ...body,
    inferenceConfig: { ...objectIn(body.inferenceConfig), maxTokens: limitTokens },
  }),
  askingForUsage: () => undefined,
  isUsageOnly: () => false,

  isAnswer: (body) => isObject(body.output) && "stopReason" in body,
  readAnswer,
  readEvents: noEvents,
  isErrorBody: isBedrockError,
  errorBody: bedrockError,
};

const BINARY = "Bedrock's streams are binary, and only Converse is metered, whose answer is JSON";
const NOT_METERED: ReadonlyMap<string, string> = new Map([
  ["converse-stream", BINARY],
  ["invoke-with-response-stream", BINARY],
  ["invoke-with-bidirectional-stream", BINARY],
  ["invoke", "of InvokeModel only Claude's form is metered; Converse is, with every model"],
  ["async-invoke", "an asynchronous call states no usage in its answer"],
]);

function readCall(request: ApiRequest): ProviderCall {
  const { url, body } = request;
  const model = bedrockCall(url)?.model ?? "";
  return {
    model,
    stream: false,
    input: inputOf(request),
    output: outputOf(body),
    cacheWrite: cacheWriteOf(body),
    fast: false,
    // The profile in the model's name says it.
    regional: false,
    priorityTier: isPriority(body) ? "asked" : "excluded",
    unbounded: unboundedIn(body, model),
  };
}

function inputOf({ body, price }: ApiRequest): InputShape {
  const contents = [body.system, ...objectsOf(boundingList(body, "messages")).map(({ content }) => content)];
  const blocks = contents.flatMap(contentOf);
  const images = blocks.filter((block) => isObject(block.image)).map(({ image }) => objectIn(image));
  const sources = images.map(({ source }) => objectIn(source));
  return {
    mediaCharacters: sources.reduce((sum, { bytes }) => sum + base64Length(bytes), 0),
    allowanceTokens: images.length * imageTokens(price) + definedToolTokens(additional(body).tools),
    fillsContext:
      isGiven(body.promptVariables) ||
      sources.some(({ bytes }) => typeof bytes !== "string") ||
      blocks.some((block) => !Object.keys(block).every((kind) => SHOWN_KINDS.has(kind))) ||
      contents.some(isNested) ||
      // Fields of the model's own may stand for these.
      ["messages", "system"].some((field) => isGiven(additional(body)[field])),
    audio: blocks.some((block) => isGiven(block.audio)),
    contextTokens: openedContext(additional(body).anthropic_beta),
  };
}

/** Kinds of blocks that hold no more than they show; images have an allowance. Documents, video and audio hold more. */
const SHOWN_KINDS = new Set([
  "text",
  "image",
  "toolUse",
  "toolResult",
  "guardContent",
  "cachePoint",
  "reasoningContent",
  "citationsContent",
  "json",
  "searchResult",
]);

/** Content blocks, those inside of tool results and guarded content after the block that holds them. */
function contentOf(content: unknown): JsonObject[] {
  return objectsOf(content).flatMap((block) => [
    block,
    ...contentOf(objectIn(block.toolResult).content),
    ...(isObject(block.guardContent) ? contentOf([block.guardContent]) : []),
  ]);
}

/** The limit may also stand among the model's own fields, under the vendor's name for it. */
function outputOf(body: JsonObject): OutputShape {
  const own = additional(body);
  const ownLimits = [own, ...Object.values(own)].flatMap(limitsIn);
  const limits = [...limitsIn(body.inferenceConfig), ...ownLimits];
  const textTokens = limits.length > 0 ? Math.max(...limits) : undefined;
  const limitTokens = limitWithThoughts(textTokens, own.thinking ?? own.reasoning_config);
  const isAlone = ownLimits.length === 0 && limitTokens === textTokens;
  return {
    limitTokens,
    choices: 1,
    audio: false,
    image: false,
    lowering: isAlone ? loweringOf(body) : undefined,
  };
}

/** `max_tokens`, `max_gen_len`, `maxTokenCount` and more. */
function limitsIn(place: unknown): number[] {
  const fields = objectIn(place);
  const names = Object.keys(fields).filter((name) => /^max.*(?:tok|len)/i.test(name));
  return names.map((name) => boundingCount(fields, name)).filter((limit) => limit !== undefined);
}

function loweringOf(body: JsonObject): LimitLowering {
  const { thinking, reasoning_config: older } = additional(body);
  return {
    floorTokens: Math.max(outputFloor(thinking, "budget_tokens"), outputFloor(older, "budget_tokens")),
    structured: isGiven(objectIn(body.outputConfig).textFormat),
  };
}

/** Cache points of Converse's, and `cache_control` among Claude's own fields. */
function cacheWriteOf(body: JsonObject): "5m" | "1h" | undefined {
  const text = jsonText(body);
  if (!/"(?:cachePoint|cache_control)":\{/.test(text)) return undefined;
  return text.includes('"ttl":"1h"') ? "1h" : "5m";
}

function isPriority({ serviceTier, performanceConfig }: JsonObject): boolean {
  return objectIn(serviceTier).type === "priority" || objectIn(performanceConfig).latency === "optimized";
}

function unboundedIn(body: JsonObject, model: string): UnboundedFeature[] {
  const found = passesOf(model);
  const own = additional(body);
  const tools = objectsOf(boundingList(objectIn(body.toolConfig), "tools"));
  const areCallers = tools.every((tool) => isObject(tool.toolSpec) || isObject(tool.cachePoint));
  if (!areCallers || !boundingList(own, "tools").every(runsAtTheCaller)) found.push("serverTool");
  if (boundingList(own, "mcp_servers").length > 0) found.push("mcpServer");
  if (isGiven(body.guardrailConfig)) found.push("guardrail");
  if (model.includes("prompt-router")) found.push("otherModels");
  return found;
}

function additional(body: JsonObject): JsonObject {
  return objectIn(body.additionalModelRequestFields);
}

function objectIn(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The model is in the path alone, unless a router chose it. */
function readAnswer(body: JsonObject, call: UsageContext): ReportedUsage | undefined {
  if (!isObject(body.usage)) return undefined;
  const { usage } = body;
  const cached = optionalCount(usage.cacheReadInputTokens ?? usage.cacheReadInputTokenCount);
  const written = optionalCount(usage.cacheWriteInputTokens ?? usage.cacheWriteInputTokenCount);
  const input = requiredCount(usage.inputTokens);
  const output = requiredCount(usage.outputTokens);
  const parts = input + cached + written + output;
  const { latency } = objectIn(body.performanceConfig);
  const isOptimized = latency === "optimized";
  const tokens = tokensFrom(
    {
      inputTokens: input,
      cachedInputTokens: cached,
      ...writesOf(usage, written, call),
      outputTokens: output + beyondParts(usage.totalTokens, parts),
    },
    isOptimized ? "priority" : servedTier(objectIn(body.serviceTier).type ?? latency, call),
  );
  if (tokens === undefined) return undefined;
  const doubts = totalDoubts(usage.totalTokens, parts);
  if (isOptimized) doubts.push("it ran optimised for latency, which is booked at the priority tier's price");
  if (Object.values(objectIn(usage.serverToolUsage)).some((count) => Number(count) > 0)) {
    doubts.push("it used tools of the provider's, whose fees it does not state");
  }
  const { invokedModelId } = objectIn(objectIn(body.trace).promptRouter);
  return { models: [{ model: nonEmptyString(invokedModelId), tokens }], extras: {}, doubts };
}

/** Writes that the details do not explain cost the hour's price if the request asked for an hour anywhere. */
function writesOf(usage: JsonObject, written: number, call: UsageContext) {
  const details = objectsOf(usage.cacheDetails);
  const ofHour = details.filter(({ ttl }) => ttl === "1h");
  const sum = (entries: JsonObject[]) =>
    entries.reduce((total, { inputTokens }) => total + requiredCount(inputTokens), 0);
  const for1h = sum(ofHour);
  const unexplained = Math.max(0, written - sum(details));
  const all1h = call.cacheWrite === "1h" ? for1h + unexplained : for1h;
  return { cacheWriteTokens: Math.max(0, written - all1h), cacheWrite1hTokens: all1h };
}
