/** OpenAI's responses. */
import { type Dialect, field, type Said } from "./dialect.ts";

export const openAiResponses: Dialect = {
  serves: (path) => /\/responses(\?|$)/.test(path),
  isStream: ({ body }) => field(body, "stream") === true,
  answer: (said) => completed(said),
  events(said) {
    const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
    const text = said.words.join("");
    const events: ({ type: string } & Record<string, unknown>)[] = [
      { type: "response.created", response: begun(said) },
      { type: "response.in_progress", response: begun(said) },
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { ...itemOf(""), status: "in_progress", content: [] },
      },
      { type: "response.content_part.added", ...place, part: partOf("") },
      ...said.words.map((delta) => ({ type: "response.output_text.delta", ...place, delta, logprobs: [] })),
      { type: "response.output_text.done", ...place, text, logprobs: [] },
      { type: "response.content_part.done", ...place, part: partOf(text) },
      { type: "response.output_item.done", output_index: 0, item: itemOf(text) },
      { type: "response.completed", response: completed(said) },
    ];
    return events.map(
      (event, number) =>
        `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: number })}\n\n`,
    );
  },
  error: (type, message) => ({ error: { message, type, param: null, code: null } }),
};

function begun({ model }: Said) {
  return {
    id: "resp_1",
    object: "response",
    created_at: 1_790_000_000,
    status: "in_progress",
    model,
    output: [],
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    service_tier: "default",
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    usage: null,
  };
}

function completed(said: Said) {
  const { inputTokens, outputTokens } = said;
  return {
    ...begun(said),
    status: "completed",
    output: [itemOf(said.words.join(""))],
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
  };
}

function itemOf(text: string) {
  return { id: "msg_1", type: "message", status: "completed", role: "assistant", content: [partOf(text)] };
}

function partOf(text: string) {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}
