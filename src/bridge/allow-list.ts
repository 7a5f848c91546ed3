/** Which commands the bridge passes on: what nobody may send, what agentlimit sends, what an option adds. */
import { createHash } from "node:crypto";
import { InvalidOptionsError } from "../errors.ts";
import { SCRIPTS } from "../redis/scripts.ts";
import type { RedisScript } from "../redis/transport.ts";
import type { Access } from "./access.ts";
import { type BridgeCommand, RefusedCommand } from "./protocol.ts";
import { READ_COMMANDS } from "./read-commands.ts";

/** Commands by name beside those that agentlimit sends; `"all"`: every command that leaves the shared connection whole. */
export type Allow = "all" | readonly string[];

/** @throws RefusedCommand the command is not for this caller. */
export type CommandCheck = (command: BridgeCommand, access: Access) => void;

/** @throws InvalidOptionsError a name that is no command's, or that of a command which is never passed on. */
export function commandCheck(allow: Allow = []): CommandCheck {
  const added = allow === "all" ? undefined : addedNames(allow);
  const isAllowed = (command: BridgeCommand) =>
    added === undefined || added.has(command.name) || PLAIN.has(command.name) || isOwnScript(command);

  return (command, access) => {
    if (isNeverAllowed(command)) throw notAvailable(command);
    if (!isAllowed(command))
      throw SCRIPT_COMMANDS.has(command.name) ? foreignScript() : notAvailable(command);
    if (access === "read" && !READ_COMMANDS.has(command.name)) {
      throw new RefusedCommand(`NOPERM the read-only token can't run ${named(command)}`);
    }
  };
}

function addedNames(allow: readonly string[]): Set<string> {
  if (!Array.isArray(allow)) {
    throw new InvalidOptionsError('The bridge\'s allow is "all" or a list of names of commands.');
  }
  for (const name of allow) {
    if (typeof name !== "string" || !NAME.test(name)) {
      throw new InvalidOptionsError('The bridge\'s allow lists names of commands, such as ["GET", "SET"].');
    }
    if (NEVER.has(name.toUpperCase())) {
      throw new InvalidOptionsError(
        `The bridge can't allow ${name.toUpperCase()}: it changes or blocks the connection that all callers share, or the server itself.`,
      );
    }
  }
  return new Set(allow.map((name) => name.toUpperCase()));
}

const NAME = /^[A-Za-z][\w.-]{0,63}$/;

/** What agentlimit sends beside its scripts, and what clients greet with. */
const PLAIN = new Set(["PING", "TIME"]);

/** Their first argument is a text or its SHA-1. */
const SCRIPT_COMMANDS = new Set(["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO"]);

const OWN_SHA1S = new Set(
  Object.values<RedisScript>(SCRIPTS).flatMap(({ sha1, upstashSha1 }) => [sha1, upstashSha1]),
);

function isOwnScript({ name, args: [script] }: BridgeCommand): boolean {
  if (script === undefined || !SCRIPT_COMMANDS.has(name)) return false;
  const isText = name === "EVAL" || name === "EVAL_RO";
  return OWN_SHA1S.has(
    isText ? createHash("sha1").update(script).digest("hex") : script.toString().toLowerCase(),
  );
}

/** All callers share one connection: none of them may change its state, block it, or take over the server. */
function isNeverAllowed({ name, args }: BridgeCommand): boolean {
  // ioredis looks names up in plain objects: after `constructor` it takes the connection as closed on purpose.
  if (NEVER.has(name) || name.toLowerCase() in {}) return true;
  if (name === "XREAD" || name === "XREADGROUP") return args.some((arg) => isWord(arg, "BLOCK"));
  return name === "SCRIPT" && args.slice(0, 1).some((arg) => isWord(arg, "DEBUG"));
}

function isWord(arg: string | Buffer, word: string): boolean {
  return arg.length === word.length && arg.toString().toUpperCase() === word;
}

const NEVER = new Set([
  // change the state of the connection
  ...["AUTH", "HELLO", "SELECT", "CLIENT", "RESET", "QUIT", "ASKING", "READONLY", "READWRITE"],
  ...["HIMPORT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"],
  ...["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR"],
  ...["SYNC", "PSYNC", "REPLCONF", "RESTORE-ASKING"],
  // block it
  ...["BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMOVEM", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP"],
  ...["WAIT", "WAITAOF", "SAVE"],
  // stop, reconfigure or take over the server
  ...["ACL", "CLUSTER", "CONFIG", "DEBUG", "FAILOVER", "MIGRATE", "MODULE", "REPLICAOF", "SENTINEL"],
  ...["SHUTDOWN", "SLAVEOF", "SWAPDB", "PFDEBUG", "PFSELFTEST"],
]);

function notAvailable(command: BridgeCommand): RefusedCommand {
  return new RefusedCommand(`ERR Command is not available over this bridge: ${named(command)}`);
}

/** A name is told only where it may be one: what a caller put in its place by mistake may be a secret. */
function named({ name }: BridgeCommand): string {
  return NAME.test(name) && name.length <= 24 ? `'${name.toLowerCase()}'` : "a name of another form";
}

function foreignScript(): RefusedCommand {
  return new RefusedCommand(
    "ERR the bridge runs the scripts of its own agentlimit version alone: start it with the version that the callers have, or let it allow EVAL and EVALSHA",
  );
}
