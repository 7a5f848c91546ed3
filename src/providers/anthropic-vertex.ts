/** Claude on Vertex AI: Anthropic's messages, the model and the stream in the path. */
import { anthropicMessages } from "./anthropic-messages.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { ApiRequest, ProviderApi, ProviderCall, ReportedUsage, UsageContext } from "./provider.ts";

export const anthropicOnVertex: ProviderApi = {
  ...anthropicMessages,
  name: "anthropic-vertex",
  defaultProvider: "google",

  serves: (url) => modelIn(url) !== undefined && !isCount(url),
  isFree: isCount,

  readCall,
  isAnswer: () => false,
  readAnswer: (body, call) => located(anthropicMessages.readAnswer(body, call), call),
  readEvents(call) {
    const reader = anthropicMessages.readEvents(call);
    return {
      read: (data) => reader.read(data),
      get ended() {
        return reader.ended;
      },
      get complete() {
        return reader.complete;
      },
      usage: () => located(reader.usage(), call),
    };
  },
  isErrorBody: (body, status) => anthropicMessages.isErrorBody(body, status) || isGoogleError(body),
};

const MODEL_PATH = /\/publishers\/anthropic\/models\/([^/]+):(?:r|streamR)awPredict$/;

function modelIn({ pathname }: URL): string | undefined {
  return MODEL_PATH.exec(pathname)?.[1]?.replace(/%40/i, "@");
}

/** Counting is a model of its own there, and costs nothing. */
function isCount(url: URL): boolean {
  return modelIn(url) === "count-tokens";
}

function readCall(request: ApiRequest): ProviderCall {
  const { pathname } = request.url;
  return {
    ...anthropicMessages.readCall(request),
    model: modelIn(request.url) ?? "",
    stream: pathname.endsWith(":streamRawPredict"),
    regional: !pathname.includes("/locations/global/"),
  };
}

/** The address says whether the call stays in a region, the answer does not. */
function located(usage: ReportedUsage | undefined, { regional }: UsageContext): ReportedUsage | undefined {
  return usage && { ...usage, extras: { ...usage.extras, regional } };
}

function isGoogleError({ error }: JsonObject): boolean {
  return isObject(error) && typeof error.status === "string" && typeof error.message === "string";
}
