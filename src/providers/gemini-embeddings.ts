/** Gemini's embedContent and batchEmbedContents, of AI Studio and of Vertex. */
import { asInput } from "./counts.ts";
import { calledModel, gemini } from "./gemini.ts";
import { shapeOf } from "./gemini-content.ts";
import { readUsageMetadata } from "./gemini-usage.ts";
import { listOf } from "./google-fields.ts";
import { isObject, type JsonObject } from "./json.ts";
import { noEvents } from "./no-events.ts";
import type { ApiRequest, ProviderApi, ProviderCall, ReportedUsage, UsageContext } from "./provider.ts";

const METHODS = "embedContent|batchEmbedContents";

export const geminiEmbeddings: ProviderApi = {
  name: "gemini-embeddings",
  defaultProvider: "google",

  serves: (url) => calledModel(url, METHODS) !== undefined,
  isFree: () => false,

  readCall,
  withOutputLimit: ({ body }) => body,
  askingForUsage: () => undefined,
  isUsageOnly: () => false,

  isAnswer: (body) => isObject(body.embedding) || Array.isArray(body.embeddings),
  readAnswer,
  readEvents: noEvents,
  isErrorBody: gemini.isErrorBody,
  errorBody: gemini.errorBody,
};

function readCall({ url, body }: ApiRequest): ProviderCall {
  const requests = listOf(body, "requests");
  const contents = [body, ...requests].flatMap((request) => listOf(request, "content"));
  return {
    model: calledModel(url, METHODS) ?? "",
    stream: false,
    input: { ...shapeOf(contents), inputs: Math.max(1, requests.length) },
    // What comes out is numbers.
    output: { limitTokens: 0, choices: 1, audio: false, image: false },
    cacheWrite: undefined,
    fast: false,
    regional: false,
    priorityTier: "excluded",
    unbounded: [],
  };
}

/** Models before gemini-embedding-2 state no usage, and none names itself. */
function readAnswer({ usageMetadata }: JsonObject, call: UsageContext): ReportedUsage | undefined {
  const tokens = isObject(usageMetadata) ? readUsageMetadata(usageMetadata, call) : undefined;
  return tokens && { models: [{ model: undefined, tokens: asInput(tokens) }], extras: {} };
}
