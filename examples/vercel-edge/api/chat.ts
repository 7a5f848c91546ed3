/**
 * A chat endpoint as a Vercel Edge Function: `POST /api/chat`.
 *
 * Environment variables: OPENAI_API_KEY, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN. With none of them, on your
 * machine: examples/README.md.
 */
import { AgentLimitError, UsageMeter } from "agentlimit";
import OpenAI from "openai";

export const config = { runtime: "edge" };

/** Its ledger is in the Redis that the two variables of Upstash name. */
const app = new UsageMeter({ scope: "app:chat", budgets: [{ window: "month", usd: 200 }] });

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
    // Nothing is left: say so before the work begins.
    const { error } = await user.check();
    if (error) return error.getResponse();

    const openai = new OpenAI({ fetch: user.fetch });
    const answer = await openai.chat.completions.create({
      model: "gpt-4o-mini",
      max_completion_tokens: 500,
      messages: [{ role: "user", content: await request.text() }],
      stream: true,
    });
    // One chunk of the answer a line, as JSON: `ChatCompletionStream.fromReadableStream` reads it in the browser.
    return new Response(answer.toReadableStream(), { headers: { "content-type": "application/x-ndjson" } });
  } catch (error) {
    // Over budget (402), paused (403), Redis down (503): every error of agentlimit knows its response.
    if (error instanceof AgentLimitError) return error.getResponse();
    throw error;
  }
}
