/** A store that fails for a moment: one try more within the deadline, under the same id, and all is as if it had not. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type MeterEvent, type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { startBridge } from "../support/bridge.ts";
import { type RedisServer, type RedisServerOptions, startRedisServer } from "../support/redis-server.ts";
import { type TcpProxyOptions, tcpProxy } from "../support/tcp-proxy.ts";

let folder: string;
let redis: RedisServer;
let restart: Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "redis-tries-"));
  redis = await startRedisServer({ folder, args: ["--busy-reply-threshold", "10"] });
  restart = Promise.resolve();
});
afterEach(async () => {
  await restart;
  await redis.stop();
  rmSync(folder, { recursive: true });
});

async function killSaved(): Promise<void> {
  await restart;
  await redis.command("SAVE");
  await redis.stop();
}

async function startAgain(options: RedisServerOptions = {}): Promise<void> {
  redis = await startRedisServer({ ...options, folder, port: redis.port });
}

/** What befalls the store just before an operation; it passes by itself. Returns when it has begun. */
const TROUBLES: Record<string, () => Promise<void>> = {
  "is down and comes back": async () => {
    await killSaved();
    restart = delay(100).then(() => startAgain());
  },
  "has been restarted and is loading its data": async () => {
    await redis.command("EVAL \"for i = 1, 200 do redis.call('SET', i, i) end\" 0");
    await killSaved();
    const slowly = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
    await startAgain({ args: slowly, until: "listening" });
  },
  "is kept busy by another script": async () => {
    redis.command('EVAL "while true do end" 0').catch(() => {});
    while (!(await redis.command("PING")).startsWith("-BUSY")) await delay(1);
    setTimeout(() => void redis.command("SCRIPT KILL"), 50);
  },
};

/** What befalls the connection: the first piece of data of each operation that carries a script or its answer. */
const CUTS: Record<string, (isFirst: () => boolean) => TcpProxyOptions> = {
  "resets the connection before the call arrives": (isFirst) => ({
    isLost: (data) => isCall(data) && isFirst(),
  }),
  "loses the answer": (isFirst) => ({ isCut: (data) => isAnswer(data) && isFirst() }),
};

const isCall = (data: Buffer): boolean => /evalsha/i.test(data.toString("latin1"));
/** The mark of an answer, as it is or in base64. */
const isAnswer = (data: Buffer): boolean => data.includes("agl1") || data.includes(btoa("agl1"));

const WAYS = ["TCP", "REST"] as const;

/** Through a proxy that stands right before the meter. */
async function options(way: (typeof WAYS)[number], cuts: TcpProxyOptions = {}): Promise<NodeMeterOptions> {
  const bridge = way === "TCP" ? undefined : await startBridge(redis.url);
  onTestFinished(() => bridge?.close());
  const proxy = await tcpProxy(bridge === undefined ? redis.port : Number(new URL(bridge.url).port), cuts);
  onTestFinished(() => proxy.close());
  return bridge === undefined
    ? { redisUrl: `redis://127.0.0.1:${proxy.port}` }
    : { redis: { url: `http://127.0.0.1:${proxy.port}`, token: bridge.token } };
}

/** One of each operation, with a trouble before each. */
async function everyOperation(address: NodeMeterOptions, trouble: () => Promise<void> | void): Promise<void> {
  const events: MeterEvent[] = [];
  const onEvent = (event: MeterEvent) => void events.push(event);
  const meter = new UsageMeter({
    ...address,
    agentId: "a",
    monthlyBudgetUsd: 10,
    storeTimeoutMs: 10_000,
    onEvent,
  });
  onTestFinished(() => meter.close());
  async function troubled<T>(run: () => Promise<T>): Promise<T> {
    await trouble();
    return run();
  }

  await meter.record({ costUsd: 5 });
  await troubled(() => meter.reset());
  await meter.record({ costUsd: 1 });
  const settled = await troubled(() => meter.reserve({ estimatedCostUsd: 1 }));
  const released = await troubled(() => meter.reserve({ estimatedCostUsd: 1 }));
  expect(await meter.getUsage()).toMatchObject({ usdSpent: 1, usdHeld: 2 });
  expect(await troubled(() => settled.settle({ costUsd: "0.5" }))).toMatchObject({ costUsd: 0.5 });
  await troubled(() => released.release());
  await troubled(() => meter.record({ costUsd: "0.25" }));
  await troubled(() => meter.pause());
  await troubled(() => meter.resume());
  expect(await troubled(() => meter.getUsage())).toMatchObject({ usdSpent: 1.75, usdHeld: 0 });
  expect(await redis.command("LLEN agentlimit:{default}:log")).toBe(":3");
  expect(events.map(({ type }) => type)).toEqual(["settled", "settled", "settled", "settled"]);
}

describe.each(WAYS)("Each operation over %s counts once when the store", (way) => {
  it.each(Object.entries(TROUBLES))("%s", async (_, trouble) => {
    await everyOperation(await options(way), trouble);
  });

  it.each(Object.entries(CUTS))("%s", async (_, cuts) => {
    let isArmed = false;
    let cutsMade = 0;
    const isFirst = () => {
      if (!isArmed) return false;
      isArmed = false;
      cutsMade += 1;
      return true;
    };
    await everyOperation(await options(way, cuts(isFirst)), () => {
      isArmed = true;
    });
    expect(cutsMade).toBe(9);
  });
});
