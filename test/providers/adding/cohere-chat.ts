/** Cohere's chat, version 2: https://docs.cohere.com/reference/chat */
import { boundingCount } from "../../../src/providers/bounding-fields.ts";
import { requiredCount, tokensFrom } from "../../../src/providers/counts.ts";
import { isGiven, isObject, nonEmptyString, objectsOf, parseObject } from "../../../src/providers/json.ts";
import type { ProviderApi, ReportedUsage } from "../../../src/providers/provider.ts";

export const cohereChat: ProviderApi = {
  name: "cohere-chat",
  defaultProvider: "cohere", // whose prices apply where the host names nobody
  serves: (url) => /\/v2\/chat\/*$/.test(url.pathname), // billed
  isFree: (url) => /\/v1\/(?:de)?tokenize\/*$/.test(url.pathname), // and passed unmetered

  readCall: ({ body }) => ({
    model: nonEmptyString(body.model) ?? "", // empty: refused
    stream: body.stream === true,
    input: {
      mediaCharacters: 0, // Base64 that is not billed as text
      allowanceTokens: 0, // what stands in for it
      // Images: only the context window bounds them. Text is bounded by its bytes.
      fillsContext: objectsOf(body.messages).some(({ content }) =>
        objectsOf(content).some(({ type }) => type !== "text"),
      ),
      audio: false,
    },
    output: {
      limitTokens: boundingCount(body, "max_tokens"), // undefined: the model's most
      choices: 1,
      audio: false,
      image: false,
      lowering: { floorTokens: 16, structured: isGiven(body.response_format) }, // for the option `clamp`
    },
    cacheWrite: undefined,
    fast: false,
    regional: false,
    priorityTier: "excluded",
    unbounded: [], // features of unbounded.ts: such calls are refused
  }),
  withOutputLimit: ({ body }, limitTokens) => ({ ...body, max_tokens: limitTokens }),
  askingForUsage: () => undefined, // it comes without asking
  isUsageOnly: () => false,

  isAnswer: (body) => isObject(body.usage) && isObject(body.usage.billed_units),
  readAnswer: ({ usage }) => readUsage(usage),
  readEvents() {
    let usage: unknown;
    let ended = false;
    return {
      read(data) {
        const event = parseObject(data);
        if (event?.type !== "message-end") return;
        ended = true;
        usage = isObject(event.delta) ? event.delta.usage : undefined;
      },
      get ended() {
        return ended; // final, however the stream ends
      },
      get complete() {
        return ended; // final, if the stream closes here
      },
      usage: () => readUsage(usage),
    };
  },
  // In an answer of 4xx or 5xx: nothing was billed, so that the hold is given back.
  isErrorBody: ({ id, message }) => typeof id === "string" && typeof message === "string",
  errorBody: (code, message) => ({ id: code, message }),
};

/** What is billed stands in `billed_units`; `tokens` has the prompt's template, too. Undefined, never zeros, where it is missing. */
function readUsage(usage: unknown): ReportedUsage | undefined {
  const units = isObject(usage) && isObject(usage.billed_units) ? usage.billed_units : {};
  const [inputTokens, outputTokens] = [requiredCount(units.input_tokens), requiredCount(units.output_tokens)];
  const tokens = tokensFrom({ inputTokens, outputTokens }, undefined);
  // The answer names no model: the one that was called prices it.
  return tokens && { models: [{ model: undefined, tokens }], extras: {} };
}
