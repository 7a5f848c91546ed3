/** What requests to all of OpenAI's APIs have in common, whoever serves them. */
import { base64Length } from "./bounding-fields.ts";
import { cacheWriteOf } from "./cache-control.ts";
import { isResident } from "./hosts.ts";
import { isGiven, nonEmptyString } from "./json.ts";
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

/** Images by the tile cost 2,833 + 8 × 5,667 tokens at most on gpt-4o-mini; elsewhere up to 10,000 patches each. */
const IMAGE_TOKENS = 16_384;
const TILED_MINI_IMAGE_TOKENS = 49_152;
const LOW_DETAIL_IMAGE_TOKENS = 3_072;
/** Audio is one token for 100 ms, and the poorest MP3 spends more than 64 Base64 characters on that. */
const AUDIO_CHARACTERS_PER_TOKEN = 64;

/** Media in a request: Base64 characters that are not billed as text, and the tokens that stand for them at most. */
export interface Media {
  readonly mediaCharacters: number;
  readonly allowanceTokens: number;
}

/** @param address `https:` or `data:`, whatever the part holds. */
export function imageMedia(image: { address: unknown; detail: unknown; model: string }): Media {
  return { mediaCharacters: dataUrlCharacters(image.address), allowanceTokens: imageTokens(image) };
}

/** @param data Base64. */
export function audioMedia(data: unknown): Media {
  const mediaCharacters = base64Length(data);
  return { mediaCharacters, allowanceTokens: Math.ceil(mediaCharacters / AUDIO_CHARACTERS_PER_TOKEN) };
}

function imageTokens({ detail, model }: { detail: unknown; model: string }): number {
  if (detail === "low") return LOW_DETAIL_IMAGE_TOKENS;
  return model.includes("gpt-4o-mini") ? TILED_MINI_IMAGE_TOKENS : IMAGE_TOKENS;
}

function dataUrlCharacters(url: unknown): number {
  if (typeof url !== "string" || !url.startsWith("data:image/")) return 0;
  return base64Length(url.slice(url.indexOf(",") + 1));
}
