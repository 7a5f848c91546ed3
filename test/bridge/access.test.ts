import { randomBytes } from "node:crypto";
import { Redis } from "@upstash/redis";
import { Redis as TcpRedis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { READ_COMMANDS } from "../../src/bridge/read-commands.ts";
import { createBridge } from "../../src/bridge/server.ts";
import { InvalidOptionsError } from "../../src/errors.ts";
import { SCRIPTS } from "../../src/redis/scripts.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { get, post, type Target } from "./requests.ts";

const readOnlyToken = randomBytes(24).toString("base64url");
let server: RedisServer;
let bridge: TestBridge;
let reader: Target;
/** With the client's defaults, auto-pipelining among them. */
let redis: Redis;
let readingRedis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  bridge = await startBridge(server.url, { readOnlyToken });
  reader = { url: bridge.url, token: readOnlyToken };
  redis = new Redis({ url: bridge.url, token: bridge.token });
  readingRedis = new Redis(reader);
});

afterAll(async () => {
  await bridge.close();
  await server.stop();
});

beforeEach(() => server.flush());

const NOPERM = { error: expect.stringMatching(/^NOPERM the read-only token can't run '/) };

describe("The read-only token reads", () => {
  it("over @upstash/redis: single calls, calls that merge, pipelines and transactions", async () => {
    await redis.set("text", "a");
    await redis.hset("hash", { x: 1 });
    expect(await readingRedis.get("text")).toBe("a");
    const merged = await Promise.all([
      readingRedis.get("text"),
      readingRedis.hgetall("hash"),
      readingRedis.ttl("text"),
    ]);
    expect(merged).toEqual(["a", { x: 1 }, -1]);
    expect(await readingRedis.pipeline().get("text").exists("hash", "none").exec()).toEqual(["a", 1]);
    expect(await readingRedis.multi().get("text").hlen("hash").exec()).toEqual(["a", 1]);
    const alone = new Redis({ ...reader, enableAutoPipelining: false, automaticDeserialization: false });
    expect(await alone.get("text")).toBe("a");
  });

  it("by scripts that Redis holds to reading", async () => {
    await redis.set("text", "a");
    const reading = "return redis.call('GET', KEYS[1])";
    const sha1 = await redis.scriptLoad(reading);
    expect(await readingRedis.evalRo(reading, ["text"], [])).toBe("a");
    expect(await readingRedis.evalshaRo(sha1, ["text"], [])).toBe("a");
    const writing = "return redis.call('SET', KEYS[1], 'b')";
    await expect(readingRedis.evalRo(writing, ["text"], [])).rejects.toThrow(/read-only scripts/);
    await expect(readingRedis.eval(reading, ["text"], [])).rejects.toThrow(/NOPERM/);
    await expect(readingRedis.evalsha(sha1, ["text"], [])).rejects.toThrow(/NOPERM/);
  });

  it.each([
    [
      "SET k v",
      "DEL k",
      "INCR k",
      "EXPIRE k 1",
      "GETDEL k",
      "GETEX k PERSIST",
      "SORT k STORE l",
      "XGROUP CREATE s g $",
    ],
    [
      "BITFIELD k SET u8 0 1",
      "GEORADIUS k 0 0 1 m STORE l",
      "SPOP k",
      "LMOVE a b LEFT LEFT",
      "COPY a b",
      "PUBLISH c m",
    ],
    [
      "FLUSHALL",
      "FLUSHDB",
      "SCRIPT FLUSH",
      "SCRIPT LOAD x",
      "FUNCTION FLUSH",
      "FCALL f 0",
      "MEMORY PURGE",
      "INFO",
    ],
    [
      "SCAN 0",
      "KEYS *",
      "RANDOMKEY",
      "SCAN 0 MATCH *",
      "COMMAND",
      "NOSUCH",
      "XREADGROUP GROUP g c STREAMS s >",
    ],
  ])("and does nothing else: %s, %s, …", async (...lines) => {
    await redis.set("k", "v");
    for (const line of lines) {
      const command = line.split(" ");
      expect(await post(reader, "/", command)).toEqual([400, NOPERM]);
      expect(await get(reader, `/${command.map(encodeURIComponent).join("/")}`)).toEqual([400, NOPERM]);
      expect(await post(reader, "/multi-exec", [["GET", "k"], command])).toEqual([400, NOPERM]);
      expect(await post(reader, "/pipeline", [["GET", "k"], command])).toEqual([
        200,
        [{ result: "v" }, NOPERM],
      ]);
    }
    expect(await server.command("DBSIZE")).toBe(":1");
    expect(await redis.get("k")).toBe("v");
  });

  it("within what the bridge allows at all", async () => {
    const narrow = await startBridge(server.url, { allow: undefined, readOnlyToken });
    const narrowReader = { url: narrow.url, token: readOnlyToken };
    expect((await get(narrowReader, "/ping"))[0]).toBe(200);
    expect(await get(narrowReader, "/get/k")).toEqual([
      400,
      { error: expect.stringMatching(/not available/) },
    ]);
    const own = (command: string) => post(narrowReader, "/", [command, SCRIPTS.read.source, "0"]);
    expect(await own("EVAL")).toEqual([400, NOPERM]);
    expect(JSON.stringify(await own("EVAL_RO"))).not.toMatch(/NOPERM|bridge/);
    await narrow.close();
  });

  it("by commands none of which writes, as Redis itself has it, and by all that read and list no keys", async () => {
    const tcp = new TcpRedis(server.url);
    const commands = flagsOf(await tcp.call("COMMAND"));
    tcp.disconnect();
    const known = [...READ_COMMANDS].filter((name) => commands.has(name));
    expect(known.length).toBeGreaterThan(80);
    for (const name of known) {
      expect([
        name,
        commands.get(name)?.filter((flag) => ["write", "admin", "blocking"].includes(flag)),
      ]).toEqual(name === "XREAD" ? [name, ["blocking"]] : [name, []]);
    }
    const reads = [...commands].filter(([, flags]) => flags.includes("readonly")).map(([name]) => name);
    const leftOut = reads.filter((name) => !READ_COMMANDS.has(name));
    expect(leftOut.sort()).toEqual(["KEYS", "LOLWUT", "RANDOMKEY", "SCAN"]);
  });
});

