/** `@google/genai`, whose fetch is one of its `httpOptions`. */
import { GoogleGenAI } from "@google/genai";
import { GEMINI_ERROR, OUTPUT_TOKENS_MAX, type Sdk } from "../sdk.ts";

export const GOOGLE_GENAI_CLIENT: Sdk = {
  name: "@google/genai 3",
  provider: "google",
  model: "gemini-2.5-flash",
  price: { input: 300, output: 2_500 },
  refusal: { body: GEMINI_ERROR, error: { status: 400 } },
  retries: "never",
  connect({ meter }) {
    const client = new GoogleGenAI({ apiKey: "none", httpOptions: { fetch: meter.fetch } });
    const paramsOf = (contents: string, abortSignal: AbortSignal | undefined) => ({
      model: "gemini-2.5-flash",
      contents,
      config: { maxOutputTokens: OUTPUT_TOKENS_MAX, ...(abortSignal && { abortSignal }) },
    });
    return {
      ask: async (question, signal) =>
        (await client.models.generateContent(paramsOf(question, signal))).text ?? "",
      async *stream(question, signal) {
        for await (const chunk of await client.models.generateContentStream(paramsOf(question, signal))) {
          if (chunk.text !== undefined && chunk.text !== "") yield chunk.text;
        }
      },
    };
  },
};
