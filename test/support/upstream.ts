/** A local server that speaks the providers' APIs over real HTTP. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Asked, field, type Said } from "./dialects/dialect.ts";
import { dialectAt } from "./dialects/index.ts";

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

/** Answers in the API of the path, plain and streamed; 404 in OpenAI's form for every other one. */
export function speakBothApis(reply: ReplyFor = {}): Answer {
  return async (request, response) => {
    const { path } = request;
    const dialect = dialectAt(path);
    if (dialect !== undefined && request.method === "POST") {
      const asked = askedOf(request);
      const { pauseMs = 0, ...said } = typeof reply === "function" ? reply(request) : reply;
      const facts: Said = { ...DEFAULT_REPLY, model: modelOf(request), ...said };
      if (!dialect.isStream(asked)) return json(dialect.answer(facts, asked))(request, response);
      return streamed(dialect.events(facts, asked), pauseMs)(request, response);
    }
    if (request.method !== "POST" || /count_tokens|files|moderations/.test(path))
      return json({})(request, response);
    return json({ error: { message: `No route ${path}`, type: "not_found" } }, 404)(request, response);
  };
}

const DEFAULT_REPLY = { inputTokens: 7, outputTokens: 3, words: ["One", " two", " thrée"] };

/** A request as the dialects see it. A client that meant another host says so in `x-forwarded-host`. */
export function askedOf({ path, body, headers }: UpstreamRequest): Asked {
  const host = headers["x-forwarded-host"];
  return { path, body, host: typeof host === "string" ? host : undefined };
}

/** The model that a request names, in its body or its path. */
export function modelOf({ path, body }: UpstreamRequest): string {
  return String(field(body, "model") ?? /\/models\/([^/:]+):/.exec(path)?.[1] ?? "unnamed");
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

/** Answers a stream of events, with a pause before each. */
export function streamed(events: string[], pauseMs = 0): Answer {
  return async (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    for (const event of events) {
      if (response.destroyed) return;
      if (pauseMs > 0) await delay(pauseMs);
      response.write(event);
    }
    response.end();
  };
}
