/** `@langchain/openai`, whose fetch is one of the options that it gives its `openai` client. */
import { ChatOpenAI } from "@langchain/openai";
import { OPENAI_ERROR, OUTPUT_TOKENS_MAX, type Sdk } from "../sdk.ts";

export const LANGCHAIN_CLIENTS: Sdk[] = [
  langchain("chat", { useResponsesApi: false }),
  langchain("responses", { useResponsesApi: true }),
];

function langchain(api: string, { useResponsesApi }: { useResponsesApi: boolean }): Sdk {
  return {
    name: `@langchain/openai 1, ${api}`,
    provider: "openai",
    model: "gpt-4o-mini",
    price: { input: 150, output: 600 },
    refusal: { body: OPENAI_ERROR, error: { status: 400 } },
    retries: "slowly",
    connect({ meter, maxRetries }) {
      const model = new ChatOpenAI({
        model: "gpt-4o-mini",
        apiKey: "none",
        useResponsesApi,
        maxTokens: OUTPUT_TOKENS_MAX,
        configuration: { fetch: meter.fetch },
        ...(maxRetries === undefined ? {} : { maxRetries }),
      });
      return {
        ask: async (question, signal) => (await model.invoke(question, { ...(signal && { signal }) })).text,
        async *stream(question, signal) {
          for await (const { text } of await model.stream(question, { ...(signal && { signal }) }))
            if (text !== "") yield text;
        },
      };
    },
  };
}
