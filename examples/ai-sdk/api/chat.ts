/**
 * A chat route with the AI SDK, as a Vercel Edge Function: `POST /api/chat`. Streams text, or says why not by its status.
 *
 * Environment variables: OPENAI_API_KEY, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN. With none of them, on your
 * machine: examples/README.md.
 */
import { openai } from "@ai-sdk/openai";
import { AgentLimitError, UsageMeter } from "agentlimit";
import { meterMiddleware } from "agentlimit/ai-sdk";
import { createTextStreamResponse, streamText, toTextStream, wrapLanguageModel } from "ai";

export const config = { runtime: "edge" };

/** Its ledger is in the Redis that the two variables of Upstash name. */
const app = new UsageMeter({ scope: "app:chat", budgets: [{ window: "month", usd: 200 }] });

const MODEL = "gpt-4o-mini";
const MAX_OUTPUT_TOKENS = 500;
const AROUND_THE_PROMPT_TOKENS = 2_048;

interface EdgeContext {
  waitUntil(work: Promise<unknown>): void;
}

export default async function handler(request: Request, context: EdgeContext): Promise<Response> {
  // Your own authentication says who asks.
  const userId = request.headers.get("x-user-id");
  if (userId === null) return new Response("Who are you?", { status: 401 });
  try {
    const user = app.child(`user:${userId}`, {
      budgets: [{ window: "day", usd: "0.50" }],
      // What was used is booked after the response.
      waitUntil: (work) => context.waitUntil(work),
    });
    const prompt = await request.text();

    // `streamText` answers at once and reports errors in the stream: this is the last moment to set a status. So no less
    // is asked for than the call will hold: its prompt as it is sent, with what stands around it, and its whole answer.
    const { error } = await user.check({
      provider: "openai",
      model: MODEL,
      inputTokens: new TextEncoder().encode(JSON.stringify(prompt)).length + AROUND_THE_PROMPT_TOKENS,
      maxOutputTokens: MAX_OUTPUT_TOKENS,
    });
    if (error) return error.getResponse();

    const { stream } = streamText({
      model: wrapLanguageModel({ model: openai.chat(MODEL), middleware: meterMiddleware(user) }),
      maxOutputTokens: MAX_OUTPUT_TOKENS,
      // Left open, it would be held at the price of the priority tier, which the check does not ask for.
      providerOptions: { openai: { serviceTier: "default" } },
      prompt,
      abortSignal: request.signal,
      // A call that was admitted by the check and denied by its hold, because others were faster, ends up here.
      onError: ({ error }) => console.error(error),
    });
    return createTextStreamResponse({ stream: toTextStream({ stream }) });
  } catch (error) {
    // Redis down (503), paused (403): every error of agentlimit knows its response.
    if (error instanceof AgentLimitError) return error.getResponse();
    throw error;
  }
}
