/** OpenAI's embeddings, and whoever speaks them: Azure, Mistral, Voyage and others. */
import { asInput } from "./counts.ts";
import { isResident } from "./hosts.ts";
import { isGiven, isObject, type JsonObject, nonEmptyString, objectsOf } from "./json.ts";
import { noEvents } from "./no-events.ts";
import { costAndDoubts, readTokens } from "./openai-chat-usage.ts";
import { isOpenAiError, openAiError } from "./openai-errors.ts";
import { modelCalled } from "./openai-request.ts";
import type {
  ApiRequest,
  InputShape,
  ProviderApi,
  ProviderCall,
  ReportedUsage,
  UsageContext,
} from "./provider.ts";

export const openAiEmbeddings: ProviderApi = {
  name: "openai-embeddings",
  defaultProvider: "openai",

  serves: (url) => /\/embeddings\/*$/.test(url.pathname),
  // Named with the rest of the platform's.
  isFree: () => false,

  readCall,
  withOutputLimit: ({ body }) => body,
  askingForUsage: () => undefined,
  isUsageOnly: () => false,

  isAnswer: (body) => objectsOf(body.data).some(({ embedding }) => isGiven(embedding)),
  readAnswer,
  readEvents: noEvents,
  isErrorBody: isOpenAiError,
  errorBody: openAiError,
};

function readCall(request: ApiRequest): ProviderCall {
  return {
    model: modelCalled(request),
    stream: false,
    input: inputOf(request.body.input),
    output: { limitTokens: 0, choices: 1, audio: false, image: false },
    cacheWrite: undefined,
    fast: false,
    regional: isResident(request.url),
    priorityTier: "excluded",
    unbounded: [],
  };
}

/** Tokens that were counted beforehand, as lists of their numbers, are as many as there are. */
function inputOf(input: unknown): InputShape {
  const inputs = Array.isArray(input) && !isTokens(input) ? input : [input];
  const counted = inputs.filter(isTokens);
  return {
    mediaCharacters: counted.reduce((sum, tokens) => sum + JSON.stringify(tokens).length, 0),
    allowanceTokens: counted.reduce((sum, tokens) => sum + tokens.length, 0),
    fillsContext: inputs.some((each) => typeof each !== "string" && !isTokens(each)),
    audio: false,
    inputs: Math.max(1, inputs.length),
  };
}

function isTokens(input: unknown): input is number[] {
  return Array.isArray(input) && input.length > 0 && input.every((token) => typeof token === "number");
}

/** Voyage states a total alone, Mistral completion tokens of 0. */
function readAnswer(body: JsonObject, call: UsageContext): ReportedUsage | undefined {
  const { usage } = body;
  if (!isObject(usage)) return undefined;
  const counts: JsonObject = { completion_tokens: 0, prompt_tokens: usage.total_tokens, ...usage };
  const tokens = readTokens(counts, undefined);
  return (
    tokens && {
      models: [{ model: nonEmptyString(body.model), tokens: asInput(tokens) }],
      extras: { regional: call.regional },
      ...costAndDoubts(counts, call),
    }
  );
}
