/** Upstash's REST protocol, pure: what a body asks for, what is refused, and how a result is written. */

/** A command as it goes to Redis. */
export interface BridgeCommand {
  /** In upper case. */
  name: string;
  args: string[];
}

/** How strings of a result are written: `base64` when the client sends `Upstash-Encoding: base64`. */
export type ResultEncoding = "base64" | "plain";

/** A body, or a command of it, that the bridge does not pass on; the message is the `error` of the answer. */
export class RefusedCommand extends Error {}

/**
 * Reads one command, `["SET", "key", 1]`.
 *
 * @throws RefusedCommand it is no list of strings, numbers and booleans, or a command that the bridge does not pass on.
 */
export function parseCommand(value: unknown): BridgeCommand {
  if (!Array.isArray(value) || value.length === 0) {
    throw new RefusedCommand('ERR a command is a list that is not empty, such as ["GET", "key"]');
  }
  const [name, ...args] = value.map(argumentOf);
  const command = { name: (name ?? "").toUpperCase(), args };
  if (isRefused(command)) {
    throw new RefusedCommand(`ERR Command is not available over this bridge: '${command.name.slice(0, 64)}'`);
  }
  return command;
}

function argumentOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new RefusedCommand("ERR the parts of a command are strings and numbers");
}

/** All callers share one connection, and none of them may change its state, block it, or take over the server. */
function isRefused({ name, args }: BridgeCommand): boolean {
  if (REFUSED.has(name)) return true;
  return (name === "XREAD" || name === "XREADGROUP") && args.some((arg) => arg.toUpperCase() === "BLOCK");
}

const REFUSED = new Set([
  // change the state of the connection
  ...["AUTH", "HELLO", "SELECT", "CLIENT", "RESET", "QUIT", "ASKING", "READONLY", "READWRITE"],
  ...["MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"],
  ...["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR"],
  ...["SYNC", "PSYNC", "REPLCONF"],
  // block it
  ...[
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BLMOVE",
    "BLMPOP",
    "BZPOPMIN",
    "BZPOPMAX",
    "BZMPOP",
    "WAIT",
    "WAITAOF",
  ],
  // stop, reconfigure or take over the server
  ...[
    "ACL",
    "CLUSTER",
    "CONFIG",
    "DEBUG",
    "FAILOVER",
    "MIGRATE",
    "MODULE",
    "REPLICAOF",
    "SHUTDOWN",
    "SLAVEOF",
  ],
]);

/**
 * A result of Redis as JSON: integers, null and lists as they are, strings in the asked encoding.
 * Alone, the string `OK` is never encoded; inside a list it is, since clients decode every string of a list.
 */
export function resultJson(result: unknown, encoding: ResultEncoding): unknown {
  if (Buffer.isBuffer(result) && result.equals(OK)) return "OK";
  return elementJson(result, encoding);
}

function elementJson(element: unknown, encoding: ResultEncoding): unknown {
  if (Array.isArray(element)) return element.map((inner) => elementJson(inner, encoding));
  if (element instanceof Error) return elementJson(Buffer.from(element.message), encoding);
  if (!Buffer.isBuffer(element)) return element;
  return element.toString(encoding === "base64" ? "base64" : "utf8");
}

const OK = Buffer.from("OK");
