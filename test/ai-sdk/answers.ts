/** What the AI SDK asks for beyond the common upstream: OpenAI's responses, tool calls, Vercel's gateway. */
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Answer, json, type Reply, speakBothApis, type UpstreamRequest } from "../support/upstream.ts";

/** Chat completions, Anthropic messages and OpenAI's responses, plain and streamed. */
export function speakAllApis(reply: Reply = {}): Answer {
  const others = speakBothApis(reply);
  return (request, response) =>
    request.path.endsWith("/responses")
      ? openAiResponse(reply, request, response)
      : others(request, response);
}

async function openAiResponse(
  { inputTokens = 7, outputTokens = 3, words = ["One", " two", " thrée"], pauseMs = 0 }: Reply,
  request: UpstreamRequest,
  response: ServerResponse,
): Promise<void> {
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: words.join(""), annotations: [] }],
  };
  const common = {
    id: "resp_1",
    object: "response",
    created_at: 1_790_000_000,
    model: fieldOf(request, "model"),
  };
  const completed = {
    ...common,
    status: "completed",
    error: null,
    incomplete_details: null,
    service_tier: "default",
    output: [message],
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
  };
  if (fieldOf(request, "stream") !== true) return json(completed)(request, response);
  const begun = { ...common, status: "in_progress", service_tier: "default" };
  await sendEvents(response, pauseMs, [
    { type: "response.created", response: begun },
    { type: "response.output_item.added", output_index: 0, item: { ...message, content: [] } },
    ...words.map((delta) => ({
      type: "response.output_text.delta",
      item_id: "msg_1",
      output_index: 0,
      content_index: 0,
      delta,
    })),
    { type: "response.output_item.done", output_index: 0, item: message },
    { type: "response.completed", response: completed },
  ]);
}

/** Calls a tool in its first answer and says something in its second. */
export function callToolFirst(toolName: string): Answer {
  const speak = speakBothApis();
  let answers = 0;
  return (request, response) => {
    answers += 1;
    if (answers > 1) return speak(request, response);
    const call = { id: "call_1", type: "function", function: { name: toolName, arguments: "{}" } };
    const message = { role: "assistant", content: null, tool_calls: [call] };
    return json({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_790_000_000,
      model: fieldOf(request, "model"),
      choices: [{ index: 0, message, finish_reason: "tool_calls" }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    })(request, response);
  };
}

/** Vercel's gateway answers in the terms of the SDK itself. */
export const speakAsGateway: Answer = json({
  content: [{ type: "text", text: "One two thrée" }],
  finishReason: { unified: "stop", raw: "stop" },
  usage: {
    inputTokens: { total: 7, noCache: 5, cacheRead: 2 },
    outputTokens: { total: 3, text: 3, reasoning: 0 },
  },
  warnings: [],
});

/** Sends events as a stream, each after a pause. */
export async function sendEvents(response: ServerResponse, pauseMs: number, events: object[]): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) {
    if (pauseMs > 0) await delay(pauseMs);
    if (response.destroyed) return;
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

function fieldOf({ body }: UpstreamRequest, name: string): unknown {
  return typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
}