function flagsOf(answer: unknown): Map<string, string[]> {
  if (!Array.isArray(answer)) throw new Error("COMMAND answers a list");
  return new Map(answer.map(([name, , flags]) => [String(name).toUpperCase(), flags.map(String)]));
}

describe("A token", () => {
  it("goes into the header; in the address it is refused, since addresses are logged", async () => {
    const told = [401, { error: expect.stringMatching(/^ERR the token goes into the header/) }];
    const query = `_token=${bridge.token}`;
    for (const path of [`/get/k?${query}`, `/?${query}`, `/pipeline?a=b&${query}`, `/get/k?%5Ftoken=x`]) {
      const response = await fetch(`${bridge.url}${path}`, { method: "POST", body: '["PING"]' });
      expect([response.status, await response.json()]).toEqual(told);
      expect(await post(bridge, path, ["PING"])).toEqual(told);
    }
  });

  it("that is wrong, cut or longer gets 401, whatever is asked, and stands in no answer", async () => {
    for (const right of [bridge.token, readOnlyToken]) {
      for (const token of [
        right.slice(1),
        `${right}x`,
        right.toUpperCase(),
        `${right},${right}`,
        "undefined",
        "x".repeat(8000),
      ]) {
        for (const path of ["/", "/get/k", "/pipeline", "//", "/monitor"]) {
          const [status, body] = await post({ url: bridge.url, token }, path, ["PING"]);
          expect([status, body]).toEqual([401, { error: "WRONGPASS invalid or missing auth token" }]);
        }
      }
    }
  });

  it("has Bearer before it, in any case", async () => {
    const asked = async (authorization: string) =>
      (await fetch(`${bridge.url}/ping`, { headers: { authorization } })).status;
    expect(await asked(`bearer ${bridge.token}`)).toBe(200);
    expect(await asked(bridge.token)).toBe(401);
    expect(await asked(`Basic ${btoa(`default:${bridge.token}`)}`)).toBe(401);
    expect(await asked("Bearer ")).toBe(401);
  });
});

describe("Options that make no sense are refused before anything listens", () => {
  it.each([
    [{ token: "" }],
    [{ token: "a b" }],
    [{ token: "a\n" }],
    [{ token: "t", readOnlyToken: "" }],
    [{ token: "same", readOnlyToken: "same" }],
    [{ token: "t", host: "" }],
    [{ token: "t", port: 1.5 }],
    [{ token: "t", port: 65_536 }],
    [{ token: "t", redisTimeoutMs: 0 }],
    [{ token: "t", requestTimeoutMs: Number.NaN }],
    [{ token: "t", maxMemoryBytes: 1000 }],
    [{ token: "t", redisUrl: "http://localhost" }],
    [{ token: "t", redisUrl: undefined }],
  ])("%j", async (options) => {
    await expect(createBridge({ redisUrl: server.url, ...options })).rejects.toThrow(InvalidOptionsError);
  });
});
