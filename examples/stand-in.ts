/**
 * Runs an example against a model that is played on this machine, with no key and no account:
 * `npx node examples/stand-in.ts node examples/agent-team/research.ts`
 *
 * It speaks OpenAI's chat completions. The example finds it by OPENAI_BASE_URL, and still needs its Redis.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

const WORDS = ["A ", "model ", "on ", "your ", "own ", "machine ", "says ", "this."];

const server = createServer(async (request, response) => {
  const asked = Object(await json(request));
  const usage = {
    prompt_tokens: Math.ceil(JSON.stringify(asked.messages).length / 4),
    completion_tokens: WORDS.length,
    total_tokens: Math.ceil(JSON.stringify(asked.messages).length / 4) + WORDS.length,
  };
  const common = { id: "chatcmpl-1", created: 1_790_000_000, model: asked.model, service_tier: "default" };
  if (asked.stream === true) return stream(response, common, usage);
  const message = { role: "assistant", content: WORDS.join("") };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ ...common, object: "chat.completion", choices, usage }));
});

function stream(response: ServerResponse, common: object, usage: object): void {
  response.setHeader("content-type", "text/event-stream");
  const send = (choices: object[], rest: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices, ...rest })}\n\n`,
    );
  for (const content of WORDS) send([{ index: 0, delta: { content }, finish_reason: null }]);
  send([{ index: 0, delta: {}, finish_reason: "stop" }]);
  send([], { usage });
  response.end("data: [DONE]\n\n");
}

server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" ? address?.port : undefined;
const [command = "", ...args] = process.argv.slice(2);
const example = spawn(command, args, {
  stdio: "inherit",
  env: { ...process.env, OPENAI_API_KEY: "none", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` },
});
const [exitCode] = await once(example, "exit");
server.closeAllConnections();
server.close();
process.exitCode = exitCode ?? 1;
