/** OpenAI's chat completions, with the ways of Groq and Mistral to state the usage of a stream. */
import { type Asked, type Dialect, field, type Said } from "./dialect.ts";

export const openAiChat: Dialect = {
  serves: (path) => /\/chat\/completions(\?|$)/.test(path),
  isStream: ({ body }) => field(body, "stream") === true,
  answer(said, asked) {
    const message = { role: "assistant", content: said.words.join(""), refusal: null };
    const choices = choicesOf(asked).map((index) => ({ index, message, finish_reason: "stop" }));
    return { ...commonOf(said), object: "chat.completion", choices, usage: usageOf(said) };
  },
  events(said, asked) {
    const asksForUsage = field(field(asked.body, "stream_options"), "include_usage") === true;
    const chunk = (delta: object, finish: string | null, more: object = {}) => ({
      ...commonOf(said),
      object: "chat.completion.chunk",
      choices: choicesOf(asked).map((index) => ({ index, delta, finish_reason: finish })),
      ...(asksForUsage ? { usage: null } : {}),
      ...more,
    });
    const events = [
      chunk({ role: "assistant", content: "" }, null),
      ...said.words.map((content) => chunk({ content }, null)),
      chunk({}, "stop", usageUnasked(said, asked)),
      ...(asksForUsage
        ? [{ ...commonOf(said), object: "chat.completion.chunk", choices: [], usage: usageOf(said) }]
        : []),
    ];
    return [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"];
  },
  error: (type, message) => ({ error: { message, type, param: null, code: null } }),
};

function usageUnasked(said: Said, { host }: Asked): object {
  if (host === "api.mistral.ai") return { usage: usageOf(said) };
  if (host === "api.groq.com") return { x_groq: { id: "req_1", usage: usageOf(said) } };
  return {};
}

function choicesOf({ body }: Asked): number[] {
  return Array.from({ length: Number(field(body, "n") ?? 1) }, (_, index) => index);
}

function commonOf({ model }: Said) {
  return { id: "chatcmpl-1", created: 1_790_000_000, model, service_tier: "default" };
}

function usageOf({ inputTokens, outputTokens }: Said) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}
