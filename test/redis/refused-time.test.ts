/** Servers that refuse TIME: in scripts alone, as ElastiCache Serverless does, or altogether. */
import { Redis as Ioredis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { StoreUnavailableError } from "../../src/errors.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import type { RedisScript, ScriptTransport } from "../../src/redis/transport.ts";
import { redisBench } from "../ledger/benches.ts";
import { STORE_CASES } from "../ledger/cases/index.ts";
import { rejection } from "../meter/stores.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { script } from "../support/scripts.ts";

const FIVE_MINUTES_MS = 300_000;
const YEAR_2099_MS = Date.UTC(2099, 0, 1);

describe("A server that knows no TIME at all", () => {
  let server: RedisServer;
  let bridge: TestBridge;
  beforeAll(async () => {
    server = await startRedisServer({ args: ["--rename-command", "TIME", ""] });
    bridge = await startBridge(server.url);
  });
  afterAll(async () => {
    await bridge.close();
    await server.stop();
  });

  const WAYS: [string, () => NodeMeterOptions][] = [
    ["TCP", () => ({ redisUrl: server.url })],
    ["REST", () => ({ redis: bridge })],
  ];
  function meterOver(options: NodeMeterOptions) {
    const meter = new UsageMeter({ agentId: "a", monthlyBudgetUsd: 1, ...options });
    onTestFinished(() => meter.close());
    return meter;
  }

  it.each(WAYS)("is refused over %s with what to do, and no account is written", async (_, way) => {
    const meter = meterOver(way());
    for (const call of [
      () => meter.reserve({ estimatedCostUsd: "0.1" }),
      () => meter.track({ estimatedCostUsd: "0.1" }, () => "ran"),
      () => meter.record({ costUsd: "0.1" }),
      () => meter.getUsage(),
      () => meter.reset(),
    ]) {
      const error = await rejection(call());
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(String(error)).toMatch(/refuses TIME.*\+time.*clock: "local"/);
    }
    await meter.flush();
    // What stands there are the ids of reserves that were given up.
    expect(await server.command("EVAL \"return #redis.call('KEYS', '*:s:*')\" 0")).toBe(":0");
  });

  it.each(WAYS)('works over %s by this machine\'s clock with clock: "local"', async (name, way) => {
    const meter = meterOver({ ...way(), clock: "local", namespace: name.toLowerCase() });
    const hold = await meter.reserve({ estimatedCostUsd: "0.6" });
    expect(await rejection(meter.reserve({ estimatedCostUsd: "0.6" }))).toMatchObject({ transient: true });
    await hold.settle({ costUsd: "0.5" });
    await meter.record({ costUsd: "0.25" });
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.75, usdHeld: 0 });
  });

  it("keeps all promises of a store by a clock that the caller brings", async () => {
    const behind = new Ioredis(server.url);
    const transport = tcpTransport(server.url);
    onTestFinished(async () => {
      behind.disconnect();
      await transport.close?.();
    });
    for (const { run } of STORE_CASES) await run(redisBench(transport, behind));
  });
});

describe("A server that refuses TIME in scripts alone", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());
  afterEach(() => vi.useRealTimers());

  /** A meter whose scripts are refused the time, another whose scripts are not, and how often TIME was asked for. */
  function meters(namespace: string) {
    const plain = tcpTransport(server.url);
    const refusing = refusingTime(plain);
    onTestFinished(() => plain.close?.());
    const make = (transport: ScriptTransport) =>
      new UsageMeter({ store: redisStore(transport), agentId: "a", namespace, monthlyBudgetUsd: 1 });
    return { meter: make(refusing), ordinary: make(plain), asked: refusing.asked };
  }

  it("is asked by an ordinary TIME, so that a client's wrong clock moves no window", async () => {
    const { meter, ordinary, asked } = meters("wrong-clock");
    await ordinary.record({ costUsd: "0.5" });
    const month = (await ordinary.getUsage()).budgets[0]?.resetsAt;
    vi.useFakeTimers({ toFake: ["Date"], now: YEAR_2099_MS });
    const hold = await meter.reserve({ estimatedCostUsd: "0.3" });
    expect(await rejection(meter.reserve({ estimatedCostUsd: "0.3" }))).toMatchObject({ transient: true });
    await hold.settle({ costUsd: "0.25" });
    const usage = await meter.getUsage();
    expect(usage).toMatchObject({ usdSpent: 0.75, usdHeld: 0 });
    expect(usage.budgets[0]?.resetsAt).toEqual(month);
    expect(asked).toHaveLength(1);
    vi.useRealTimers();
    expect(await ordinary.getUsage()).toMatchObject({ usdSpent: 0.75, usdHeld: 0 });
  });

  it("is asked again after five minutes, and not before", async () => {
    const { meter, asked } = meters("five-minutes");
    vi.useFakeTimers({ toFake: ["performance"] });
    for (let call = 0; call < 10; call += 1) await meter.record({ costUsd: "0.01" });
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(FIVE_MINUTES_MS);
    await meter.record({ costUsd: "0.01" });
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await meter.record({ costUsd: "0.01" });
    expect(asked).toHaveLength(2);
    expect((await meter.getUsage()).usdSpent).toBe(0.12);
  });
});

/** The real scripts over a real Redis, but what they get for TIME is the refusal. */
function refusingTime(transport: ScriptTransport): ScriptTransport & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    run: (original, ...call) => transport.run(withoutTime(original), ...call),
    time: async (elapsedMs) => {
      const micros = await transport.time(elapsedMs);
      asked.push(micros);
      return micros;
    },
  };
}

function withoutTime({ name, source }: RedisScript): RedisScript {
  const text = source.replaceAll("redis.pcall('TIME')", "{ err = 'ERR TIME is not allowed from a script' }");
  if (text === source) throw new Error(`the script ${name} asks for no time`);
  return script(text);
}
