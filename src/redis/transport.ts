/** What carries a script to a Redis and its answer back, whatever the wire; and the form that every answer has. */
import { StoreDataError } from "../errors.ts";

/** One Lua script in its two texts. Both are the same script; they differ in their first line alone. */
export interface RedisScript {
  /** The script's own name, for messages. */
  name: string;
  /** The text that every Redis runs. */
  source: string;
  /** SHA-1 of `source`, 40 lower-case hex digits. */
  sha1: string;
  /** `source` under the line `#!lua flags=allow-key-locking`: Upstash then locks the script's keys instead of the whole database. */
  upstashSource: string;
  upstashSha1: string;
}

/**
 * Carries scripts to one server.
 *
 * Each call is tried again, with the same arguments, until `storeTimeoutMs` have passed in all, so a script may run
 * more than once: the operation's id among its arguments must make a second run harmless.
 * Messages of errors hold no keys, no arguments, no token and no password.
 *
 * @throws StoreUnavailableError the server did not answer in time, or refuses to work; after a time-out the script may have run all the same.
 * @throws StoreDataError the script failed, or its answer has not the form of {@link answerValues}.
 */
export interface ScriptTransport {
  /**
   * Runs a script and returns the values of its answer; see {@link answerValues}.
   *
   * @param elapsedMs what the operation has used of its `storeTimeoutMs` before this call; 0 by default.
   */
  run(script: RedisScript, keys: string[], args: string[], elapsedMs?: number): Promise<string[]>;
  /** The server's clock, in microseconds since 1970. */
  time(elapsedMs?: number): Promise<number>;
  /** Ends what the transport itself opened. Afterwards every call throws `StoreUnavailableError`. */
  close?(): Promise<void>;
}

/** The first element of every answer. */
export const ANSWER_MARK = "agl1";
/** The last element of every answer. */
export const ANSWER_END = "end";
/** The first character of every element between them. */
export const VALUE_PREFIX = "=";

/**
 * The values of a script's answer, as the strings that the script returned.
 *
 * **What a script returns**: one flat table of strings, `{ 'agl1', '=' .. first, '=' .. second, …, 'end' }`.
 * - The mark comes first: an answer without it is somebody else's, and never counts as success.
 * - The end comes last: Lua cuts a table at its first nil, so an answer without it was cut short.
 * - Every value between them is a string under the prefix `=`; a number is written out by the script
 *   (`string.format('%.0f', n)` up to 2^53), since Redis would truncate it. An empty value is `'='`.
 * - Decisions are answers, never error replies.
 *
 * Why the prefix: `@upstash/redis` puts every element of an answer through `JSON.parse` unless its user turned that
 * off, and keeps it only where the parser throws. `"0100"`, `"true"` and `"null"` would change their type, and
 * `"OK"` is the one string that the REST protocol does not encode. No JSON text begins with `=`, so what the script
 * wrote comes back exactly, with any client and any setting.
 *
 * @throws StoreDataError the answer has another form; the message says which part is missing, not what stands there.
 */
export function answerValues(scriptName: string, answer: unknown): string[] {
  if (!Array.isArray(answer)) throw unreadable(scriptName, answer === null ? "is null" : "is not a list");
  if (answer[0] !== ANSWER_MARK) throw unreadable(scriptName, `does not begin with "${ANSWER_MARK}"`);
  if (answer.length < 2 || answer[answer.length - 1] !== ANSWER_END)
    throw unreadable(scriptName, "is cut short");
  return answer.slice(1, -1).map((element: unknown) => {
    if (typeof element === "string" && element.startsWith(VALUE_PREFIX))
      return element.slice(VALUE_PREFIX.length);
    throw unreadable(scriptName, `holds a value that does not begin with "${VALUE_PREFIX}"`);
  });
}

/**
 * Microseconds since 1970 from the answer of `TIME`: seconds and microseconds, as strings or as numbers.
 *
 * @throws StoreDataError the answer is something else.
 */
export function timeMicros(answer: unknown): number {
  const [seconds, micros, ...rest] = Array.isArray(answer) ? answer.map(String) : [];
  const isTime = /^\d{1,11}$/.test(seconds ?? "") && /^\d{1,6}$/.test(micros ?? "") && rest.length === 0;
  if (!isTime) throw new StoreDataError("The store's answer to TIME is not a time. Is this address a Redis?");
  return Number(seconds) * 1_000_000 + Number(micros);
}

function unreadable(scriptName: string, how: string): StoreDataError {
  return new StoreDataError(
    `The store's answer to the script "${scriptName}" ${how}. Something other than Redis answers at this address, or it changes answers on their way.`,
  );
}
