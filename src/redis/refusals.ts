/** What an error of a Redis client means: one table over the server's texts, and sentences without secrets. */

/** `again`: the same call may work in a moment. `unavailable`: somebody must change something. `data`: a script or its keys are broken. */
export interface Refusal {
  kind: "again" | "unavailable" | "data";
  /** What happened and what to do, as a sentence without its full stop; for `again` a clause. */
  says: string;
}

/**
 * Reads an error of ioredis, node-redis or `@upstash/redis`.
 *
 * @param secrets keys and arguments of the call: they never stand in `says`.
 */
export function refusalOf(error: unknown, secrets: readonly string[]): Refusal {
  const text = serverText(error);
  const row = TABLE.find(({ pattern }) => pattern.test(text));
  if (row !== undefined) return { kind: row.kind, says: row.says ?? excerpt(text, secrets) };
  if (isReply(error)) return { kind: "unavailable", says: `The store refused: ${excerpt(text, secrets)}` };
  const cause = connectionCause(error);
  return { kind: "again", says: `it can't be reached${cause === undefined ? "" : ` (${cause})`}` };
}

/** The server does not know a script by its SHA-1. The script did not run. */
export function isNoScript(error: unknown): boolean {
  return serverText(error).startsWith("NOSCRIPT");
}

/** The server does not take the first line of the text for Upstash. The script did not run. */
export function isFirstLineRefused(error: unknown): boolean {
  // Redis and Valkey from 7 on; Redis up to 6.2, where the line is no Lua; Dragonfly.
  return /shebang|unexpected symbol near '#'|Invalid flag/i.test(serverText(error));
}

/** The server lacks the command, or its user may not run it. */
export function isCommandRefused(error: unknown): boolean {
  return /unknown command|command is not available|\bNOPERM\b/i.test(serverText(error));
}

