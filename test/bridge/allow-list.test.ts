import { Redis } from "@upstash/redis";
import { Redis as TcpRedis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Allow, commandCheck } from "../../src/bridge/allow-list.ts";
import { createBridge } from "../../src/bridge/server.ts";
import { InvalidOptionsError } from "../../src/errors.ts";
import { UsageMeter } from "../../src/meter.ts";
import { restTransport } from "../../src/redis/rest.ts";
import { SCRIPTS } from "../../src/redis/scripts.ts";
import type { RedisScript } from "../../src/redis/transport.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { ECHO } from "../support/scripts.ts";
import { get, post } from "./requests.ts";

let server: RedisServer;
let bridge: TestBridge;

beforeAll(async () => {
  server = await startRedisServer();
  bridge = await startBridge(server.url, { allow: undefined });
});

afterAll(async () => {
  await bridge.close();
  await server.stop();
});

beforeEach(() => server.flush());

const OWN = Object.values<RedisScript>(SCRIPTS);

async function bridgeThatAllows(allow: Allow): Promise<TestBridge> {
  const other = await startBridge(server.url, { allow });
  onTestFinished(() => other.close());
  return other;
}

describe("Unless told otherwise, the bridge passes on what agentlimit sends", () => {
  it("so a meter works over it, whichever client and dialect it has", async () => {
    const address = { url: bridge.url, token: bridge.token };
    for (const redis of [address, new Redis(address)]) {
      for (const options of [{}, { server: "upstash" as const }]) {
        await server.command("SCRIPT FLUSH");
        const meter = new UsageMeter({ redis, agentId: "bot", monthlyBudgetUsd: 100, ...options });
        const hold = await meter.reserve({ estimatedCostUsd: "0.05" });
        await hold.settle({ costUsd: "0.01" });
        expect((await meter.getUsage()).usdSpent).toBeGreaterThan(0);
      }
    }
  });

  it.each(OWN.map((script) => [script.name, script] as const))(
    "the script %s in both texts and by both hashes",
    async (_, script) => {
      // What Redis or the script itself says to no keys and no arguments, instead of the bridge's refusal.
      const passed = expect.not.stringMatching(/bridge/);
      const upper = script.sha1.toUpperCase();
      for (const [name, text] of [
        ["EVAL", script.source],
        ["EVAL", script.upstashSource],
        ["EVAL_RO", script.source],
        ["EVALSHA", script.sha1],
        ["evalsha", upper],
        ["EVALSHA", script.upstashSha1],
        ["EVALSHA_RO", script.sha1],
      ]) {
        const [, body] = await post(bridge, "/", [name, text, "0"]);
        expect(JSON.stringify(body)).toEqual(passed);
      }
    },
  );

  it("and TIME and PING", async () => {
    expect(await post(bridge, "/", ["TIME"])).toEqual([
      200,
      { result: [expect.any(String), expect.any(String)] },
    ]);
    expect(await get(bridge, "/ping")).toEqual([200, { result: "PONG" }]);
  });

  it.each([
    [["SET", "k", "v"]],
    [["GET", "k"]],
    [["KEYS", "*"]],
    [["FLUSHALL"]],
    [["SCRIPT", "FLUSH"]],
    [["FUNCTION", "LOAD", "x"]],
    [["EVAL", "return redis.call('SET', 'k', 'v')", "0"]],
    [["EVAL", `${OWN[0]?.source} `, "0"]],
    [["EVAL", OWN[0]?.sha1, "0"]],
    [["EVALSHA", OWN[0]?.source, "0"]],
    [["EVALSHA", "0".repeat(40), "0"]],
    [["EVAL"]],
    [["EVALSHA", ""]],
    [["__proto__", "k"]],
    [["constructor"]],
    [["NOSUCH"]],
  ])("and nothing else: %j", async (command) => {
    const refusal = [
      400,
      { error: expect.stringMatching(/not available over this bridge|of its own agentlimit version/) },
    ];
    expect(await post(bridge, "/", command)).toEqual(refusal);
    expect(await post(bridge, "/multi-exec", [["PING"], command])).toEqual(refusal);
    expect(await post(bridge, "/pipeline", [["PING"], command])).toEqual([
      200,
      [{ result: "PONG" }, refusal[1]],
    ]);
    expect(await server.command("DBSIZE")).toBe(":0");
  });

  it("so callers of another version are told what to do, at once", async () => {
    const transport = restTransport({ url: bridge.url, token: bridge.token });
    await expect(transport.run(ECHO, ["k"], ["v"])).rejects.toThrow(
      /^The store refused: ERR the bridge runs the scripts of its own agentlimit version alone: start it with .* EVALSHA\.$/,
    );
  });

  it("and repeats nothing that may be a secret", async () => {
    const secret = "sk-live-0123456789abcdefghijklmnop";
    for (const command of [[secret], ["SET", secret, secret], ["EVAL", secret, "0"], [`a b ${secret}`]]) {
      expect(JSON.stringify(await post(bridge, "/", command))).not.toMatch(/sk-live/i);
    }
    expect(JSON.stringify(await get(bridge, `/${secret}`))).not.toMatch(/sk-live/i);
  });
});

describe("The option allow widens it", () => {
  it("by names of commands, in any case", async () => {
    const other = await bridgeThatAllows(["get", "SET"]);
    expect(await post(other, "/", ["SET", "k", "v"])).toEqual([200, { result: "OK" }]);
    expect(await get(other, "/get/k")).toEqual([200, { result: "v" }]);
    expect((await get(other, "/del/k"))[0]).toBe(400);
    expect((await get(other, "/ping"))[0]).toBe(200);
  });

  it("to scripts of others, by the names of their commands", async () => {
    const other = await bridgeThatAllows(["EVAL"]);
    expect(await post(other, "/", ["EVAL", "return 1", "0"])).toEqual([200, { result: 1 }]);
  });

  it('to all commands by "all", but never to what would spoil the connection', async () => {
    const other = await bridgeThatAllows("all");
    expect(await get(other, "/lpush/list/x")).toEqual([200, { result: 1 }]);
    expect(await post(other, "/", ["MULTI"])).toEqual([
      400,
      { error: expect.stringMatching(/not available/) },
    ]);
  });

  it("of which none blocks or changes the connection, as Redis itself has it", async () => {
    const everything = commandCheck("all");
    const tcp = new TcpRedis(server.url);
    const commands = await tcp.call("COMMAND");
    tcp.disconnect();
    if (!Array.isArray(commands)) throw new Error("COMMAND answers a list");
    const passed = commands.filter(([name]) => {
      try {
        everything({ name: String(name).toUpperCase(), args: ["BLOCK"] }, "full");
        return true;
      } catch {
        return false;
      }
    });
    const flagged = (flag: string) =>
      passed.filter(([, , flags]) => flags.map(String).includes(flag)).map(([name]) => String(name));
    expect(passed.length).toBeGreaterThan(150);
    expect([flagged("blocking"), flagged("no_multi"), flagged("no_auth")]).toEqual([[], [], []]);
    expect(flagged("pubsub").sort()).toEqual(["publish", "spublish"]);
    expect(flagged("admin").sort()).toEqual(["bgrewriteaof", "bgsave"]);
  });

  it.each([[["MULTI"]], [["get", "shutdown"]], [["GET k"]], [[""]], [["*"]]])("not by %j", async (allow) => {
    await expect(createBridge({ redisUrl: server.url, token: "t", allow })).rejects.toThrow(
      InvalidOptionsError,
    );
  });
});
