/** Answers requests of Upstash's REST protocol: who asks, for what, and what Redis said to it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Redis } from "ioredis";
import { InvalidOptionsError } from "../errors.ts";
import { type Access, accessCheck } from "./access.ts";
import { type Allow, type CommandCheck, commandCheck } from "./allow-list.ts";
import { type BodyFailure, MAX_BODY_BYTES, readBody } from "./body.ts";
import { SharedConnection, TOO_MANY } from "./connection.ts";
import { type Answer, execute, LIST_PATHS, refused } from "./execute.ts";
import { Memory, type MemoryShare } from "./memory.ts";
import {
  type Address,
  addressOf,
  type BridgeCommand,
  holdsToken,
  isCommandPath,
  RefusedCommand,
} from "./protocol.ts";

export interface BridgeHandlerOptions {
  /** What callers send who may only read. Left out: there is no such token. */
  readOnlyToken?: string | undefined;
  /**
   * What is passed on beside what agentlimit sends itself, which is its own scripts (of this version), `PING` and
   * `TIME`: names of commands, or `"all"`. Whoever may send `EVAL` may run any Lua. What would spoil the connection
   * that all callers share, or take over the server, is refused always.
   */
  allow?: Allow | undefined;
  /** Milliseconds until a caller is told that Redis does not answer: 1 to 600,000, default 10,000. */
  redisTimeoutMs?: number | undefined;
  /** Milliseconds for a request's body to arrive, and before it for its headers: 1 to 600,000, default 30,000. */
  requestTimeoutMs?: number | undefined;
  /** Bytes of bodies, commands and answers that are held at the same time, roughly: 10 MiB to 1 TiB, default 256 MiB. Above it: 503. */
  maxMemoryBytes?: number | undefined;
}

export const DEFAULT_REDIS_TIMEOUT_MS = 10_000;
export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * The bridge as a listener for a server of `node:http` or `node:https`. It answers every request and never throws.
 * The server itself should limit how long it waits for headers and for clients that do not read.
 *
 * @throws InvalidOptionsError a malformed token, time or list of commands.
 */
export function bridgeHandler(
  redis: Redis,
  token: string,
  options: BridgeHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const memory = new Memory(memoryBytes(options.maxMemoryBytes ?? DEFAULT_MEMORY_BYTES));
  const bridge: BridgeParts = {
    accessOf: accessCheck({ token, readOnlyToken: options.readOnlyToken }),
    checkCommand: commandCheck(options.allow),
    connection: new SharedConnection(redis, {
      timeoutMs: milliseconds("redisTimeoutMs", options.redisTimeoutMs ?? DEFAULT_REDIS_TIMEOUT_MS),
      memory,
    }),
    requestTimeoutMs: milliseconds(
      "requestTimeoutMs",
      options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
    ),
  };
  return (request, response) => {
    // A client that goes away in the middle is no failure of the bridge.
    response.on("error", () => {});
    const share = memory.share(response);
    answer(bridge, request, share)
      .then((given) => write(response, given, share))
      .catch(() => write(response, refused(500, "ERR the bridge failed"), share))
      .catch(() => response.destroy());
  };
}

interface BridgeParts {
  accessOf(authorization: string | undefined): Access | undefined;
  checkCommand: CommandCheck;
  connection: SharedConnection;
  requestTimeoutMs: number;
}

async function answer(bridge: BridgeParts, request: IncomingMessage, share: MemoryShare): Promise<Answer> {
  const address = addressOf(request.url ?? "/");
  if (holdsToken(address.query)) return refused(401, TOKEN_IN_ADDRESS);
  const access = bridge.accessOf(request.headers.authorization);
  if (access === undefined) return refused(401, "WRONGPASS invalid or missing auth token");
  const refusal = refusalOfRequest(request, address);
  if (refusal !== undefined) return refusal;

  const body = await readBody(request, { share, timeoutMs: bridge.requestTimeoutMs });
  if ("failure" in body) return refusalOfBody(body.failure);
  const encoding = request.headers["upstash-encoding"] === "base64" ? "base64" : "plain";
  try {
    const check = (command: BridgeCommand) => bridge.checkCommand(command, access);
    return await execute({ address, body: body.bytes, encoding, check }, bridge.connection);
  } catch (error) {
    if (error instanceof RefusedCommand) return refused(400, error.message);
    throw error;
  }
}

/** Every answer has the token of the sync: all reads and writes go to one server, so any value keeps its promise. */
const SYNC_TOKEN = "one-server";

function write(response: ServerResponse, { status, body, headers }: Answer, share: MemoryShare): void {
  const text = Buffer.from(JSON.stringify(body));
  if (response.destroyed) return;
  // What is left of the memory decides whether more is read; an answer that is there already is given all the same.
  share.hold(text.length);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": text.length,
    "upstash-sync-token": SYNC_TOKEN,
    ...headers,
  });
  response.end(text);
}

const TOKEN_IN_ADDRESS =
  "ERR the token goes into the header Authorization: Bearer; the bridge takes no _token in the address, since addresses are written to logs";

function refusalOfRequest({ method, headers }: IncomingMessage, { path }: Address): Answer | undefined {
  const isPath = !LIST_PATHS.has(path) && isCommandPath(path);
  if (path !== "/" && !LIST_PATHS.has(path) && !isPath) {
    return refused(404, "ERR the bridge answers at /, /pipeline, /multi-exec and /command/argument/argument");
  }
  if (method !== "POST" && !(isPath && method === "GET")) {
    const allowed = isPath ? "GET, POST" : "POST";
    return { ...refused(405, `ERR this address answers ${allowed} alone`), headers: { allow: allowed } };
  }
  if (/^\/(subscribe|psubscribe|ssubscribe|monitor)(\/|$)/i.test(path)) {
    return refused(400, "ERR the bridge has no streams: SUBSCRIBE, PSUBSCRIBE and MONITOR are not available");
  }
  if ((headers["upstash-response-format"] ?? "json") !== "json") {
    return refused(400, "ERR the bridge answers in JSON alone: leave Upstash-Response-Format out");
  }
  if ((headers["content-encoding"] ?? "identity") !== "identity") {
    return refused(400, "ERR the bridge reads no compressed body: leave Content-Encoding out");
  }
  return undefined;
}

function refusalOfBody(failure: BodyFailure): Answer {
  const headers = { connection: "close" };
  switch (failure) {
    case "too large":
      return { ...refused(413, `ERR max request size exceeded. Limit: ${MAX_BODY_BYTES} bytes`), headers };
    case "too many":
      return { ...refused(503, TOO_MANY), headers };
    case "too slow":
      return { ...refused(408, "ERR the body did not arrive in time"), headers };
    case "gone":
      return { ...refused(400, "ERR the body ended early"), headers };
    default:
      return failure satisfies never;
  }
}

function milliseconds(option: string, value: number): number {
  if (value >= 1 && value <= 600_000) return value;
  throw new InvalidOptionsError(`The bridge's ${option} must be a number of milliseconds from 1 to 600,000.`);
}

function memoryBytes(value: number): number {
  if (value >= MAX_BODY_BYTES && value <= 2 ** 40) return value;
  throw new InvalidOptionsError(
    "The bridge's maxMemoryBytes must be a number of bytes from 10 MiB to 1 TiB.",
  );
}
