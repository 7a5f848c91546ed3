/** `@openai/agents`, over an `openai` client of one's own. */
import { Agent, OpenAIProvider, Runner } from "@openai/agents";
import OpenAI from "openai";
import { OPENAI_ERROR, OUTPUT_TOKENS_MAX, type Sdk } from "../sdk.ts";

export const OPENAI_AGENTS_CLIENTS: Sdk[] = [
  agents("chat", { useResponses: false }),
  agents("responses", { useResponses: true }),
];

function agents(api: string, { useResponses }: { useResponses: boolean }): Sdk {
  return {
    name: `@openai/agents 0, ${api}`,
    provider: "openai",
    model: "gpt-4o-mini",
    price: { input: 150, output: 600 },
    refusal: { body: OPENAI_ERROR, error: { status: 400 } },
    retries: "soon",
    connect({ meter, maxRetries }) {
      const openAIClient = new OpenAI({
        apiKey: "none",
        fetch: meter.fetch,
        ...(maxRetries === undefined ? {} : { maxRetries }),
      });
      const modelProvider = new OpenAIProvider({ openAIClient, useResponses });
      const runner = new Runner({ modelProvider, tracingDisabled: true });
      const agent = new Agent({
        name: "Tester",
        model: "gpt-4o-mini",
        modelSettings: { maxTokens: OUTPUT_TOKENS_MAX },
      });
      return {
        ask: async (question, signal) =>
          String((await runner.run(agent, question, { ...(signal && { signal }) })).finalOutput),
        async *stream(question, signal) {
          const run = await runner.run(agent, question, { stream: true, ...(signal && { signal }) });
          for await (const text of run.toTextStream()) if (text !== "") yield text;
          await run.completed;
        },
      };
    },
  };
}
