import { describe, expect, it } from "vitest";
import { isFirstLineRefused, isNoScript, refusalOf } from "../../src/redis/refusals.ts";

const SHA1 = "f0".repeat(20);

/** As ioredis throws it. */
function reply(message: string): Error {
  return Object.assign(new Error(message), { name: "ReplyError" });
}

/** As `@upstash/redis` throws it, alone and out of a merged pipeline. */
function upstash(message: string): Error {
  const command = JSON.stringify(["evalsha", SHA1, 1, "key", "argument"]);
  return Object.assign(new Error(`${message}, command was: ${command}`), { name: "UpstashError" });
}
function merged(message: string): Error {
  return Object.assign(new Error(`Command failed: ${message}`), { name: "UpstashError" });
}

describe("What a server's refusal means", () => {
  it.each([
    ["LOADING Redis is loading the dataset in memory", "again"],
    ["BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "again"],
    ["TRYAGAIN Multiple keys request during rehashing of slot", "again"],
    ["CLUSTERDOWN Hash slot not served", "again"],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "again"],
    ["NOREPLICAS Not enough good replicas to write.", "again"],
    ["ERR max number of clients reached", "again"],
    ["Too Many Requests", "again"],
    ["WRONGPASS invalid or missing auth token", "unavailable"],
    ["NOAUTH Authentication required.", "unavailable"],
    ["NOPERM this user has no permissions to run the 'evalsha' command", "unavailable"],
    ["ERR invalid password", "unavailable"],
    ["ERR Protocol error: unauthenticated multibulk length", "unavailable"],
    ["Unauthorized", "unavailable"],
    ["READONLY You can't write against a read only replica.", "unavailable"],
    [
      `READONLY You can't write against a read only replica. script: ${SHA1}, on @user_script:1.`,
      "unavailable",
    ],
    [
      `ERR Error running script (call to f_${SHA1}): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.`,
      "unavailable",
    ],
    ["OOM command not allowed when used memory > 'maxmemory'.", "unavailable"],
    [
      `ERR Error running script (call to f_${SHA1}): @user_script:9: @user_script: 9: -OOM command not allowed when used memory > 'maxmemory'.`,
      "unavailable",
    ],
    ["ERR DB capacity quota exceeded", "unavailable"],
    ["ERR max requests limit exceeded. Limit: 500000, Usage: 500000.", "unavailable"],
    ["ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.", "unavailable"],
    [
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
      "unavailable",
    ],
    ["MOVED 3999 127.0.0.1:6381", "unavailable"],
    ["CROSSSLOT Keys in request don't hash to the same slot", "unavailable"],
    ["ERR unknown command `evalsha`, with args beginning with: `key`", "unavailable"],
    [
      "ERR Can't execute 'evalsha': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
      "unavailable",
    ],
    ["ERR something that nobody has seen", "unavailable"],
    ["WRONGTYPE Operation against a key holding the wrong kind of value", "data"],
    [`ERR user_script:3: attempt to index a nil value script: ${SHA1}, on @user_script:3.`, "data"],
    [
      `ERR Error running script (call to f_${SHA1}): @user_script:3: user_script:3: attempt to index a nil value`,
      "data",
    ],
    ["ERR Error compiling script (new function): user_script:1: '=' expected near 'is'", "data"],
    [
      "ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. Key was: OOM",
      "data",
    ],
  ])("%s", (text, kind) => {
    for (const error of [reply(text), upstash(text), merged(text)]) {
      const refusal = refusalOf(error, ["key", "argument"]);
      expect(refusal.kind).toBe(kind);
      expect(refusal.says).not.toMatch(/argument|command was/);
    }
  });

  it.each([
    ["client error (Connect): tcp connect error: Connection refused (os error 111)", "ECONNREFUSED"],
    ["client error (Connect): dns error: failed to lookup address information: Try again", "ENOTFOUND"],
    ["client error (SendRequest): connection closed before message completed", "ECONNRESET"],
    ["client error (Connect): invalid peer certificate: UnknownIssuer", "its certificate is not trusted"],
  ])("tells from Deno's words what they say, without the address: %s", (words, cause) => {
    const error = new Error(`error sending request for url (https://secret.example/): ${words}`);
    const says = `it can't be reached (${cause})`;
    expect(refusalOf(new TypeError("fetch failed", { cause: error }), [])).toEqual({ kind: "again", says });
  });

  it("tries again what is no answer of Redis, and names the network's code wherever it stands", () => {
    const fetchFailed = new TypeError("fetch failed", {
      cause: new AggregateError([Object.assign(new Error("connect"), { code: "ECONNREFUSED" })]),
    });
    expect(refusalOf(fetchFailed, [])).toEqual({ kind: "again", says: "it can't be reached (ECONNREFUSED)" });
    expect(refusalOf(new Error("Connection is closed."), [])).toEqual({
      kind: "again",
      says: "the connection is closed",
    });
    expect(refusalOf("no error at all", [])).toEqual({ kind: "again", says: "it can't be reached" });
    const proxy = Object.assign(new Error("Unable to parse response body: <html>502"), {
      name: "UpstashJSONParseError",
    });
    expect(refusalOf(proxy, []).kind).toBe("again");
    expect(refusalOf(upstash("undefined"), []).kind).toBe("again");
  });

  it("knows a forgotten script and a refused first line in every server's words", () => {
    for (const text of ["NOSCRIPT No matching script. Please use EVAL.", "NOSCRIPT No matching script."]) {
      for (const error of [reply(text), upstash(text), merged(text)]) expect(isNoScript(error)).toBe(true);
    }
    expect(isNoScript(upstash("ERR NOSCRIPT"))).toBe(false);
    for (const text of [
      "ERR Unexpected flag in script shebang: allow-key-locking",
      "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'",
    ]) {
      expect(isFirstLineRefused(reply(text))).toBe(true);
    }
    expect(isFirstLineRefused(reply("OOM command not allowed"))).toBe(false);
  });

  it("takes keys and arguments out of what it quotes, and never quotes much", () => {
    const quoted = refusalOf(reply(`ERR strange: key-1 argument-1 ${"x".repeat(500)}\r\n`), [
      "key-1",
      "argument-1",
      "-1",
    ]);
    expect(quoted.says).toMatch(/^The store refused: ERR strange: … … x+$/);
    expect(quoted.says.length).toBeLessThan(200);
  });
});
