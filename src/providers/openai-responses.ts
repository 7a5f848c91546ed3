/** OpenAI's responses, and whoever speaks them: Azure, xAI, DeepSeek, OpenRouter, Bedrock and others. */
import { boundingCount, boundingList, LEAST_OUTPUT_TOKENS, outputFloor } from "./bounding-fields.ts";
import { isGiven, isObject, type JsonObject, parseObject } from "./json.ts";
import { isOpenAiError, openAiError } from "./openai-errors.ts";
import { termsOf } from "./openai-request.ts";
import { inputOf, toolsIn } from "./openai-responses-input.ts";
import { readUsage } from "./openai-responses-usage.ts";
import { unboundedAround } from "./openai-unbounded.ts";
import type {
  ApiRequest,
  EventReader,
  OutputShape,
  ProviderApi,
  ProviderCall,
  UsageContext,
} from "./provider.ts";
import type { UnboundedFeature } from "./unbounded.ts";

export const openAiResponses: ProviderApi = {
  name: "openai-responses",
  defaultProvider: "openai",

  serves: (url) => /\/responses\/*$/.test(url.pathname),
  // Named with the rest of the platform's.
  isFree: () => false,

  readCall,
  withOutputLimit: ({ body }, limitTokens) => ({
    ...body,
    max_output_tokens: Math.max(LEAST_OUTPUT_TOKENS, limitTokens),
  }),
  askingForUsage: () => undefined,
  isUsageOnly: () => false,

  isAnswer: (body) => body.object === "response",
  readAnswer: readUsage,
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
    output: outputOf(body),
    unbounded: unboundedIn(request, terms.model),
    feeCalls: feeCallsOf(body),
  };
}

function outputOf(body: JsonObject): OutputShape {
  const format = isObject(body.text) && isObject(body.text.format) ? body.text.format.type : undefined;
  return {
    limitTokens: boundingCount(body, "max_output_tokens"),
    choices: 1,
    audio: boundingList(body, "modalities").includes("audio"),
    image: boundingList(body, "modalities").includes("image"),
    lowering: {
      floorTokens: outputFloor(body.reasoning, "max_tokens"),
      structured: isGiven(format) && format !== "text",
    },
  };
}

function unboundedIn(request: ApiRequest, model: string): UnboundedFeature[] {
  const { body } = request;
  const found = [...unboundedAround(request, model), ...toolsIn(body).flatMap(runByProvider)];
  if (boundingList(body, "context_management").length > 0 || hasItem(body, "compaction_trigger"))
    found.push("compaction");
  // Its tools are those of the request where that has any list of them.
  if (isGiven(body.prompt) && !Array.isArray(body.tools)) found.push("storedPrompt");
  const agents = body.multi_agent;
  if (isGiven(agents) && !(isObject(agents) && agents.enabled === false)) found.push("severalPasses");
  return found;
}

function runByProvider(tool: unknown): UnboundedFeature[] {
  if (!isObject(tool)) return ["serverTool"];
  const { type, environment } = tool;
  if (RUN_BY_CALLER.has(type)) return [];
  if (type === "tool_search" && tool.execution === "client") return [];
  if (type === "shell" && isObject(environment) && environment.type === "local") return [];
  if (type === "mcp") return ["mcpServer"];
  if (type === "shell" || type === "code_interpreter") return ["container"];
  if (type === "image_generation") return ["imageTool"];
  return [isWebSearch(tool) ? "webSearch" : "serverTool"];
}

const RUN_BY_CALLER = new Set<unknown>([
  "function",
  "custom",
  "local_shell",
  "apply_patch",
  "computer",
  "computer_use_preview",
]);

function isWebSearch({ type }: JsonObject): boolean {
  return typeof type === "string" && type.startsWith("web_search");
}

function hasItem({ input }: JsonObject, type: string): boolean {
  return Array.isArray(input) && input.some((item) => isObject(item) && item.type === type);
}

/** The limit is on calls of all tools together; each kind of call has its fee. */
function feeCallsOf(body: JsonObject): ProviderCall["feeCalls"] {
  const most = boundingCount(body, "max_tool_calls", 0);
  if (most === undefined) return undefined;
  const tools = toolsIn(body).filter(isObject);
  return {
    ...(tools.some(isWebSearch) && { webSearches: most }),
    ...(tools.some(({ type }) => type === "file_search") && { fileSearches: most }),
  };
}

/** Usage comes once, in the event that ends the stream, whatever the end. */
function readEvents(call: UsageContext): EventReader {
  let response: JsonObject | undefined;
  return {
    read(data) {
      // Parsing every delta would cost more than forwarding it; in a text, these quotes would be escaped.
      if (!/"type"\s*:\s*"response\.(?:completed|incomplete|failed)"/.test(data)) return;
      const event = parseObject(data);
      if (event === undefined || !ENDS.has(event.type) || !isObject(event.response)) return;
      response = event.response;
    },
    get ended() {
      return response !== undefined;
    },
    get complete() {
      return response !== undefined;
    },
    usage: () => response && readUsage(response, call),
  };
}

const ENDS = new Set<unknown>(["response.completed", "response.incomplete", "response.failed"]);
