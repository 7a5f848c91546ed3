/** An HTTP server that speaks Upstash's REST protocol in front of a plain Redis. */
import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Command, Redis } from "ioredis";
import { InvalidOptionsError } from "../errors.ts";
import { ioredisOptions } from "../redis/tcp.ts";
import {
  type BridgeCommand,
  parseCommand,
  RefusedCommand,
  type ResultEncoding,
  resultJson,
} from "./protocol.ts";

export interface BridgeOptions {
  /** The Redis behind it: `redis://…` or `rediss://…`. */
  redisUrl?: string;
  /** Or a client of ioredis, which stays its owner's to close. The bridge sends over its one connection. */
  redis?: Redis;
  /** What callers must send as `Authorization: Bearer …`. */
  token: string;
  /** Default `127.0.0.1`: who listens elsewhere offers this Redis to a network, without TLS. */
  host?: string;
  /** Default 0: a free one. */
  port?: number;
}

export interface Bridge {
  /** Where it listens, such as `http://127.0.0.1:41234`: the `url` of an `@upstash/redis` client. */
  url: string;
  /** Stops listening, cuts the connections, and closes the Redis client that it made. */
  close(): Promise<void>;
}

/** The largest body that is read, as at Upstash: 10 MiB. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

/**
 * Starts a bridge: `POST /` with one command and `POST /pipeline` with a list of them, as `@upstash/redis` sends
 * them. Scripts pass through as they are. It starts whether or not Redis answers, and finds it when it does.
 *
 * ```ts
 * const bridge = await createBridge({ redisUrl: "redis://localhost:6379", token });
 * const redis = new Redis({ url: bridge.url, token });
 * ```
 *
 * @throws InvalidOptionsError no token, no Redis, or a malformed address.
 */
export async function createBridge(options: BridgeOptions): Promise<Bridge> {
  if (options.token === "") throw new InvalidOptionsError("The bridge needs a token that is not empty.");
  const ownRedis = options.redis === undefined ? connection(options.redisUrl) : undefined;
  const redis = options.redis ?? ownRedis;
  if (redis === undefined) throw new InvalidOptionsError("The bridge needs redisUrl or redis.");

  const server = createServer(bridgeHandler(redis, options.token));
  try {
    server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    ownRedis?.disconnect();
    throw error;
  }
  return {
    url: urlOf(server),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      ownRedis?.disconnect();
      await closed;
    },
  };
}

/** The bridge as a listener for a server of `node:http` or `node:https`. It answers every request and never throws. */
export function bridgeHandler(
  redis: Redis,
  token: string,
): (request: IncomingMessage, response: ServerResponse) => void {
  const isAuthorized = tokenCheck(token);
  return (request, response) => {
    answer(request, redis, isAuthorized)
      .catch((): Answer => ({ status: 500, body: { error: "ERR the bridge failed" } }))
      .then(({ status, body, headers }) => {
        response.writeHead(status, { "content-type": "application/json", ...headers });
        response.end(JSON.stringify(body));
      })
      .catch(() => response.destroy());
  };
}

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

async function answer(request: IncomingMessage, redis: Redis, isAuthorized: TokenCheck): Promise<Answer> {
  const path = (request.url ?? "/").split("?", 1)[0];
  if (path !== "/" && path !== "/pipeline")
    return refused(404, "ERR the bridge answers POST / and POST /pipeline");
  if (request.method !== "POST") {
    return { ...refused(405, "ERR the bridge answers POST alone"), headers: { allow: "POST" } };
  }
  if (!isAuthorized(request.headers.authorization))
    return refused(401, "WRONGPASS invalid or missing auth token");

  const text = await bodyText(request);
  if (text === undefined) {
    return refused(413, `ERR max request size exceeded. Limit: ${MAX_BODY_BYTES} bytes`);
  }
  const encoding = request.headers["upstash-encoding"] === "base64" ? "base64" : "plain";
  try {
    const body: unknown = JSON.parse(text);
    return path === "/" ? await single(redis, body, encoding) : await pipeline(redis, body, encoding);
  } catch (error) {
    if (error instanceof SyntaxError) return refused(400, "ERR the body is not JSON");
    if (error instanceof RefusedCommand) return refused(400, error.message);
    throw error;
  }
}

async function single(redis: Redis, body: unknown, encoding: ResultEncoding): Promise<Answer> {
  const outcome = await send(redis, parseCommand(body));
  if (!("failure" in outcome)) return { status: 200, body: { result: resultJson(outcome.result, encoding) } };
  return refused(outcome.failure.isReply ? 400 : 503, outcome.failure.message);
}

/** One answer a command, in their order; one that fails or is refused does not stop the others. */
async function pipeline(redis: Redis, body: unknown, encoding: ResultEncoding): Promise<Answer> {
  if (!Array.isArray(body) || body.length === 0) {
    throw new RefusedCommand("ERR a pipeline is a list of commands that is not empty");
  }
  const outcomes = body.map((value: unknown): Promise<Outcome> => {
    try {
      return send(redis, parseCommand(value));
    } catch (error) {
      if (!(error instanceof RefusedCommand)) throw error;
      return Promise.resolve({ failure: { message: error.message, isReply: true } });
    }
  });
  const bodies = (await Promise.all(outcomes)).map((outcome) =>
    "failure" in outcome
      ? { error: outcome.failure.message }
      : { result: resultJson(outcome.result, encoding) },
  );
  return { status: 200, body: bodies };
}

type Outcome = { result: unknown } | { failure: { message: string; isReply: boolean } };

/** Sent in the order of the calls, over one connection. */
async function send(redis: Redis, { name, args }: BridgeCommand): Promise<Outcome> {
  // A name in upper case keeps ioredis from turning lists into objects; no encoding keeps every byte.
  const command = new Command(name, args, { replyEncoding: null });
  redis.sendCommand(command);
  try {
    return { result: await command.promise };
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") {
      return { failure: { message: error.message, isReply: true } };
    }
    return { failure: { message: BRIDGE_UNREACHABLE, isReply: false } };
  }
}

/** The bridge's own answer when there is no Redis behind it. */
const BRIDGE_UNREACHABLE = "ERR the bridge can't reach Redis";

function refused(status: number, message: string): Answer {
  return { status, body: { error: message } };
}

/** Undefined when it is too large. */
async function bodyText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    // The rest is still read, so that the client gets to see the answer.
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString("utf8") : undefined;
}

type TokenCheck = (authorization: string | undefined) => boolean;

/** Compares digests, so that neither length nor content of the token shows in the time that it takes. */
function tokenCheck(token: string): TokenCheck {
  const expected = sha256(token);
  return (authorization) => {
    const given = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
    return given !== undefined && timingSafeEqual(sha256(given), expected);
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

const REDIS_TIMEOUT_MS = 10_000;

function connection(redisUrl: string | undefined): Redis | undefined {
  if (redisUrl === undefined) return undefined;
  const redis = new Redis(ioredisOptions(redisUrl, REDIS_TIMEOUT_MS));
  // Each command says by itself that there is no connection.
  redis.on("error", () => {});
  return redis;
}

function urlOf(server: Server): string {
  const address = server.address();
  if (typeof address !== "object" || address === null)
    throw new Error("The bridge does not listen on a port.");
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
