/**
 * A chat endpoint on Deno, without any SDK: `deno task start`.
 *
 * Environment variables: OPENAI_API_KEY, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN. With none of them, on your
 * machine: examples/README.md.
 */
import { AgentLimitError, UsageMeter } from "agentlimit";

/** Its ledger is in the Redis that the two variables of Upstash name. */
const app = new UsageMeter({ scope: "app:chat", budgets: [{ window: "month", usd: 200 }] });
const baseUrl = Deno.env.get("OPENAI_BASE_URL") ?? "https://api.openai.com/v1";

async function chat(request: Request): Promise<Response> {
  // Your own authentication says who asks.
  const userId = request.headers.get("x-user-id");
  if (userId === null) return new Response("Who are you?", { status: 401 });

  const user = app.child(`user:${userId}`, { budgets: [{ window: "day", usd: "0.50" }] });
  // Nothing is left: say so before the work begins.
  const { error } = await user.check();
  if (error) return error.getResponse();

  // Holds what the call can cost at most, sends it, and books what its answer says it used.
  const answer = await user.fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${Deno.env.get("OPENAI_API_KEY")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({
      model: "gpt-4o-mini",
      max_completion_tokens: 500,
      messages: [{ role: "user", content: await request.text() }],
      stream: true,
    }),
  });
  const contentType = answer.headers.get("content-type") ?? "text/event-stream";
  return new Response(answer.body, { status: answer.status, headers: { "content-type": contentType } });
}

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 8000) }, async (request) => {
  try {
    return await chat(request);
  } catch (error) {
    // Over budget (402), paused (403), Redis down (503): every error of agentlimit knows its response.
    if (error instanceof AgentLimitError) return error.getResponse();
    throw error;
  }
});
