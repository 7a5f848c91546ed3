/** Scripts over TCP or TLS, through ioredis or node-redis: in Node, Bun and Deno. */
import { Redis, type RedisOptions } from "ioredis";
import { InvalidOptionsError } from "../errors.ts";
import { DEFAULT_STORE_TIMEOUT_MS, type Dialect, dialectOf, scriptTransport, type Wire } from "./delivery.ts";
import { isNodeRedis, type NodeRedisClient, nodeRedisWire } from "./node-redis.ts";
import { isReply, refusalOf } from "./refusals.ts";
import type { ScriptTransport } from "./transport.ts";

/** What is used of an ioredis client (`Redis` or `Cluster`). */
export interface IoredisClient {
  evalsha(sha1: string, keyCount: number, ...keysAndArgs: string[]): Promise<unknown>;
  eval(source: string, keyCount: number, ...keysAndArgs: string[]): Promise<unknown>;
  time(): Promise<unknown>;
}

export interface TcpTransportOptions {
  /** Milliseconds for one operation, over all its tries; default 1000. */
  storeTimeoutMs?: number | undefined;
  /** Which text of the scripts goes first; left out: Upstash's for hosts under upstash.io, else the plain one. */
  server?: Dialect | undefined;
}

/**
 * Carries scripts to a Redis at a `redis://` or `rediss://` address, or over a client of ioredis or node-redis. To an
 * address it connects at the first call, and reconnects by itself; between operations it keeps no process alive. A client
 * that was handed in stays its owner's: `close()` does not end it, and its `error` events are the owner's to hear.
 *
 * @throws InvalidOptionsError a malformed address (which is not repeated), no such client, or `storeTimeoutMs` out of range.
 */
export function tcpTransport(
  target: string | IoredisClient | NodeRedisClient,
  options: TcpTransportOptions = {},
): ScriptTransport {
  const storeTimeoutMs = options.storeTimeoutMs ?? DEFAULT_STORE_TIMEOUT_MS;
  const wire = typeof target === "string" ? ownWire(target, storeTimeoutMs) : handedInWire(target);
  const hostname = typeof target === "string" ? new URL(target).hostname : hostnameOf(target);
  return scriptTransport(wire, { storeTimeoutMs, dialect: options.server ?? dialectOf(hostname) });
}

function handedInWire(client: IoredisClient | NodeRedisClient): Wire {
  return isNodeRedis(client) ? nodeRedisWire(client) : clientWire(client);
}

function clientWire(client: IoredisClient): Wire {
  if (typeof client.evalsha !== "function") {
    throw new InvalidOptionsError(
      "The Redis client must be one of ioredis or node-redis, or a redis:// address.",
    );
  }
  return {
    evalsha: (sha1, keys, args) => client.evalsha(sha1, keys.length, ...keys, ...args),
    eval: (source, keys, args) => client.eval(source, keys.length, ...keys, ...args),
    time: () => client.time(),
    trouble: () => troubleOf(client),
  };
}

/** Why a client may keep a command instead of sending it. */
function troubleOf(client: object): string | undefined {
  if (!("status" in client) || client.status === "ready") return undefined;
  if (client.status === "end") return "the Redis client was closed";
  return `the Redis client has no connection (${client.status})`;
}

/** Where a client leads, as far as it tells. */
function hostnameOf(client: object): string {
  const options = part(client, "options");
  const host = part(part(options, "socket") ?? options, "host");
  return typeof host === "string" ? host : "";
}

