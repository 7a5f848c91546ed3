/** Gemini's generateContent and streamGenerateContent, as events. */
import type { Dialect, Said } from "./dialect.ts";

export const gemini: Dialect = {
  serves: (path) => /:(generateContent|streamGenerateContent)(\?|$)/.test(path),
  isStream: ({ path }) => path.includes(":streamGenerateContent"),
  answer: (said) => chunkOf(said, said.words.join(""), { ends: true }),
  events(said) {
    const last = said.words.length - 1;
    return said.words.map(
      (word, index) => `data: ${JSON.stringify(chunkOf(said, word, { ends: index === last }))}\r\n\r\n`,
    );
  },
  error: (status, message) => ({ error: { code: 400, message, status } }),
};

/** Each chunk states what is counted so far; only the last is final. */
function chunkOf({ model, inputTokens, outputTokens }: Said, text: string, { ends }: { ends: boolean }) {
  const counted = ends ? outputTokens : Math.min(1, outputTokens);
  return {
    candidates: [
      { index: 0, content: { role: "model", parts: [{ text }] }, ...(ends ? { finishReason: "STOP" } : {}) },
    ],
    usageMetadata: {
      promptTokenCount: inputTokens,
      candidatesTokenCount: counted,
      totalTokenCount: inputTokens + counted,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: inputTokens }],
    },
    modelVersion: model,
    responseId: "r-1",
  };
}
