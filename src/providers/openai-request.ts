/** What requests to all of OpenAI's APIs have in common, whoever serves them. */
import { audioTokens, imageTokens } from "./allowances.ts";
import { base64Length } from "./bounding-fields.ts";
import { cacheWriteOf } from "./cache-control.ts";
import { isResident } from "./hosts.ts";
import { isGiven, isObject, nonEmptyString } from "./json.ts";
import type { ApiRequest, ProviderCall } from "./provider.ts";

/** On Azure the deployment in the path is what is called, whatever the body says. Empty where neither names a model. */
export function modelCalled({ url, body }: ApiRequest): string {
  const deployment = /\/openai\/deployments\/([^/]+)\//i.exec(url.pathname)?.[1];
  if (deployment === undefined) return nonEmptyString(body.model) ?? "";
  try {
    return decodeURIComponent(deployment);
  } catch {
    return deployment;
  }
}

/** What a call asks for besides its input, its output and its tools. */
export function termsOf(request: ApiRequest) {
  const { url, provider, body } = request;
  return {
    model: modelCalled(request),
    stream: body.stream === true,
    // OpenAI's models write theirs unasked: their prices say so.
    cacheWrite: cacheWriteOf(body),
    fast: body.service_tier === "ultrafast",
    regional: isResident(url),
    priorityTier: priorityTierOf(body.service_tier, provider),
  };
}

/** Only accounts of OpenAI's, and of Azure's, can have a dearer tier as their default. */
function priorityTierOf(tier: unknown, provider: string): ProviderCall["priorityTier"] {
  const hasDefault = provider === "openai" || provider === "azure";
  if (!isGiven(tier) || tier === "auto") return hasDefault ? "open" : "excluded";
  return tier === "default" || tier === "flex" || tier === "on_demand" ? "excluded" : "asked";
}

/** Media in a request: Base64 characters that are not billed as text, and the tokens that stand for them at most. */
export interface Media {
  readonly mediaCharacters: number;
  readonly allowanceTokens: number;
}

/**
 * @param address `https:` or `data:`, whatever the part holds.
 * @returns undefined where only the context window bounds what is seen.
 */
export function imageMedia(address: unknown, detail: unknown, request: ApiRequest): Media | undefined {
  const { price, provider } = request;
  if (!isImage(address, provider)) return undefined;
  return { mediaCharacters: dataUrlCharacters(address), allowanceTokens: imageTokens(price, detail) };
}

/** @returns undefined where only the context window bounds what is heard. */
export function audioMedia(audio: unknown): Media | undefined {
  const { data, format } = isObject(audio) ? audio : {};
  const mediaCharacters = base64Length(data);
  // An address, or an id.
  if (mediaCharacters === 0) return undefined;
  const allowanceTokens = audioTokens(`audio/${format}`, mediaCharacters);
  return allowanceTokens === undefined ? undefined : { mediaCharacters, allowanceTokens };
}

/** Gemini takes whatever an address leads to, films and documents too. */
function isImage(address: unknown, provider: string): boolean {
  const url = String(address);
  return url.startsWith("data:image/") || (provider !== "google" && !/^(?:data|gs):/.test(url));
}

function dataUrlCharacters(url: unknown): number {
  if (typeof url !== "string" || !url.startsWith("data:image/")) return 0;
  return base64Length(url.slice(url.indexOf(",") + 1));
}
