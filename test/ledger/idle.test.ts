/** `forgetAfterIdleSeconds`: when an account goes, by the server's clock and by the memory store's. */
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { UsageMeter as FetchMeter, memoryStore } from "../../src/index.ts";
import { UsageMeter } from "../../src/node.ts";
import { accountKey } from "../../src/redis/keys.ts";

const DAY_SECONDS = 86_400;
const client = new Redis(inject("redisUrl"));
afterAll(() => client.quit());

describe("An account that goes when it is idle", () => {
  it("goes so many seconds after its last reserve or record in Redis, unless it is paused, and stands in no list", async () => {
    const namespace = `idle-${process.pid}`;
    const key = accountKey(namespace, "run:1");
    await using org = new UsageMeter({ redisUrl: inject("redisUrl"), namespace, scope: "org:acme" });
    const run = org.child("run:1", { forgetAfterIdleSeconds: 4 * DAY_SECONDS });
    const hold = await run.reserve({ estimatedCostUsd: 1 });
    expect(await client.pttl(key)).toBeGreaterThan(4 * DAY_SECONDS * 1000 - 5000);

    await client.pexpire(key, 60_000);
    await hold.settle({ costUsd: "0.5" });
    expect(await client.pttl(key)).toBeLessThanOrEqual(60_000);
    await run.record({ costUsd: "0.5" });
    expect(await client.pttl(key)).toBeGreaterThan(4 * DAY_SECONDS * 1000 - 5000);

    await run.pause();
    expect(await client.pttl(key)).toBe(-1);
    await run.resume();
    expect(await client.pttl(key)).toBeGreaterThan(4 * DAY_SECONDS * 1000 - 5000);

    expect(await client.hkeys(`agentlimit:{${namespace}}:meta`)).toEqual(["org:acme"]);
    expect(await client.pttl(accountKey(namespace, "org:acme"))).toBe(-1);
  });

  it("is none where it was paused first by who does not know of it: it stays, resumed too", async () => {
    const namespace = `idle-paused-${process.pid}`;
    const key = accountKey(namespace, "run:2");
    await using org = new UsageMeter({ redisUrl: inject("redisUrl"), namespace, scope: "org:acme" });
    const administrator = org.child("run:2");
    await administrator.pause({ reason: "not this one" });
    const run = org.child("run:2", { forgetAfterIdleSeconds: 4 * DAY_SECONDS });
    await expect(run.reserve({ estimatedCostUsd: 1 })).rejects.toMatchObject({ code: "PAUSED" });
    expect(await client.pttl(key)).toBe(-1);
    await administrator.resume();
    await run.record({ costUsd: "0.5" });
    expect(await client.pttl(key)).toBe(-1);
    expect((await client.hkeys(`agentlimit:{${namespace}}:meta`)).sort()).toEqual(["org:acme", "run:2"]);
  });

  it("goes by the clock of the store in memory", async () => {
    let nowMs = Date.UTC(2026, 10, 25, 12);
    const org = new FetchMeter({ store: memoryStore({ now: () => nowMs }), scope: "org:acme" });
    const run = org.child("run:1", {
      budgets: [{ window: "total", usd: 1 }],
      forgetAfterIdleSeconds: 3 * DAY_SECONDS,
    });
    await run.record({ costUsd: 1 });
    nowMs += (3 * DAY_SECONDS - 1) * 1000;
    expect((await run.check()).allowed).toBe(false);
    nowMs += 1000;
    expect(await run.check()).toMatchObject({ allowed: true, usage: { usdSpent: 0 } });
    expect(await org.getUsage()).toMatchObject({ usdSpent: 1 });
  });

  it.each([
    [0, "three days"],
    [259_199, "three days"],
    [34_560_001, "400 days"],
    [Number.NaN, "whole number"],
    ["259200", "whole number"],
  ])("is refused for %s seconds", (forgetAfterIdleSeconds, why) => {
    const options = { forgetAfterIdleSeconds } as { forgetAfterIdleSeconds: number };
    expect(() => new FetchMeter({ store: memoryStore(), scope: "run:1", ...options })).toThrow(why);
  });
});
