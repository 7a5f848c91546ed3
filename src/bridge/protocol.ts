/** Upstash's REST protocol, pure: which command a body or an address asks for, and how a result is written. */

/** A command as it goes to Redis. */
export interface BridgeCommand {
  /** In upper case. */
  name: string;
  /** Bytes where the body of a path-style request is an argument. */
  args: (string | Buffer)[];
}

/** How strings of a result are written: `base64` when the client sends `Upstash-Encoding: base64`. */
export type ResultEncoding = "base64" | "plain";

/** A request, or a command of it, that the bridge does not pass on; the message is the `error` of the answer. */
export class RefusedCommand extends Error {}

/**
 * Reads one command, `["SET", "key", 1]`. Numbers are as JSON reads them: integers above 2^53 go as strings.
 *
 * @throws RefusedCommand it is no list of strings, numbers and booleans.
 */
export function commandOfJson(value: unknown): BridgeCommand {
  if (!Array.isArray(value) || value.length === 0) {
    throw new RefusedCommand('ERR a command is a list that is not empty, such as ["GET", "key"]');
  }
  const [name, ...args] = value.map(argumentOf);
  return { name: (name ?? "").toUpperCase(), args };
}

function argumentOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new RefusedCommand("ERR the parts of a command are strings and numbers");
}

/** Where a request goes, undecoded: `/set/key?EX=60` has the path `/set/key` and the query `EX=60`. */
export interface Address {
  path: string;
  query: string;
}

export function addressOf(url: string): Address {
  const mark = url.indexOf("?");
  return mark === -1 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** Whether a path is one command, its name first: `/set/key/value`. */
export function isCommandPath(path: string): boolean {
  return /^\/[A-Za-z][\w.-]*(\/|$)/.test(path);
}

/**
 * Reads `/set/key?EX=60` with the body `value` as `SET key value EX 60`.
 *
 * @throws RefusedCommand a `%` in it begins no UTF-8 text.
 */
export function commandOfPath({ path, query }: Address, body: Buffer): BridgeCommand {
  const [name, ...parts] = path.slice(1).split("/").map(decoded);
  return {
    name: (name ?? "").toUpperCase(),
    args: [...parts, ...(body.length > 0 ? [body] : []), ...partsOf(query)],
  };
}

/** `EX=60&NX` are the three parts `EX`, `60` and `NX`. */
function partsOf(query: string): string[] {
  const pairs = query.split("&").filter((pair) => pair !== "");
  return pairs.flatMap((pair) => {
    const equals = pair.indexOf("=");
    const texts = equals === -1 ? [pair] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return texts.map((text) => decoded(text.replaceAll("+", " ")));
  });
}

/** Whether the query holds a token, as Upstash allows: then it stands in the logs of everything on the way. */
export function holdsToken(query: string): boolean {
  return new URLSearchParams(query).has("_token");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RefusedCommand(
      "ERR the address holds a % that begins no UTF-8 text; write %25 for the character",
    );
  }
}

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

/** The bytes of a result's strings, in nested lists too. */
export function bytesOf(result: unknown): number {
  if (Buffer.isBuffer(result)) return result.length;
  if (Array.isArray(result)) return result.reduce((sum: number, inner) => sum + 8 + bytesOf(inner), 0);
  return 8;
}
