/** The provider APIs that can be metered, and how an address or an answer finds its own. */
import { anthropicOnBedrock } from "./anthropic-bedrock.ts";
import { anthropicMessages } from "./anthropic-messages.ts";
import { anthropicOnVertex } from "./anthropic-vertex.ts";
import { bedrockConverse } from "./bedrock-converse.ts";
import { gemini } from "./gemini.ts";
import { geminiEmbeddings } from "./gemini-embeddings.ts";
import { providerAt } from "./hosts.ts";
import { isObject, type JsonObject } from "./json.ts";
import { openAiChat } from "./openai-chat.ts";
import { openAiEmbeddings } from "./openai-embeddings.ts";
import { openAiResponses } from "./openai-responses.ts";
import type { ProviderApi, ReportedUsage, UsageContext } from "./provider.ts";

/** All APIs; a new one is its file and its line here. */
export const PROVIDER_APIS: readonly ProviderApi[] = [
  openAiChat,
  openAiResponses,
  openAiEmbeddings,
  anthropicMessages,
  anthropicOnVertex,
  anthropicOnBedrock,
  bedrockConverse,
  gemini,
  geminiEmbeddings,
];

/** What a request to an address is. */
export type Route =
  | { kind: "call"; api: ProviderApi; url: URL; provider: string }
  | { kind: "free" }
  | { kind: "unknown"; reason?: string };

/** Methods that ask for what exists, or take it away. */
const FREE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "DELETE"]);

/**
 * Recognises a request by its method and address, under any base path.
 *
 * @param method in capitals.
 */
export function routeOf(method: string, url: URL): Route {
  if (url.protocol !== "http:" && url.protocol !== "https:") return { kind: "free" };
  if (FREE_METHODS.has(method)) return { kind: "free" };
  if (method !== "POST") return { kind: "unknown" };
  const api = PROVIDER_APIS.find((candidate) => candidate.serves(url));
  if (api !== undefined) {
    return { kind: "call", api, url, provider: providerAt(url) ?? api.defaultProvider };
  }
  if (PROVIDER_APIS.some((candidate) => candidate.isFree(url))) return { kind: "free" };
  const reasons = PROVIDER_APIS.flatMap((candidate) => candidate.whyNot?.(url) ?? []);
  return reasons[0] === undefined ? { kind: "unknown" } : { kind: "unknown", reason: reasons[0] };
}

/** A provider's answer, recognised. */
export interface RecognisedAnswer {
  readonly api: ProviderApi;
  readonly usage: ReportedUsage;
}

/**
 * Reads usage out of a provider's answer as it came, recognised by its shape.
 *
 * @param response the parsed JSON body, or what an SDK made of it.
 * @param provider who was called, where that is known.
 * @returns undefined for what no API recognises, and for answers whose usage is missing or malformed.
 */
export function readResponse(response: unknown, provider?: string): RecognisedAnswer | undefined {
  if (!isObject(response)) return undefined;
  const api = PROVIDER_APIS.find((candidate) => candidate.isAnswer(response));
  const usage = api && readUsageOf(api, response, { ...UNKNOWN_REQUEST, provider });
  return api === undefined || usage === undefined ? undefined : { api, usage };
}

/** The usage in an answer; undefined, too, where reading it fails: the call was sent, so its caller must not hear of it. */
export function readUsageOf(
  api: ProviderApi,
  body: JsonObject,
  call: UsageContext,
): ReportedUsage | undefined {
  try {
    return api.readAnswer(body, call);
  } catch {
    return undefined;
  }
}

const UNKNOWN_REQUEST: UsageContext = { cacheWrite: undefined, fast: false, regional: false };
