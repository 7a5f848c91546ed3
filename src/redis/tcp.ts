/** Scripts over TCP or TLS, through ioredis: Node alone. */
import type { RedisOptions } from "ioredis";
import { InvalidOptionsError } from "../errors.ts";

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
    commandTimeout: timeoutMs,
    // A connection whose other end vanished is replaced, instead of failing every call until the kernel gives up on it.
    socketTimeout: timeoutMs,
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
    family: Number(parsed.searchParams.get("family") ?? 0),
    ...(parsed.username === "" ? {} : { username: decoded(parsed.username) }),
    ...(parsed.password === "" ? {} : { password: decoded(parsed.password) }),
    ...(parsed.protocol === "rediss:" ? { tls: {} } : {}),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new InvalidOptionsError(
      "User or password of the Redis address holds a % that begins no escape: write %25 for it.",
    );
  }
}
