/**
 * A chat endpoint on Cloudflare Workers that no user can run up a bill with.
 *
 * `wrangler secret put` OPENAI_API_KEY, UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, then `wrangler deploy`.
 * With no account, on your machine: examples/README.md.
 */
import { UsageMeter } from "agentlimit";
import { Hono } from "hono";
import { streamText } from "hono/streaming";
import OpenAI from "openai";

interface Env {
  OPENAI_API_KEY: string;
  /** Another server that speaks OpenAI's API; OpenAI itself by default. */
  OPENAI_BASE_URL?: string;
  UPSTASH_REDIS_REST_URL: string;
  UPSTASH_REDIS_REST_TOKEN: string;
}

const app = new Hono<{ Bindings: Env }>();

app.post("/chat", async (c) => {
  // Your own authentication says who asks.
  const userId = c.req.header("x-user-id");
  if (userId === undefined) return c.text("Who are you?", 401);

  // A call counts against both budgets, or against none: all users together never pass the app's.
  const meter = new UsageMeter({
    scope: "app:chat",
    redis: { url: c.env.UPSTASH_REDIS_REST_URL, token: c.env.UPSTASH_REDIS_REST_TOKEN },
    budgets: [{ window: "month", usd: 200 }],
    // What was used is booked after the response, even if the user has left.
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  });
  const user = meter.child(`user:${userId}`, { budgets: [{ window: "day", usd: "0.50" }] });

  // Nothing is left: say so before the work begins, while a status can still be set.
  const { error } = await user.check();
  if (error) return error.getResponse();

  const openai = new OpenAI({
    apiKey: c.env.OPENAI_API_KEY,
    baseURL: c.env.OPENAI_BASE_URL,
    fetch: user.fetch,
  });
  const answer = await openai.chat.completions.create({
    model: "gpt-4o-mini",
    // The smaller the limit, the less is held while the call runs.
    max_completion_tokens: 500,
    messages: [{ role: "user", content: await c.req.text() }],
    stream: true,
  });
  return streamText(c, async (out) => {
    for await (const chunk of answer) await out.write(chunk.choices[0]?.delta.content ?? "");
  });
});

// A call that does not fit any more, or a Redis that is down, throws. Hono turns such an error into its own
// response by itself: 402, 429, 403 or 503, with no amounts in it.
export default app;
