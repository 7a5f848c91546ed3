import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MAX_BODY_BYTES } from "../../src/bridge/server.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

let server: RedisServer;
let bridge: TestBridge;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  bridge = await startBridge(server.url);
  redis = new Redis({ url: bridge.url, token: bridge.token });
});

afterAll(async () => {
  await bridge.close();
  await server.stop();
});

beforeEach(() => server.flush());

/** Sends a body as it is. */
async function post(path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  const authorization = `Bearer ${bridge.token}`;
  return fetch(`${bridge.url}${path}`, { method: "POST", headers: { authorization, ...headers }, body });
}

async function statusAndBody(response: Response): Promise<[number, unknown]> {
  return [response.status, await response.json()];
}

describe("@upstash/redis reaches a plain Redis through the bridge", () => {
  it("writes and reads strings, with any setting of the client", async () => {
    await redis.set("greeting", "grüße 🦊\u0000\r\n", { ex: 60 });
    expect(await redis.get("greeting")).toBe("grüße 🦊\u0000\r\n");
    const plain = new Redis({ url: bridge.url, token: bridge.token, responseEncoding: false });
    expect(await plain.get("greeting")).toBe("grüße 🦊\u0000\r\n");
    expect(await redis.get("nothing")).toBeNull();
  });

  it("keeps the string OK apart from the status OK", async () => {
    expect(await redis.set("a", "OK")).toBe("OK");
    expect(await redis.get("a")).toBe("OK");
    expect(await redis.mget("a", "nothing", "a")).toEqual(["OK", null, "OK"]);
    expect(await redis.eval("return {ARGV[1], {ARGV[1]}}", [], ["OK"])).toEqual(["OK", ["OK"]]);
  });

  it("writes strings in base64 for who asks for it, but never the status OK", async () => {
    const base64 = { "upstash-encoding": "base64" };
    const set = JSON.stringify(["SET", "bytes", "OK"]);
    expect(await statusAndBody(await post("/", set, base64))).toEqual([200, { result: "OK" }]);
    expect(await statusAndBody(await post("/", '["MGET","bytes","no"]', base64))).toEqual([
      200,
      { result: ["T0s=", null] },
    ]);
    await server.command('SET bytes "\\xff\\x00"');
    expect(await statusAndBody(await post("/", '["GET","bytes"]', base64))).toEqual([
      200,
      { result: "/wA=" },
    ]);
    expect(await statusAndBody(await post("/", '["ECHO","text"]'))).toEqual([200, { result: "text" }]);
  });

  it("answers hashes, nested lists, integers and nulls as Upstash does", async () => {
    await redis.hset("hash", { one: 1, two: "zwei" });
    expect(await redis.hgetall("hash")).toEqual({ one: 1, two: "zwei" });
    expect(await redis.eval("return {1, 'a', {2, {false, 'b'}}}", [], [])).toEqual([
      1,
      "a",
      [2, [null, "b"]],
    ]);
    expect(await redis.incrby("counter", 41)).toBe(41);
    expect(await redis.time()).toHaveLength(2);
  });

  it("runs scripts as they are, by text and by SHA-1", async () => {
    const source = "return {KEYS[1], ARGV[1]}";
    const sha1 = await redis.scriptLoad(source);
    expect(await redis.evalsha(sha1, ["k"], ["v"])).toEqual(["k", "v"]);
    expect(await redis.eval(source, ["k"], ["v"])).toEqual(["k", "v"]);
    await redis.scriptFlush();
    await expect(redis.evalsha(sha1, ["k"], ["v"])).rejects.toThrow(/NOSCRIPT/);
    await expect(redis.eval("#!lua flags=allow-key-locking\nreturn 1", [], [])).rejects.toThrow(/shebang/);
  });

  it("runs a pipeline in its order, and a failing command does not stop the others", async () => {
    const results = await redis
      .pipeline()
      .set("n", 1)
      .scriptFlush()
      .hset("n", { a: 1 })
      .incr("n")
      .exec({ keepErrors: true });
    expect(results.map(({ result, error }) => error ?? result)).toEqual([
      "OK",
      "OK",
      expect.stringMatching(/^WRONGTYPE/),
      2,
    ]);
  });

  it("takes the client's own merging of concurrent calls", async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map((key, index) => redis.set(key, index)));
    expect(await Promise.all(keys.map((key) => redis.get(key)))).toEqual(keys.map((_, index) => index));
    expect(await redis.dbsize()).toBe(300);
  });

  it("carries a value of nearly 10 MB there and back", async () => {
    const value = "x".repeat(MAX_BODY_BYTES - 100);
    await redis.set("large", value);
    expect(await redis.get("large")).toBe(value);
  });

  it("hands on Redis' errors", async () => {
    await redis.set("text", "a");
    await expect(redis.incr("text")).rejects.toThrow(/ERR value is not an integer/);
    expect(await statusAndBody(await post("/", '["NOSUCH"]'))).toEqual([
      400,
      { error: expect.stringMatching(/^ERR unknown command/) },
    ]);
  });
});

