/** OpenAI's embeddings: no stream, and nothing but input is counted. */
import type { Dialect } from "./dialect.ts";

export const openAiEmbeddings: Dialect = {
  serves: (path) => /\/embeddings(\?|$)/.test(path),
  isStream: () => false,
  answer: ({ model, inputTokens }) => ({
    object: "list",
    // 0.5 and -0.25, as the four bytes of a float each.
    data: [{ object: "embedding", index: 0, embedding: "AAAAPwAAgL4=" }],
    model,
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  }),
  events: () => [],
  error: (type, message) => ({ error: { message, type, param: null, code: null } }),
};
