/** What a meter does when its store loses answers, dies, or loses what it knew: over a real Redis. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type MeterEvent, StoreUnavailableError } from "../../src/index.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { tcpProxy } from "../support/tcp-proxy.ts";
import { rejection } from "./stores.ts";

let redis: RedisServer;
beforeEach(async () => {
  redis = await startRedisServer();
});
afterEach(() => redis.stop());

function meterAt(redisUrl: string, options: NodeMeterOptions = {}) {
  const events: MeterEvent[] = [];
  const meter = new UsageMeter({
    redisUrl,
    agentId: "a",
    storeTimeoutMs: 600,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  onTestFinished(() => meter.close());
  return { meter, events };
}

describe("a reserve whose answer is lost", () => {
  it("is given back in the background: nothing stays held", async () => {
    const { meter, events } = meterAt(redis.url);
    await meter.record({ costUsd: 0 });
    redis.pause();
    const error = await rejection(meter.reserve({ estimatedCostUsd: 1 }));
    expect(error).toBeInstanceOf(StoreUnavailableError);
    redis.resume();
    await meter.flush();
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0 });
    expect(events.at(-1)).toMatchObject({ type: "failed", error: { code: "STORE_UNAVAILABLE" } });
  });

  it("leaves another caller's hold under the same id alone", async () => {
    const { meter } = meterAt(redis.url);
    const { meter: other } = meterAt(redis.url);
    await other.reserve({ estimatedCostUsd: 1, id: "call-1" });
    redis.pause();
    await rejection(meter.reserve({ estimatedCostUsd: 1, id: "call-1" }));
    redis.resume();
    await meter.flush();
    expect(await other.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 1 });
  });

  it("is kept alive by waitUntil", async () => {
    const kept: Promise<unknown>[] = [];
    const { meter } = meterAt(redis.url, { waitUntil: (work) => void kept.push(work) });
    await meter.record({ costUsd: 0 });
    redis.pause();
    await rejection(meter.reserve({ estimatedCostUsd: 1 }));
    redis.resume();
    expect(kept).toHaveLength(1);
    await Promise.all(kept);
    expect(await meter.getUsage()).toMatchObject({ usdHeld: 0 });
  });

  it("is answered by the next try of the same reserve, and counts once", async () => {
    let cuts = 0;
    const proxy = await tcpProxy(redis.port, {
      isCut: (data) => {
        const isAnswer = data.includes("agl1") && data.includes("end");
        if (isAnswer) cuts += 1;
        return isAnswer && cuts === 3;
      },
    });
    onTestFinished(() => proxy.close());
    const { meter } = meterAt(`redis://127.0.0.1:${proxy.port}`, {
      monthlyBudgetUsd: 10,
      storeTimeoutMs: 2_000,
    });
    for (let calls = 0; calls < 3; calls += 1) await meter.reserve({ estimatedCostUsd: 1 });
    expect(cuts).toBeGreaterThan(3);
    expect(await meter.getUsage()).toMatchObject({ usdHeld: 3 });
  });
});

describe("a store that dies", () => {
  it("refuses track before the call is run", async () => {
    const { meter } = meterAt(redis.url);
    await redis.stop();
    let runs = 0;
    const error = await rejection(meter.track({ estimatedCostUsd: 1 }, () => (runs += 1)));
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(runs).toBe(0);
  });

  it("during a tracked call takes nothing from its answer: the failure is an event", async () => {
    const { meter, events } = meterAt(redis.url);
    const answer = await meter.track({ estimatedCostUsd: 1 }, async () => {
      await redis.stop();
      return "the answer";
    });
    expect(answer).toBe("the answer");
    expect(events.at(-1)).toMatchObject({ type: "failed", error: { code: "STORE_UNAVAILABLE" } });
  });

  it("during a settle by hand says so, and the same settle may be sent again", async () => {
    const { meter } = meterAt(redis.url);
    const hold = await meter.reserve({ estimatedCostUsd: 1 });
    redis.pause();
    expect(await rejection(hold.settle({ costUsd: "0.5" }))).toBeInstanceOf(StoreUnavailableError);
    redis.resume();
    expect(await hold.settle({ costUsd: "0.5" })).toMatchObject({ costUsd: 0.5 });
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.5, usdHeld: 0 });
  });
});

describe("a store that has lost a hold", () => {
  it("gets its settle booked in full under the hold's own id, with a failed event", async () => {
    const { meter, events } = meterAt(redis.url);
    const call = { estimatedCostUsd: 1, id: "call-1" };
    const hold = await meter.reserve(call);
    await redis.flush();
    const receipt = await hold.settle({ costUsd: "1.25" });
    expect(receipt).toMatchObject({ id: "call-1", costUsd: 1.25, source: "reported", replayed: false });
    expect(events).toMatchObject([
      { type: "failed", id: "call-1", error: { code: "UNKNOWN_HOLD" } },
      { type: "settled", id: "call-1" },
    ]);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 1.25, usdHeld: 0 });

    expect(await hold.settle({ costUsd: "1.25" })).toMatchObject({ replayed: true });
    expect(await rejection(meter.reserve(call))).toMatchObject({ code: "ALREADY_SETTLED" });
    expect((await meter.getUsage()).usdSpent).toBe(1.25);
  });

  it("gets a tracked call's estimate booked", async () => {
    const { meter } = meterAt(redis.url);
    await meter.track({ estimatedCostUsd: 1 }, () => redis.flush());
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 1, usdHeld: 0 });
  });

  it("has nothing to give back to a release, which says so in an event", async () => {
    const { meter, events } = meterAt(redis.url);
    const hold = await meter.reserve({ estimatedCostUsd: 1 });
    await redis.flush();
    await hold.release();
    expect(events).toMatchObject([{ type: "failed", error: { code: "UNKNOWN_HOLD" } }]);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0 });
    await hold.settle({ costUsd: "0.5" });
    expect((await meter.getUsage()).usdSpent).toBe(0.5);
  });

  it("books nothing for hold(id), which knows of no hold", async () => {
    const { meter } = meterAt(redis.url);
    const { id } = await meter.reserve({ estimatedCostUsd: 1 });
    await redis.flush();
    expect(await rejection(meter.hold(id).settle({ costUsd: 1 }))).toMatchObject({ code: "UNKNOWN_HOLD" });
    expect((await meter.getUsage()).usdSpent).toBe(0);
  });
});

describe("work after the response", () => {
  it("of a tracked call is handed to waitUntil, and the answer does not wait for it", async () => {
    const kept: Promise<unknown>[] = [];
    const { meter } = meterAt(redis.url, {
      waitUntil: (work) => void kept.push(work),
      storeTimeoutMs: 5_000,
    });
    const answer = await meter.track({ estimatedCostUsd: 1 }, () => {
      redis.pause();
      return "at once";
    });
    expect(answer).toBe("at once");
    expect(kept).toHaveLength(1);
    redis.resume();
    await meter.flush();
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 1, usdHeld: 0 });
  });

  it("goes on where waitUntil throws, with an event that says so", async () => {
    const waitUntil = () => {
      throw new TypeError("Illegal invocation");
    };
    const { meter, events } = meterAt(redis.url, { waitUntil });
    expect(await meter.track({ estimatedCostUsd: 1 }, () => "the answer")).toBe("the answer");
    await meter.flush();
    expect((await meter.getUsage()).usdSpent).toBe(1);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "failed",
        id: "waitUntil",
        error: expect.objectContaining({ code: "INVALID_OPTIONS" }),
      }),
    );
  });
});
