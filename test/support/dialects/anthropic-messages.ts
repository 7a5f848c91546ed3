/** Anthropic's messages. */
import { type Dialect, field, type Said } from "./dialect.ts";

export const anthropicMessages: Dialect = {
  serves: (path) => /\/v1\/messages(\?|$)/.test(path),
  isStream: ({ body }) => field(body, "stream") === true,
  answer: (said) => ({
    ...messageOf(said),
    content: [{ type: "text", text: said.words.join("") }],
    stop_reason: "end_turn",
    usage: { ...inputOf(said), output_tokens: said.outputTokens, service_tier: "standard" },
  }),
  events(said) {
    const usage = { ...inputOf(said), output_tokens: 1 };
    const delta = { stop_reason: "end_turn", stop_sequence: null };
    const events: ({ type: string } & Record<string, unknown>)[] = [
      { type: "message_start", message: { ...messageOf(said), content: [], stop_reason: null, usage } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "ping" },
      ...said.words.map((text) => ({
        type: "content_block_delta",
        index: 0,
        delta: { type: "text_delta", text },
      })),
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta, usage: { output_tokens: said.outputTokens } },
      { type: "message_stop" },
    ];
    return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  },
  error: (type, message) => ({ type: "error", error: { type, message } }),
};

function messageOf({ model }: Said) {
  return { id: "msg_1", type: "message", role: "assistant", model, stop_sequence: null };
}

function inputOf({ inputTokens }: Said) {
  return { input_tokens: inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
}
