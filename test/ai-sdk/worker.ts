/** A Worker that answers by the AI SDK under `meterMiddleware`: `/generate` and `/stream`, `/metered/…` over a metered fetch. */
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText, wrapLanguageModel } from "ai";
import { meterMiddleware } from "../../src/ai-sdk.ts";
import { BudgetExceededError, UsageMeter } from "../../src/index.ts";

interface Env {
  UPSTREAM_URL: string;
  REST_URL: string;
  REST_TOKEN: string;
  NAMESPACE: string;
}

interface Context {
  waitUntil(work: Promise<unknown>): void;
}

export default {
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method !== "POST") return new Response("Ready");
    const meter = new UsageMeter({
      redis: { url: env.REST_URL, token: env.REST_TOKEN },
      namespace: env.NAMESPACE,
      scope: "worker",
      waitUntil: (work) => context.waitUntil(work),
    });
    const isMetered = pathname.startsWith("/metered/");
    const openai = createOpenAI({
      apiKey: "none",
      baseURL: `${env.UPSTREAM_URL}/v1`,
      ...(isMetered && { fetch: meter.fetch }),
    });
    const model = wrapLanguageModel({
      model: openai.chat("gpt-4o-mini"),
      middleware: meterMiddleware(meter),
    });
    const call = { model, prompt: "Hi", maxOutputTokens: 64 };
    if (pathname.endsWith("/stream")) return streamText(call).toTextStreamResponse();
    try {
      const { text } = await generateText(call);
      return new Response(text);
    } catch (error) {
      const denial = BudgetExceededError.from(error);
      if (denial === undefined) throw error;
      return denial.getResponse();
    }
  },
};
