/** `usageMetadata`, as Gemini states it: counts of zero are left out. */
import type { Tokens } from "../pricing/usage.ts";
import { beyondParts, optionalCount, servedTier, tokensFrom, totalDoubts } from "./counts.ts";
import { isGiven, type JsonObject, objectsOf } from "./json.ts";
import type { UsageContext } from "./provider.ts";

/**
 * Exclusive counts. The prompt holds what was cached and not what tools added to it; candidates do not hold thoughts.
 *
 * @param call says the tier that was asked for, where the answer names none.
 * @returns undefined where neither the prompt nor the total is stated, and where a count is malformed.
 */
export function readUsageMetadata(usage: JsonObject, call: UsageContext): Tokens | undefined {
  if (!isGiven(usage.promptTokenCount) && !isGiven(usage.totalTokenCount)) return undefined;
  const { prompt, toolUse, candidates, thoughts } = statedParts(usage);
  const beyond = beyondParts(usage.totalTokenCount, prompt + toolUse + candidates + thoughts);
  const cached = optionalCount(usage.cachedContentTokenCount);
  // Embeddings leave an s out.
  const inputs = [usage.promptTokensDetails ?? usage.promptTokenDetails, usage.toolUsePromptTokensDetails];
  const audio = sum(inputs.map((details) => ofModality(details, "AUDIO")));
  const image = sum(inputs.map((details) => ofModality(details, "IMAGE")));
  const cachedAudio = Math.min(ofModality(usage.cacheTokensDetails, "AUDIO"), audio, cached);
  const cachedImage = Math.min(ofModality(usage.cacheTokensDetails, "IMAGE"), image, cached - cachedAudio);
  const audioInput = audio - cachedAudio;
  const imageInput = image - cachedImage;
  const audioOutput = ofModality(usage.candidatesTokensDetails, "AUDIO");
  const imageOutput = ofModality(usage.candidatesTokensDetails, "IMAGE");
  return tokensFrom(
    {
      inputTokens: Math.max(0, prompt + toolUse - cached - audioInput - imageInput),
      // There is no price for images that were cached.
      cachedInputTokens: cached - cachedAudio,
      audioInputTokens: audioInput,
      audioCachedInputTokens: cachedAudio,
      imageInputTokens: imageInput,
      outputTokens: Math.max(0, candidates - audioOutput - imageOutput) + thoughts + beyond,
      reasoningTokens: thoughts,
      audioOutputTokens: audioOutput,
      imageOutputTokens: imageOutput,
    },
    tierOf(usage, call),
  );
}

/** Whether the parts of the total add up, which they do in nearly every answer. */
export function doubtsOfTotal(usage: JsonObject): string[] {
  const { prompt, toolUse, candidates, thoughts } = statedParts(usage);
  return totalDoubts(usage.totalTokenCount, prompt + toolUse + candidates + thoughts);
}

function statedParts(usage: JsonObject) {
  return {
    prompt: optionalCount(usage.promptTokenCount),
    toolUse: optionalCount(usage.toolUsePromptTokenCount),
    candidates: optionalCount(usage.candidatesTokenCount),
    thoughts: optionalCount(usage.thoughtsTokenCount),
  };
}

function ofModality(details: unknown, modality: "AUDIO" | "IMAGE"): number {
  const counts = objectsOf(details).filter((each) => each.modality === modality);
  return sum(counts.map(({ tokenCount }) => optionalCount(tokenCount)));
}

/** Vertex says `ON_DEMAND_FLEX` or `ON_DEMAND_PRIORITY`, AI Studio `flex` or `priority`. */
function tierOf({ trafficType, serviceTier }: JsonObject, call: UsageContext): string | undefined {
  const stated = [trafficType, serviceTier].find(
    (tier) => isGiven(tier) && !/unspecified/i.test(String(tier)),
  );
  const served = servedTier(stated, call);
  return /(?:^|_)(flex|priority|batch)$/.exec(String(served).toLowerCase())?.[1];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
