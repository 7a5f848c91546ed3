/** Scripts over a client of node-redis (the package `redis`), as its user has it. */
import type { Wire } from "./delivery.ts";

/** What is used of a node-redis client, pool or cluster, from version 5 on. */
export interface NodeRedisClient {
  evalSha(sha1: string, options: NodeRedisArguments): Promise<unknown>;
  eval(source: string, options: NodeRedisArguments): Promise<unknown>;
  time(): Promise<unknown>;
}

interface NodeRedisArguments {
  keys: string[];
  arguments: string[];
}

/** Whether it is a client, pool, sentinel or cluster of node-redis. */
export function isNodeRedis(client: object): client is NodeRedisClient {
  return "evalSha" in client;
}

/** Sends over a client that its owner connects and closes. */
export function nodeRedisWire(client: NodeRedisClient): Wire {
  return {
    evalsha: (sha1, keys, args) => read(client.evalSha(sha1, { keys, arguments: args })),
    eval: (source, keys, args) => read(client.eval(source, { keys, arguments: args })),
    time: () => read(client.time()),
    trouble: () => troubleOf(client),
  };
}

/** Answers as strings, errors of the server under the name that other clients give them. */
async function read(answer: Promise<unknown>): Promise<unknown> {
  try {
    return asStrings(await answer);
  } catch (error) {
    throw isServerText(error) ? Object.assign(new Error(error.message), { name: "ReplyError" }) : error;
  }
}

/** Its user may have asked for bytes instead (`withTypeMapping`). */
function asStrings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asStrings);
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
}

/** A server's error begins with a code in capitals; the client's own errors and the network's do not. */
function isServerText(error: unknown): error is Error {
  return error instanceof Error && !("code" in error) && /^[A-Z][A-Z0-9_]+ /.test(error.message);
}

function troubleOf(client: object): string | undefined {
  if ("isOpen" in client && client.isOpen === false) return CLOSED;
  return "isReady" in client && client.isReady === false ? "the Redis client has no connection" : undefined;
}

const CLOSED = "the Redis client is closed: await its connect() first, and close it last";
