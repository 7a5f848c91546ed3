/** A model that is played on this machine. It speaks OpenAI's chat completions and Anthropic's messages. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

const WORDS = ["A ", "model ", "on ", "your ", "own ", "machine ", "says ", "this."];

/** @returns its address, such as `http://127.0.0.1:41234`, and how it ends. */
export async function startLocalModel(): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const asked = Object(await json(request));
    const inputTokens = Math.ceil(JSON.stringify(asked.messages).length / 4);
    const call = { model: String(asked.model), stream: asked.stream === true, inputTokens };
    if (request.url?.endsWith("/messages")) answerAnthropic(response, call);
    else answerOpenAi(response, call);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Call {
  model: string;
  stream: boolean;
  inputTokens: number;
}

function answerOpenAi(response: ServerResponse, { model, stream, inputTokens }: Call): void {
  const usage = {
    prompt_tokens: inputTokens,
    completion_tokens: WORDS.length,
    total_tokens: inputTokens + WORDS.length,
  };
  const common = { id: "chatcmpl-1", created: 1_790_000_000, model, service_tier: "default" };
  if (!stream) {
    const message = { role: "assistant", content: WORDS.join("") };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    answer(response, { ...common, object: "chat.completion", choices, usage });
    return;
  }
  const chunk = (choices: object[], rest: object = {}) =>
    send(response, { ...common, object: "chat.completion.chunk", choices, ...rest });
  for (const content of WORDS) chunk([{ index: 0, delta: { content }, finish_reason: null }]);
  chunk([{ index: 0, delta: {}, finish_reason: "stop" }]);
  chunk([], { usage });
  response.end("data: [DONE]\n\n");
}

function answerAnthropic(response: ServerResponse, { model, stream, inputTokens }: Call): void {
  const message = { id: "msg_1", type: "message", role: "assistant", model, stop_sequence: null };
  const [input_tokens, output_tokens] = [inputTokens, WORDS.length];
  if (!stream) {
    const content = [{ type: "text", text: WORDS.join("") }];
    const usage = { input_tokens, output_tokens };
    answer(response, { ...message, content, stop_reason: "end_turn", usage });
    return;
  }
  const event = (data: { type: string; [member: string]: unknown }) => send(response, data, data.type);
  const begun = { ...message, content: [], stop_reason: null, usage: { input_tokens, output_tokens: 1 } };
  event({ type: "message_start", message: begun });
  event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
  for (const text of WORDS)
    event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
  event({ type: "content_block_stop", index: 0 });
  event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens } });
  event({ type: "message_stop" });
  response.end();
}

function answer(response: ServerResponse, body: object): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}

function send(response: ServerResponse, data: object, event?: string): void {
  if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(`${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
}
