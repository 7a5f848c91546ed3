/** An HTTP server that speaks Upstash's REST protocol in front of a plain Redis. */
import { once } from "node:events";
import { createServer, type Server, type ServerOptions } from "node:http";
import { Redis } from "ioredis";
import { InvalidOptionsError } from "../errors.ts";
import { ioredisOptions, isSelect } from "../redis/tcp.ts";
import {
  type BridgeHandlerOptions,
  bridgeHandler,
  DEFAULT_REDIS_TIMEOUT_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
} from "./handler.ts";
import { answerMalformed } from "./malformed.ts";

export { MAX_BODY_BYTES } from "./body.ts";
export { bridgeHandler };

export interface BridgeOptions extends BridgeHandlerOptions {
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

/**
 * Starts a bridge, which `@upstash/redis` reaches as it reaches Upstash: one command, path style, pipelines and
 * transactions. It passes on what agentlimit sends, unless `allow` widens that. It starts whether or not Redis
 * answers, and finds it when it does.
 *
 * ```ts
 * const bridge = await createBridge({ redisUrl: "redis://localhost:6379", token });
 * const redis = new Redis({ url: bridge.url, token });
 * ```
 *
 * @throws InvalidOptionsError no Redis, or a malformed address, token, time or list of commands.
 */
export async function createBridge(options: BridgeOptions): Promise<Bridge> {
  const { host = "127.0.0.1", port = 0 } = options;
  const { redisTimeoutMs = DEFAULT_REDIS_TIMEOUT_MS, requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS } =
    options;
  if (host === "")
    throw new InvalidOptionsError("The bridge's host is a name or an address that is not empty.");
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw new InvalidOptionsError("The bridge's port must be a whole number from 0 to 65,535.");
  }
  const ownRedis = options.redis === undefined ? connection(options.redisUrl, redisTimeoutMs) : undefined;
  const redis = options.redis ?? ownRedis;
  if (redis === undefined) throw new InvalidOptionsError("The bridge needs redisUrl or redis.");

  const listener = bridgeHandler(redis, options.token, options);
  const server = createServer(serverLimits(requestTimeoutMs), listener);
  // An expectation that Node does not know is no reason not to answer.
  server.on("checkExpectation", listener);
  answerMalformed(server);
  // Cuts clients that do not read their answer, later than any answer comes.
  server.setTimeout(redisTimeoutMs + requestTimeoutMs);
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    ownRedis?.disconnect();
    throw error;
  }
  // Such as too many open files: the next connection may be taken again.
  server.on("error", () => {});
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

function serverLimits(requestTimeoutMs: number): ServerOptions {
  return {
    // Of the request line and the headers: what is larger is answered by 431.
    maxHeaderSize: 16 * 1024,
    headersTimeout: requestTimeoutMs,
    // Node's own refusal has no body.
    requireHostHeader: false,
    // Of headers and body together; later than the handler, which says why.
    requestTimeout: 2 * requestTimeoutMs + 1000,
    connectionsCheckingInterval: 1000,
  };
}

function connection(redisUrl: string | undefined, timeoutMs: number): Redis | undefined {
  if (redisUrl === undefined) return undefined;
  const redis = new Redis(ioredisOptions(redisUrl, timeoutMs));
  // Each command says by itself that there is no connection.
  redis.on("error", (error: Error) => {
    // Left alone, ioredis would go on in database 0: the budgets of another ledger.
    if (isSelect(error)) redis.stream.destroy();
  });
  return redis;
}

function urlOf(server: Server): string {
  const address = server.address();
  if (typeof address !== "object" || address === null)
    throw new Error("The bridge does not listen on a port.");
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