function part(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function ownWire(url: string, storeTimeoutMs: number): Wire {
  const client = new Redis({ ...ioredisOptions(url, storeTimeoutMs), enableAutoPipelining: true });
  const wire = clientWire(client);
  let connectionError: Error | undefined;
  let hasConnected = false;
  client.on("error", (error: Error) => {
    connectionError = error;
    // Left alone, ioredis would go on in database 0: the budgets of another ledger.
    if (isSelect(error)) client.stream.destroy();
  });
  client.on("connect", () => {
    connectionError = undefined;
    hasConnected = true;
    // An idle connection must not keep a finished program alive; an operation under way does, by its deadline.
    client.stream.unref();
  });
  // Nor must the next attempt to connect, while Redis is down.
  client.on("reconnecting", () => unref(part(client, "reconnectTimeout")));
  /** A command says only that it was given up; why the connection failed stands in the event. */
  const explained = async (answer: Promise<unknown>): Promise<unknown> => {
    try {
      return await answer;
    } catch (error) {
      // What begins without a password may be refused by closing the connection: one answer, then none.
      if (isReply(error) && /unauthenticated/.test(error.message)) connectionError = error;
      throw isReply(error) ? error : (connectionError ?? error);
    }
  };
  return {
    evalsha: (sha1, keys, args) => explained(wire.evalsha(sha1, keys, args)),
    eval: (source, keys, args) => explained(wire.eval(source, keys, args)),
    time: () => explained(wire.time()),
    trouble: () => undefined,
    unreached: () => (hasConnected ? undefined : unreachedMessage(url, connectionError)),
    close: () => client.disconnect(),
  };
}

function unreachedMessage(url: string, error: Error | undefined): string {
  const { host, protocol } = new URL(url);
  const address = protocol === "rediss:" ? `${host}, over TLS,` : host;
  return refusalOf(error, []).says.replace(/^it /, `${address} `);
}

/** Lets the process end before this timer, as far as it is one. */
function unref(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function") {
    timer.unref();
  }
}

/** The server refused the database of the address. */
export function isSelect(error: Error): boolean {
  return isReply(error) && "command" in error && part(error.command, "name") === "select";
}

/**
 * ioredis' options for a `redis://` or `rediss://` address, tuned so that a dead or silent server is noticed within
 * `timeoutMs` and nothing is sent a second time behind the caller's back.
 *
 * User, password and database (`redis://user:p%40ss@host:6380/2`), IPv6 (`redis://[::1]:6379`) and `?family=4|6|0`
 * are read from the address; other query parameters are left alone.
 *
 * @throws InvalidOptionsError the address is no such URL; the message does not repeat it, since it may hold a password.
 */
export function ioredisOptions(url: string, timeoutMs: number): RedisOptions {
  return {
    ...addressOf(url),
    // RESP2 needs no greeting, and every version of every server speaks it.
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    // LOADING is then an answer that is tried again within the caller's own deadline.
    enableReadyCheck: false,
    connectTimeout: timeoutMs,
    // A connection whose other end vanished is replaced, instead of failing every call until the kernel gives up on it.
    // A little later than the caller's deadline, which then is what the caller is told.
    socketTimeout: timeoutMs + 100,
    // Ends a connection that never came, so that closing a meter never keeps a process alive.
    disconnectTimeout: 100,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => Math.min(50 * times, 500),
    // After a failover the old connection may lead to a demoted primary.
    reconnectOnError: (error) => error.message.includes("READONLY"),
  };
}

function addressOf(url: string): RedisOptions {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isRedis = parsed?.protocol === "redis:" || parsed?.protocol === "rediss:";
  if (parsed === null || !isRedis || parsed.hostname === "") {
    throw new InvalidOptionsError(
      "The Redis address must be a URL such as redis://localhost:6379 or rediss://user:password@host:6380/0.",
    );
  }
  const db = /^\/?(\d{0,4})$/.exec(parsed.pathname)?.[1];
  if (db === undefined) {
    throw new InvalidOptionsError(
      "The path of a Redis address is the number of a database, such as redis://host:6379/2.",
    );
  }
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ""),
    port: parsed.port === "" ? 6379 : Number(parsed.port),
    db: Number(db),
    family: familyOf(parsed),
    ...(parsed.username === "" ? {} : { username: decoded(parsed.username) }),
    ...(parsed.password === "" ? {} : { password: decoded(parsed.password) }),
    ...(parsed.protocol === "rediss:" ? { tls: {} } : {}),
  };
}

function familyOf(address: URL): number {
  const family = address.searchParams.get("family") ?? "0";
  if (/^[046]$/.test(family)) return Number(family);
  throw new InvalidOptionsError("`family` in a Redis address is 4, 6, or 0 for either.");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidOptionsError(
      "User or password of the Redis address holds a % that begins no escape: write %25 for it.",
    );
  }
}
