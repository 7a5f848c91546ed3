import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { post } from "./requests.ts";

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

describe("A transaction runs whole, and nothing comes between", () => {
  it("over @upstash/redis, with the result of each command", async () => {
    const results = await redis.multi().set("a", "OK").incrby("n", 5).hset("h", { x: 1 }).hgetall("h").exec();
    expect(results).toEqual(["OK", 5, 1, { x: 1 }]);
  });

  it("where a command fails in it, that one's error is told and the others run", async () => {
    await redis.set("text", "a");
    expect(
      await post(bridge, "/multi-exec", [
        ["SET", "k", "v"],
        ["INCR", "text"],
        ["GET", "k"],
      ]),
    ).toEqual([
      200,
      [{ result: "OK" }, { error: expect.stringMatching(/^ERR value is not an integer/) }, { result: "v" }],
    ]);
  });

  it("while others send single commands, pipelines and transactions over the same connection", async () => {
    const source = "return redis.call('INCR', KEYS[1])";
    const transactions = Array.from({ length: 50 }, () =>
      redis.multi().incr("n").eval(source, ["n"], []).incr("n").exec<[number, number, number]>(),
    );
    const others = Array.from({ length: 50 }, () =>
      Promise.all([redis.incr("n"), redis.pipeline().incr("n").incr("n").exec()]),
    );
    const [results] = await Promise.all([Promise.all(transactions), Promise.all(others)]);
    for (const [first, second, third] of results) expect([second, third]).toEqual([first + 1, first + 2]);
    expect(await redis.get("n")).toBe(300);
  });

  it("in base64 for who asks for it, where the status OK of a command stays plain", async () => {
    const commands = [
      ["SET", "k", "v"],
      ["GET", "k"],
      ["MGET", "k"],
    ];
    expect(await post(bridge, "/multi-exec", commands, { "upstash-encoding": "base64" })).toEqual([
      200,
      [{ result: "OK" }, { result: "dg==" }, { result: ["dg=="] }],
    ]);
  });
});

describe("A transaction that is discarded answers one error, and nothing of it runs", () => {
  it.each([
    ["Redis does not know a command", [["SET", "k", "v"], ["NOSUCH"]], /^EXECABORT/],
    ["a command lacks arguments", [["SET", "k", "v"], ["GET"]], /^EXECABORT/],
    [
      "the bridge does not pass on a command",
      [["SET", "k", "v"], ["EXEC"], ["SET", "k", "w"]],
      /not available/,
    ],
    ["a command is malformed", [["SET", "k", "v"], []], /^ERR a command is a list/],
    ["there is no command", [], /^ERR a pipeline or transaction/],
  ])("since %s", async (_, commands, message) => {
    expect(await post(bridge, "/multi-exec", commands)).toEqual([
      400,
      { error: expect.stringMatching(message) },
    ]);
    expect(await server.command("DBSIZE")).toBe(":0");
    expect(await redis.ping()).toBe("PONG");
  });

  it("which @upstash/redis throws", async () => {
    const broken = redis.multi().set("k", "v").eval("return 1", [], []);
    broken.setrange("k", 0, "w").zadd("k", { score: 1, member: "m" });
    expect(await broken.exec({ keepErrors: true })).toHaveLength(4);
    const discarded = new Redis({ url: bridge.url, token: bridge.token }).multi();
    await expect(discarded.set("k", "new").evalsha("", [], []).json.del("").exec()).rejects.toThrow(
      /EXECABORT/,
    );
    expect(await redis.get("k")).toBe("w");
  });

  it("since Redis refuses MULTI to the bridge's user", async () => {
    await server.command("ACL SETUSER plain on nopass ~* +@all -multi");
    onTestFinished(async () => void (await server.command("ACL DELUSER plain")));
    const other = await startBridge(`redis://plain:x@127.0.0.1:${server.port}`);
    onTestFinished(() => other.close());
    expect(await post(other, "/multi-exec", [["SET", "k", "v"]])).toEqual([
      400,
      { error: expect.stringMatching(/^NOPERM/) },
    ]);
    expect(await server.command("DBSIZE")).toBe(":0");
  });
});
