/** Small answers of two providers, as they come. */

/** An answer of OpenAI's chat API that used so many tokens. */
export function chatAnswer(inputTokens: number, outputTokens: number) {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_790_000_000,
    model: "gpt-4o-mini",
    choices: [{ index: 0, message: { role: "assistant", content: "Hello!" }, finish_reason: "stop" }],
    usage: {
      prompt_tokens: inputTokens,
      completion_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
    },
  };
}

/** An answer of Anthropic's messages API that used so many tokens. */
export function messagesAnswer(inputTokens: number, outputTokens: number) {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5-20251001",
    content: [{ type: "text", text: "Hello!" }],
    stop_reason: "end_turn",
    usage: { input_tokens: inputTokens, output_tokens: outputTokens },
  };
}

/** What states no usage that can be read. */
export const ANSWERS_WITHOUT_USAGE: [name: string, response: unknown][] = [
  ["an answer without usage", { ...chatAnswer(0, 0), usage: undefined }],
  ["an answer whose usage is null", { ...chatAnswer(0, 0), usage: null }],
  ["an answer with half of its counts", { ...chatAnswer(0, 0), usage: { prompt_tokens: 7 } }],
  ["an answer that states a negative count", messagesAnswer(1000, -1)],
  ["an error", { error: { message: "No such model", type: "invalid_request_error" } }],
  ["nothing", undefined],
];
