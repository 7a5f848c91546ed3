/** Scripts over Upstash's REST protocol, through `@upstash/redis`: wherever `fetch` runs. */
import { Redis } from "@upstash/redis/cloudflare";
import { InvalidOptionsError, StoreUnavailableError } from "../errors.ts";
import { DEFAULT_STORE_TIMEOUT_MS, type Dialect, dialectOf, scriptTransport, type Wire } from "./delivery.ts";
import { isLoopback } from "./loopback.ts";
import type { ScriptTransport } from "./transport.ts";

/** What is used of an `@upstash/redis` client. Its settings do not matter: deserialization, retries, auto-pipelining. */
export interface RedisClient {
  evalsha(sha1: string, keys: string[], args: string[]): Promise<unknown>;
  eval(source: string, keys: string[], args: string[]): Promise<unknown>;
  time(): Promise<unknown>;
}

/** An address of the REST API and its token. */
export interface RestAddress {
  /** `https://…`; `http://…` for loopback hosts, and for others when `server` is `"redis"`: a bridge in one's own network. */
  url: string;
  token: string;
}

export interface RestTransportOptions {
  /** Milliseconds for one operation, over all its tries; default 1000. */
  storeTimeoutMs?: number | undefined;
  /** Which text of the scripts goes first; left out: Upstash's for hosts under upstash.io, else the plain one. */
  server?: Dialect | undefined;
}

/**
 * Carries scripts to Upstash, or to a bridge in front of another Redis.
 *
 * @throws InvalidOptionsError a malformed address or token (neither is repeated), or `storeTimeoutMs` out of range.
 */
export function restTransport(
  target: RestAddress | RedisClient,
  options: RestTransportOptions = {},
): ScriptTransport {
  const storeTimeoutMs = options.storeTimeoutMs ?? DEFAULT_STORE_TIMEOUT_MS;
  const isHandedIn = "evalsha" in target;
  const client = isHandedIn ? target : ownClient(target, storeTimeoutMs, options.server);
  const url = isHandedIn ? baseUrlOf(target) : target.url;
  return scriptTransport(isHandedIn ? aborting(client) : client, {
    storeTimeoutMs,
    dialect: options.server ?? (URL.canParse(url) ? dialectOf(new URL(url).hostname) : "redis"),
  });
}

function ownClient(
  { url, token }: RestAddress,
  storeTimeoutMs: number,
  server: Dialect | undefined,
): RedisClient {
  const baseUrl = checkedUrl(url, server);
  // What is no token could not stand in a header, and fetch would put it into its error.
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new InvalidOptionsError(
      "The token of the Redis REST API must be a text without spaces and line breaks.",
    );
  }
  return new Redis({
    url: baseUrl,
    token,
    retry: { retries: 0 },
    // Ends what the deadline has given up; later than that, which is what the caller is told.
    // As a function: given as an object, an aborted signal makes the client resolve with null.
    signal: () => AbortSignal.timeout(storeTimeoutMs + 100),
    enableTelemetry: false,
    // Calls of the same moment then share a request, which is a tenfold of calls per second.
    enableAutoPipelining: true,
    automaticDeserialization: false,
  });
}

function checkedUrl(url: string, server: Dialect | undefined): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const hasMore = parsed !== undefined && parsed.href !== `${parsed.origin}${parsed.pathname}`;
  if (parsed === undefined || !["https:", "http:"].includes(parsed.protocol) || hasMore) {
    throw new InvalidOptionsError(
      "The url of the Redis REST API must be like https://name.upstash.io, without user, password and query; the token goes in token.",
    );
  }
  if (parsed.protocol === "http:" && !isLoopback(parsed.hostname) && server !== "redis") {
    throw new InvalidOptionsError(
      'The url of the Redis REST API must begin with https:, since the token would travel in the clear. For a bridge in your own network say server: "redis".',
    );
  }
  return `${parsed.origin}${parsed.pathname}`;
}

/**
 * An `@upstash/redis` client whose user gave it an `AbortSignal` as an object resolves with null once that fired.
 * No script of ours answers null, so null means that there was no answer.
 */
function aborting(client: RedisClient): Wire {
  const answered = async (answer: Promise<unknown>): Promise<unknown> => {
    const value = await answer;
    if (value !== null) return value;
    throw new StoreUnavailableError(
      "The Redis client gave no answer (null): its signal has fired. Give it none, or one as a function: signal: () => AbortSignal.timeout(1000).",
    );
  };
  return {
    evalsha: (sha1, keys, args) => answered(client.evalsha(sha1, keys, args)),
    eval: (source, keys, args) => answered(client.eval(source, keys, args)),
    time: () => answered(client.time()),
  };
}

/** Where a client of `@upstash/redis` leads, as far as it tells; unknown, the plain scripts run, which run everywhere. */
function baseUrlOf(client: RedisClient): string {
  if (!("client" in client)) return "";
  const http = client.client;
  if (typeof http !== "object" || http === null || !("baseUrl" in http)) return "";
  return typeof http.baseUrl === "string" ? http.baseUrl : "";
}