/** True for the server's own words, false when none arrived. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && (error.name === "ReplyError" || error.name === "UpstashError");
}

// Searched from the top, anywhere in the text: Redis up to 6.2 buries a code in the middle of its sentence.
const TABLE: readonly { pattern: RegExp; kind: Refusal["kind"]; says?: string }[] = [
  {
    pattern: /Dynamic keys are not allowed/,
    kind: "data",
    says: "Upstash refused a key that was not declared",
  },
  { pattern: /\bLOADING\b/, kind: "again", says: "Redis is loading its data" },
  { pattern: /\bBUSY\b/, kind: "again", says: "another script keeps Redis busy" },
  {
    pattern: /\b(TRYAGAIN|CLUSTERDOWN|MASTERDOWN)\b/,
    kind: "again",
    says: "the cluster is changing or a part of it is down",
  },
  { pattern: /\bNOREPLICAS\b/, kind: "again", says: "Redis has fewer replicas than it requires for a write" },
  { pattern: /max number of clients/, kind: "again", says: "Redis takes no more connections" },
  { pattern: /the bridge can't reach Redis/, kind: "again", says: "the bridge can't reach its Redis" },
  { pattern: /too many requests|rate limit/i, kind: "again", says: "the store limits the rate of requests" },
  // Many texts of scripts in one merged request: the next tries come apart.
  { pattern: /max request size/, kind: "again", says: "a request was too large" },
  { pattern: /^undefined$/, kind: "again", says: "it answered with an HTTP error" },
  {
    pattern: /Unable to parse response body/,
    kind: "again",
    says: "something other than Redis' REST API answered, such as a proxy or a wrong address",
  },
  {
    pattern: /Unknown RESP type|Protocol error, got/,
    kind: "again",
    says: "something other than Redis answers at this address",
  },
  {
    pattern: /DB index is out of range|SELECT is not allowed/,
    kind: "unavailable",
    says: "The server has no database of the address's number: most have 0 to 15, a cluster has 0 alone",
  },
  {
    pattern:
      /\b(WRONGPASS|NOAUTH|NOPERM)\b|invalid password|no password is set|without any password|user executing the script|unauthorized|unauthenticated/i,
    kind: "unavailable",
    says: "The store refused the token, the password or their permissions: check them, and that they may run scripts and write",
  },
  {
    pattern: /\bREADONLY\b|read.only replica/i,
    kind: "unavailable",
    says: "The store takes no writes: use the address of the primary, not of a replica, and a token that may write",
  },
  {
    pattern: /\bOOM\b|DB capacity quota/,
    kind: "unavailable",
    says: "The store is full: raise its memory limit or quota, or delete what it need not keep",
  },
  {
    pattern: /max (daily )?requests? limit|max bandwidth/,
    kind: "unavailable",
    says: "The store's request quota is used up: raise it at the provider, or wait until it resets",
  },
  {
    pattern: /\bMISCONF\b/,
    kind: "unavailable",
    says: "Redis takes no writes because it can't save to its disk (MISCONF): see the server's log",
  },
  {
    pattern: /\b(MOVED|ASK|CROSSSLOT)\b/,
    kind: "unavailable",
    says: "This address is one node of a Redis cluster: hand in a client for clusters",
  },
  {
    pattern: /subscriber mode|allowed in this context/,
    kind: "unavailable",
    says: "The Redis client is subscribed to channels and sends nothing else: hand in another, such as client.duplicate()",
  },
  {
    pattern: /^(Connection is closed\.|The client is closed)$/,
    kind: "again",
    says: "the connection is closed",
  },
  {
    pattern: /^Requires net access to /,
    kind: "unavailable",
    says: "Deno does not allow the connection to the store: run it with --allow-net",
  },
  {
    pattern: /unknown command|command is not available/i,
    kind: "unavailable",
    says: "This server lacks a command that is needed (EVALSHA, EVAL): it must be a Redis that runs Lua",
  },
  {
    pattern: /\bWRONGTYPE\b/,
    kind: "data",
    says: "a key of this namespace holds something else than agentlimit wrote (WRONGTYPE)",
  },
  { pattern: /user_script|Error (running|compiling) script|script: [0-9a-f]{40}/, kind: "data" },
  { pattern: /did not return a result/, kind: "data", says: "the answer is empty" },
  {
    // How @upstash/redis fails when it merges calls and gets something else than a list, in V8's words and Bun's.
    pattern: /is not a function|is not iterable|Cannot (read|destructure)|is not an object/,
    kind: "unavailable",
    says: "The Redis client got no answer that it can read: either something other than Redis' REST API answered, or a signal that was given to it as an object has fired (give it as a function: signal: () => AbortSignal.timeout(1000))",
  },
];

/** The server's own words: without the wrapping of `@upstash/redis`, which repeats the whole command. */
function serverText(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  return message.replace(/, command was: .*$/s, "").replace(/^Command (failed|\d+ \[[^\]]*\] failed): /, "");
}

const EXCERPT_LENGTH = 160;

function excerpt(text: string, secrets: readonly string[]): string {
  // What Redis appends: the arguments of a command it does not know, the SHA-1 and place of a script.
  let safe = text
    .replace(/(, with args beginning with|\.? script: [0-9a-f]{40}).*$/s, "")
    .replace(/[\p{Cc}\s]+/gu, " ");
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret.trim().length >= 3) safe = safe.replaceAll(secret, "…");
  }
  return safe.trim().slice(0, EXCERPT_LENGTH);
}

/** How Deno's `fetch` says in words, with the address among them, what others say in a code. */
const WORDS_FOR_CODES: readonly [pattern: RegExp, cause: string][] = [
  [/connection refused/i, "ECONNREFUSED"],
  [/failed to lookup address/, "ENOTFOUND"],
  [/connection reset|connection closed before message completed/i, "ECONNRESET"],
  [/invalid peer certificate/, "its certificate is not trusted"],
];

/** Such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`, wherever the runtime put it. */
function connectionCause(error: unknown): string | undefined {
  let next: unknown = error;
  for (let depth = 0; depth < 5 && next instanceof Error; depth++) {
    if ("code" in next && typeof next.code === "string" && /^[A-Z][A-Z0-9_]{2,40}$/.test(next.code))
      return next.code;
    const { message } = next;
    const words = WORDS_FOR_CODES.find(([pattern]) => pattern.test(message));
    if (words !== undefined) return words[1];
    next = next instanceof AggregateError ? next.errors[0] : next.cause;
  }
  return undefined;
}
