/** Cohere's embeddings: https://docs.cohere.com/reference/embed */
import { requiredCount, tokensFrom } from "../../../src/providers/counts.ts";
import { isGiven, isObject, nonEmptyString } from "../../../src/providers/json.ts";
import { noEvents } from "../../../src/providers/no-events.ts";
import type { ProviderApi } from "../../../src/providers/provider.ts";

export const cohereEmbed: ProviderApi = {
  name: "cohere-embed",
  defaultProvider: "cohere", // whose prices apply where the host names nobody
  serves: (url) => /\/v2\/embed\/*$/.test(url.pathname), // billed
  isFree: (url) => /\/v1\/(?:de)?tokenize\/*$/.test(url.pathname), // and passed unmetered

  readCall: ({ body: { model, texts, images, inputs } }) => ({
    model: nonEmptyString(model) ?? "", // empty: refused
    stream: false,
    input: {
      mediaCharacters: 0, // Base64 that is not billed as text
      allowanceTokens: 0, // what stands in for it
      fillsContext: isGiven(images) || isGiven(inputs), // held at the model's context window; texts at their bytes
      audio: false,
      inputs: Math.max(1, [texts, images, inputs].flat().filter(isGiven).length), // each has a context window
    },
    output: { limitTokens: 0, choices: 1, audio: false, image: false },
    cacheWrite: undefined,
    fast: false,
    regional: false,
    priorityTier: "excluded",
    unbounded: [], // features of unbounded.ts: such calls are refused
  }),
  withOutputLimit: ({ body }) => body, // there is no output
  askingForUsage: () => undefined, // it comes without asking
  isUsageOnly: () => false,

  isAnswer: ({ embeddings }) => isGiven(embeddings),
  readAnswer({ meta }) {
    const units = isObject(meta) && isObject(meta.billed_units) ? meta.billed_units : {};
    if (isGiven(units.images)) return undefined; // not in tokens: settled at the hold
    const tokens = tokensFrom({ inputTokens: requiredCount(units.input_tokens), outputTokens: 0 }, undefined);
    // The answer names no model: the one that was called prices it. Undefined, never zeros, where a count is missing.
    return tokens && { models: [{ model: undefined, tokens }], extras: {} };
  },
  readEvents: noEvents,
  // In an answer of 4xx or 5xx: nothing was billed, so that the hold is given back.
  isErrorBody: ({ id, message }) => typeof id === "string" && typeof message === "string",
  errorBody: (code, message) => ({ id: code, message }),
};
