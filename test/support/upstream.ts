/** A local server that speaks OpenAI's chat completions and Anthropic's messages over real HTTP. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export interface Upstream {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** Every request that arrived, in order. */
  requests: UpstreamRequest[];
  /** How requests are answered from now on; {@link speakBothApis} at first. */
  answer: Answer;
  /** Requests that are being answered right now. */
  inFlight(): number;
  close(): Promise<void>;
}

export interface UpstreamRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
  /** The parsed JSON body; the text where it is none. */
  body: unknown;
  /** The client closed the connection before the answer was complete. */
  aborted: boolean;
  /** Resolves when the connection of this request is done with, completed or not. */
  done: Promise<void>;
}

/** Answers one request. */
export type Answer = (request: UpstreamRequest, response: ServerResponse) => Promise<void> | void;

export async function startUpstream(answer: Answer = speakBothApis()): Promise<Upstream> {
  let inFlight = 0;
  const server = createServer(async (incoming, response) => {
    inFlight += 1;
    const closed = once(response, "close").then(() => {
      request.aborted = !response.writableFinished;
      inFlight -= 1;
    });
    const request: UpstreamRequest = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: undefined,
      aborted: false,
      done: closed,
    };
    request.body = await readBody(incoming);
    upstream.requests.push(request);
    response.on("error", () => {});
    await upstream.answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The upstream has no port.");
  const upstream: Upstream = {
    url: `http://127.0.0.1:${address.port}`,
    requests: [],
    answer,
    inFlight: () => inFlight,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return upstream;
}

async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What an honest answer says and counts. */
export interface Reply {
  /** The model that answers; the one that was asked for by default. */
  model?: string;
  inputTokens?: number;
  outputTokens?: number;
  /** The pieces of the answer, one event each in a stream. */
  words?: string[];
  /** Pause before each piece of a stream, in milliseconds. */
  pauseMs?: number;
}

/** A reply, or what makes one for each request. */
export type ReplyFor = Reply | ((request: UpstreamRequest) => Reply);

/** Answers both APIs, plain and streamed; 404 in their own form for every other path. */
export function speakBothApis(reply: ReplyFor = {}): Answer {
  return async (request, response) => {
    const { path } = request;
    const facts = completed(typeof reply === "function" ? reply(request) : reply, request);
    if (/\/chat\/completions(\?|$)/.test(path)) return chatCompletion(facts, request, response);
    if (/\/v1\/messages(\?|$)/.test(path)) return anthropicMessage(facts, request, response);
    if (request.method !== "POST" || /count_tokens|files|moderations/.test(path))
      return json({})(request, response);
    return json({ error: { message: `No route ${path}`, type: "not_found" } }, 404)(request, response);
  };
}

/** Answers with a JSON body. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return raw(JSON.stringify(body), status, { "content-type": "application/json", ...headers });
}

/** Answers with any body. */
export function raw(body: string | Uint8Array, status: number, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** Answers a body in the given pieces, each in a chunk of its own. */
export function pieces(chunks: Uint8Array[], status: number, contentType: string): Answer {
  return async (_request, response) => {
    response.writeHead(status, { "content-type": contentType });
    for (const chunk of chunks) {
      response.write(chunk);
      await delay(0);
    }
    response.end();
  };
}

/** Takes the request and closes the connection without a word. */
export const hangUp: Answer = (_request, response) => {
  response.destroy();
};

/** Takes the request and never answers. */
export const neverAnswer: Answer = async (request) => {
  await request.done;
};

/** Answers as `answer` does, and breaks the connection after `bytes` of the body. */
export function cutAfter(bytes: number, answer: Answer): Answer {
  return async (request, response) => {
    let left = bytes;
    const write = response.write.bind(response);
    const limited = (chunk: string | Uint8Array): boolean => {
      const piece = Buffer.from(chunk).subarray(0, left);
      left -= piece.length;
      const sent = write(piece);
      if (left <= 0) setImmediate(() => response.destroy());
      return sent;
    };
    Object.assign(response, {
      write: limited,
      end: (chunk?: string) => chunk !== undefined && limited(chunk),
    });
    await answer(request, response);
  };
}

interface Facts {
  model: string;
  inputTokens: number;
  outputTokens: number;
  words: string[];
  pauseMs: number;
}

function completed(reply: Reply, request: UpstreamRequest): Facts {
  return {
    model: String(field(request.body, "model") ?? "unnamed"),
    inputTokens: 7,
    outputTokens: 3,
    words: ["One", " two", " thrée"],
    pauseMs: 0,
    ...reply,
  };
}

async function chatCompletion(
  facts: Facts,
  request: UpstreamRequest,
  response: ServerResponse,
): Promise<void> {
  const { model, inputTokens, outputTokens, words } = facts;
  const usage = {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
  const common = { id: "chatcmpl-1", created: 1_790_000_000, model, service_tier: "default" };
  const choices = Array.from({ length: Number(field(request.body, "n") ?? 1) }, (_, index) => index);
  if (field(request.body, "stream") !== true) {
    const message = { role: "assistant", content: words.join(""), refusal: null };
    const answers = choices.map((index) => ({ index, message, finish_reason: "stop" }));
    return json({ ...common, object: "chat.completion", choices: answers, usage })(request, response);
  }
  const includesUsage = field(field(request.body, "stream_options"), "include_usage") === true;
  const chunk = (delta: object, finish: string | null) => ({
    ...common,
    object: "chat.completion.chunk",
    choices: choices.map((index) => ({ index, delta, finish_reason: finish })),
    ...(includesUsage ? { usage: null } : {}),
  });
  const events = [
    chunk({ role: "assistant", content: "" }, null),
    ...words.map((content) => chunk({ content }, null)),
    chunk({}, "stop"),
    ...(includesUsage ? [{ ...common, object: "chat.completion.chunk", choices: [], usage }] : []),
  ];
  const lines = [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"];
  await stream(lines, facts.pauseMs, response);
}

async function anthropicMessage(
  facts: Facts,
  request: UpstreamRequest,
  response: ServerResponse,
): Promise<void> {
  const { model, inputTokens, outputTokens, words } = facts;
  const input = { input_tokens: inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  const message = { id: "msg_1", type: "message", role: "assistant", model, stop_sequence: null };
  if (field(request.body, "stream") !== true) {
    return json({
      ...message,
      content: [{ type: "text", text: words.join("") }],
      stop_reason: "end_turn",
      usage: { ...input, output_tokens: outputTokens, service_tier: "standard" },
    })(request, response);
  }
  const start = { ...message, content: [], stop_reason: null, usage: { ...input, output_tokens: 1 } };
  const delta = { stop_reason: "end_turn", stop_sequence: null };
  const events: ({ type: string } & Record<string, unknown>)[] = [
    { type: "message_start", message: start },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
    ...words.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta, usage: { output_tokens: outputTokens } },
    { type: "message_stop" },
  ];
  const lines = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  await stream(lines, facts.pauseMs, response);
}

async function stream(lines: string[], pauseMs: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  for (const line of lines) {
    if (response.destroyed) return;
    if (pauseMs > 0) await delay(pauseMs);
    response.write(line);
  }
  response.end();
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
