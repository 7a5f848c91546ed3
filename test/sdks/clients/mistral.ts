/** `@mistralai/mistralai`, whose fetch is handed in under an `HTTPClient`. */
import { HTTPClient, Mistral } from "@mistralai/mistralai";
import { OUTPUT_TOKENS_MAX, type Sdk, userMessage } from "../sdk.ts";

export const MISTRAL_CLIENT: Sdk = {
  name: "@mistralai/mistralai 2",
  provider: "mistral",
  model: "mistral-small-latest",
  price: { input: 150, output: 600 },
  refusal: {
    body: { object: "error", message: "No such parameter", type: "invalid_request_error", code: 1500 },
    error: { statusCode: 400 },
  },
  retries: "never",
  connect({ meter }) {
    const client = new Mistral({ apiKey: "none", httpClient: new HTTPClient({ fetcher: meter.fetch }) });
    const bodyOf = (question: string) => ({
      model: "mistral-small-latest",
      messages: [userMessage(question)],
      maxTokens: OUTPUT_TOKENS_MAX,
    });
    return {
      async ask(question, signal) {
        const { choices } = await client.chat.complete(bodyOf(question), { signal: signal ?? null });
        return String(choices[0]?.message?.content ?? "");
      },
      async *stream(question, signal) {
        for await (const { data } of await client.chat.stream(bodyOf(question), { signal: signal ?? null })) {
          const text = data.choices[0]?.delta.content;
          if (typeof text === "string" && text !== "") yield text;
        }
      },
    };
  },
};
