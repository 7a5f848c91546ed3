import { Redis } from "@upstash/redis";
import { Redis as TcpRedis } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startBridge } from "../support/bridge.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { get, post } from "./requests.ts";

const DOWN = { error: expect.stringMatching(/^ERR the bridge can't reach Redis/) };

describe("The bridge outlives its Redis", () => {
  it("answers 503 while Redis is down, and works again afterwards", async () => {
    const first = await startRedisServer();
    const bridge = await startBridge(first.url);
    onTestFinished(() => bridge.close());
    const printed = vi.spyOn(console, "error");
    const redis = new Redis({ url: bridge.url, token: bridge.token });
    expect(await redis.set("k", "v")).toBe("OK");
    await first.stop();
    await expect.poll(() => redis.ping().catch((error: Error) => error.message)).toMatch(/can't reach Redis/);
    expect(await post(bridge, "/", ["PING"])).toEqual([503, DOWN]);
    expect(await get(bridge, "/get/k")).toEqual([503, DOWN]);
    expect(await post(bridge, "/multi-exec", [["PING"]])).toEqual([503, DOWN]);
    expect(await post(bridge, "/pipeline", [["PING"], ["PING"]])).toEqual([200, [DOWN, DOWN]]);
    const second = await startRedisServer({ port: first.port });
    onTestFinished(() => second.stop());
    await expect.poll(() => redis.ping().catch(() => "down"), { timeout: 3000 }).toBe("PONG");
    expect(await redis.multi().set("k", "v").get("k").exec()).toEqual(["OK", "v"]);
    expect(printed).not.toHaveBeenCalled();
  });

  it.each(["CONSTRUCTOR", "__proto__"])("after %s, a name that every JavaScript object has", async (name) => {
    const first = await startRedisServer();
    onTestFinished(() => first.stop());
    const bridge = await startBridge(first.url);
    onTestFinished(() => bridge.close());
    const status = async (command: string[]) => {
      const headers = { authorization: `Bearer ${bridge.token}` };
      return (await fetch(bridge.url, { method: "POST", headers, body: JSON.stringify(command) })).status;
    };
    expect(await status(["PING"])).toBe(200);
    expect(await status([name])).toBe(400);
    await first.stop();
    const second = await startRedisServer({ port: first.port });
    onTestFinished(() => second.stop());
    await expect.poll(() => status(["PING"]), { timeout: 3000 }).toBe(200);
  });

  it("killed under load: each request is answered, and each transaction ran whole or not at all", async () => {
    const first = await startRedisServer();
    const bridge = await startBridge(first.url, { redisTimeoutMs: 1000 });
    onTestFinished(() => bridge.close());
    let isOver = false;
    const statuses: number[] = [];
    const caller = async (name: number) => {
      while (!isOver) {
        const commands = [
          ["INCR", `a${name}`],
          ["INCR", `b${name}`],
          ["MGET", `a${name}`, `b${name}`],
        ];
        const [status, body] = await post(bridge, "/multi-exec", commands);
        statuses.push(status);
        if (status !== 200) continue;
        const [a, b, both] = Array.isArray(body) ? body : [];
        expect([a.result, both.result]).toEqual([b.result, [String(a.result), String(b.result)]]);
      }
    };
    const callers = Array.from({ length: 10 }, (_, name) => caller(name));
    await expect.poll(() => statuses.length).toBeGreaterThan(100);
    await first.stop();
    await expect.poll(() => statuses.includes(503)).toBe(true);
    const second = await startRedisServer({ port: first.port });
    onTestFinished(() => second.stop());
    await expect.poll(() => statuses.at(-1), { timeout: 3000 }).toBe(200);
    isOver = true;
    await Promise.all(callers);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
  });

  it("which a client of the caller's own would wait for, without an end", async () => {
    const server = await startRedisServer();
    const client = new TcpRedis(server.url, { maxRetriesPerRequest: null });
    client.on("error", () => {});
    onTestFinished(() => client.disconnect());
    const bridge = await startBridge("", { redis: client, redisTimeoutMs: 200 });
    onTestFinished(() => bridge.close());
    expect(await get(bridge, "/ping")).toEqual([200, { result: "PONG" }]);
    server.pause();
    expect(await get(bridge, "/get/k")).toEqual([503, DOWN]);
    expect(await post(bridge, "/multi-exec", [["INCR", "n"]])).toEqual([503, DOWN]);
    await server.stop();
    expect(await post(bridge, "/pipeline", [["INCR", "n"]])).toEqual([200, [DOWN]]);
    expect(client.status).not.toBe("end");
  });
});