describe("The bridge keeps strangers and malformed requests out", () => {
  it("answers 401 without the right token, and passes nothing on", async () => {
    const write = '["SET", "k", "v"]';
    const wrong = [{ authorization: "Bearer wrong" }, { authorization: bridge.token }, { authorization: "" }];
    for (const headers of wrong) {
      expect(await statusAndBody(await post("/", write, headers))).toEqual([
        401,
        { error: "WRONGPASS invalid or missing auth token" },
      ]);
    }
    const inQuery = await fetch(`${bridge.url}/?_token=${bridge.token}`, { method: "POST", body: write });
    expect(inQuery.status).toBe(401);
    const stranger = new Redis({ url: bridge.url, token: "wrong", retry: false });
    await expect(stranger.set("k", "v")).rejects.toThrow(/WRONGPASS/);
    expect(await server.command("DBSIZE")).toBe(":0");
  });

  it.each([
    ["nothing", ""],
    ["half of something", '["SET", "k"'],
    ["no JSON", "SET k v"],
    ["no list", '{"command":"SET"}'],
    ["null", "null"],
    ["an empty list", "[]"],
    ["an object in a command", '["SET", "k", {}]'],
    ["null in a command", '["SET", "k", null]'],
    ["a list in a list", '[["SET", "k", "v"]]'],
    ["brackets without an end", "[".repeat(1_000_000)],
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00, 0x5b])],
    ["JSON that holds bytes that are no text", Buffer.from('["SET","k","\xff"]', "latin1")],
  ])("answers 400 to %s and goes on", async (_, body) => {
    expect((await post("/", body)).status).toBe(400);
    expect(await server.command("DBSIZE")).toBe(":0");
    expect(await redis.ping()).toBe("PONG");
  });

  it("answers each command of a malformed pipeline in its place", async () => {
    expect((await post("/pipeline", "[]")).status).toBe(400);
    expect((await post("/pipeline", '{"a":1}')).status).toBe(400);
    const mixed = await post("/pipeline", '[["SET","k","v"],[],7,["GET",["k"]],["GET","k"]]');
    expect(await statusAndBody(mixed)).toEqual([
      200,
      [
        { result: "OK" },
        { error: expect.stringMatching(/^ERR/) },
        { error: expect.stringMatching(/^ERR/) },
        { error: expect.stringMatching(/^ERR/) },
        { result: "v" },
      ],
    ]);
  });

  it("survives a command of a million parts", async () => {
    const parts = JSON.stringify(["DEL", ...new Array(1_000_000).fill(1)]);
    expect(await statusAndBody(await post("/", parts))).toEqual([200, { result: 0 }]);
    expect(await redis.ping()).toBe("PONG");
  });

  it("answers 413 to a body above 10 MiB, and nothing is written", async () => {
    const body = JSON.stringify(["SET", "large", "x".repeat(MAX_BODY_BYTES)]);
    expect(await statusAndBody(await post("/", body))).toEqual([
      413,
      { error: expect.stringMatching(/^ERR max request size exceeded/) },
    ]);
    expect((await post("/", body, { authorization: "Bearer wrong" })).status).toBe(401);
    expect(await server.command("DBSIZE")).toBe(":0");
  });

  it.each([
    ...["subscribe c", "PSUBSCRIBE c*", "MULTI", "exec", "WATCH k", "AUTH p", "SELECT 1", "HELLO 3", "RESET"],
    ...[
      "QUIT",
      "MONITOR",
      "CLIENT REPLY OFF",
      "CLIENT KILL TYPE normal",
      "BLPOP k 0",
      "XREAD BLOCK 0 STREAMS s $",
    ],
    ...[
      "SCRIPT DEBUG YES",
      "script debug sync",
      "DISCARD",
      "SYNC",
      "SAVE",
      "SWAPDB 0 1",
      "HIMPORT PREPARE f a b",
      "BLMOVE a b LEFT LEFT 0",
    ],
    ...["XREADGROUP GROUP g c block 0 STREAMS s >"],
    ...["WAIT 1 0", "SHUTDOWN NOSAVE", "CONFIG SET dir /", "DEBUG SLEEP 9", "REPLICAOF NO ONE"],
  ])("refuses %s, which would spoil the connection that all share", async (line) => {
    await redis.set("k", "v");
    expect(await statusAndBody(await post("/", JSON.stringify(line.split(" "))))).toEqual([
      400,
      { error: expect.stringMatching(/^ERR Command is not available over this bridge/) },
    ]);
    expect(await redis.get("k")).toBe("v");
  });
});
