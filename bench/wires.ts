/** The two ways to a Redis, with all that the contenders need of each. */
import { Redis as RestRedis } from "@upstash/redis";
import { Redis } from "ioredis";
import type { Store } from "../src/ledger/store.ts";
import type { NodeMeterOptions } from "../src/node.ts";
import { redisStore } from "../src/redis/redis-store.ts";
import { restTransport } from "../src/redis/rest.ts";
import { ioredisOptions, tcpTransport } from "../src/redis/tcp.ts";

/** What runs scripts, as `@upstash/redis` has it. */
export interface ScriptClient {
  evalsha(sha1: string, keys: string[], args: unknown[]): Promise<unknown>;
  eval(script: string, keys: string[], args: unknown[]): Promise<unknown>;
}

/** One caller's way; it makes one call at a time. */
export interface Caller extends ScriptClient {
  /** This library's own client of the wire. */
  store: Store;
  /** The same as an option of `UsageMeter`. */
  meterOptions: Pick<NodeMeterOptions, "redis" | "storeTimeoutMs">;
  get(key: string): Promise<unknown>;
  /** Adds to two counters, in MULTI and EXEC, which are sent together. */
  addToBoth(usdKey: string, tokensKey: string): Promise<void>;
}

export interface Wire {
  /** How the callers share it, for people. */
  name: string;
  callers: Caller[];
  close(): Promise<void>;
}

/** Patient: a deadline that strikes on a busy machine would be counted as a failure. */
const TIMEOUT_MS = 10_000;

/** A connection for each caller, one command in flight each: nothing is sent along with another's. */
export async function tcpWire(redisUrl: string, callers: number): Promise<Wire> {
  const options = { ...ioredisOptions(redisUrl, TIMEOUT_MS), enableAutoPipelining: false };
  const clients = Array.from({ length: callers }, () => new Redis(options));
  await Promise.all(clients.map((client) => client.connect()));
  return {
    name: callers === 1 ? "TCP, one caller" : `TCP, ${callers} connections of one command in flight`,
    callers: clients.map(tcpCaller),
    close: async () => {
      await Promise.all(clients.map((client) => client.quit()));
    },
  };
}

function tcpCaller(client: Redis): Caller {
  return {
    store: redisStore(tcpTransport(client, { storeTimeoutMs: TIMEOUT_MS })),
    meterOptions: { redis: client, storeTimeoutMs: TIMEOUT_MS },
    evalsha: (sha1, keys, args) => client.evalsha(sha1, keys.length, ...keys, ...args.map(String)),
    eval: (script, keys, args) => client.eval(script, keys.length, ...keys, ...args.map(String)),
    get: (key) => client.get(key),
    addToBoth: async (usdKey, tokensKey) => {
      await client.multi().incrbyfloat(usdKey, 0.00045).incrby(tokensKey, 1500).exec();
    },
  };
}

/** Each library's own client with its own settings, shared by all callers, as an application has it. */
export async function restWire(address: { url: string; token: string }, callers: number): Promise<Wire> {
  const client = new RestRedis(address);
  const hasTransactions = await answersTransactions(client);
  const store = redisStore(restTransport(address, { storeTimeoutMs: TIMEOUT_MS }));
  const caller: Caller = {
    store,
    meterOptions: { redis: address, storeTimeoutMs: TIMEOUT_MS },
    evalsha: (sha1, keys, args) => client.evalsha(sha1, keys, args),
    eval: (script, keys, args) => client.eval(script, keys, args),
    get: (key) => client.get(key),
    addToBoth: async (usdKey, tokensKey) => {
      const together = hasTransactions ? client.multi() : client.pipeline();
      await together.incrbyfloat(usdKey, 0.00045).incrby(tokensKey, 1500).exec();
    },
  };
  return {
    name: callers === 1 ? "REST, one caller" : `REST, ${callers} callers, calls of a moment in one request`,
    callers: Array.from({ length: callers }, () => caller),
    close: async () => {
      await store.close?.();
    },
  };
}

/** A bridge may not: then the adds go in one request all the same, which costs as many round trips. */
async function answersTransactions(client: RestRedis): Promise<boolean> {
  try {
    await client.multi().exists("nothing").exec();
    return true;
  } catch {
    return false;
  }
}
