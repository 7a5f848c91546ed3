/** A process that is gone before it could settle: the hold that it left becomes spend when it expires. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { packageCommand, runToEnd } from "../examples/child-process.ts";
import { rejection } from "../meter/stores.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";

/** The bound of the program's call: 1,024 tokens around its bytes, 64 out. */
const HELD_USD = { most: 0.001, least: 0.0001 };
const AFTER_EXPIRY_MS = 11 * 60_000;

describe("A process that ends without a settle", () => {
  let server: RedisServer;
  let upstream: Upstream;
  const meters: UsageMeter[] = [];

  /** A meter takes the clock that there is when it is made. */
  function newMeter(): UsageMeter {
    const budgets = [{ window: "total" as const, usd: HELD_USD.most }];
    const meter = new UsageMeter({ redisUrl: server.url, clock: "local", scope: "program", budgets });
    meters.push(meter);
    return meter;
  }

  beforeEach(async () => {
    // The clocks of the callers decide here, so that the test can turn them.
    server = await startRedisServer({ args: ["--rename-command", "TIME", ""] });
    upstream = await startUpstream(speakBothApis({ words: ["One", " two", " three"], pauseMs: 10 }));
    await newMeter().record({ costUsd: 0 });
  });
  afterEach(async () => {
    vi.useRealTimers();
    for (const meter of meters.splice(0)) await meter.close();
    await upstream.close();
    await server.stop();
  });

  it.each([
    ["right after the last byte of a stream", "[DONE]"],
    ["in the middle of a stream, as a runtime ends work whose client has left", "One"],
  ])("%s is charged at the expiry, and the next call sees it", async (_name, endsAt) => {
    const env = { REDIS_URL: server.url, UPSTREAM_URL: upstream.url, ENDS_AT: endsAt };
    await runToEnd([packageCommand("node"), "test/streams/leaving-program.ts"], env);
    expect(upstream.requests).toHaveLength(1);

    const held = await newMeter().getUsage();
    expect(held.usdSpent).toBe(0);
    expect(held.usdHeld).toBeGreaterThan(HELD_USD.least);

    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + AFTER_EXPIRY_MS });
    const meter = newMeter();
    const estimate = { estimatedCostUsd: HELD_USD.most };
    expect(await rejection(meter.reserve(estimate))).toMatchObject({
      code: "BUDGET_EXCEEDED",
      transient: false,
      denials: [{ spent: held.usdHeld, held: 0 }],
    });
    expect(await meter.getUsage()).toMatchObject({ usdSpent: held.usdHeld, usdHeld: 0 });
  });
});
