/** What the constructor accepts, where the ledger is found, and that making a meter touches nothing. */
import { Redis as UpstashRedis } from "@upstash/redis";
import { Redis as Ioredis } from "ioredis";
import { createClient, createCluster } from "redis";
import { afterEach, describe, expect, inject, it, onTestFinished, vi } from "vitest";
import {
  InvalidBudgetError,
  InvalidOptionsError,
  InvalidScopeError,
  type MeterOptions,
  memoryStore,
  UsageMeter,
} from "../../src/index.ts";
import { UsageMeter as NodeMeter, type NodeMeterOptions } from "../../src/node.ts";
import { freePort } from "../support/redis-server.ts";
import { freshNamespace, rejection } from "./stores.ts";

const rest = () => ({ url: inject("restUrl"), token: inject("restToken") });

/** Options that TypeScript would refuse. */
const untyped = (options: object) => options as MeterOptions;

afterEach(() => vi.unstubAllEnvs());

describe("the store of a meter", () => {
  it("is never memory by itself: without one, the error says the three ways", () => {
    vi.stubEnv("UPSTASH_REDIS_REST_URL", undefined);
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", undefined);
    for (const Meter of [UsageMeter, NodeMeter]) {
      expect(() => new Meter({ agentId: "a" })).toThrow(InvalidOptionsError);
      expect(() => new Meter({ agentId: "a" })).toThrow(
        /redis: \{ url, token \}.*UPSTASH_REDIS_REST_URL.*memoryStore/,
      );
    }
  });

  it("is found by Upstash's two variables", async () => {
    vi.stubEnv("UPSTASH_REDIS_REST_URL", rest().url);
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", rest().token);
    for (const Meter of [UsageMeter, NodeMeter]) {
      const meter = new Meter({ agentId: "a", namespace: freshNamespace() });
      expect((await meter.record({ costUsd: 1 })).costUsd).toBe(1);
    }
  });

  it("needs both variables", () => {
    vi.stubEnv("UPSTASH_REDIS_REST_URL", rest().url);
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", "");
    expect(() => new UsageMeter({ agentId: "a" })).toThrow(InvalidOptionsError);
  });

  it.each<[string, () => NodeMeterOptions]>([
    ["an address and token", () => ({ redis: rest() })],
    ["a client of @upstash/redis as it comes", () => ({ redis: new UpstashRedis(rest()) })],
    [
      "a client of ioredis",
      () => {
        const redis = new Ioredis(inject("redisUrl"));
        onTestFinished(() => redis.disconnect());
        return { redis };
      },
    ],
    ["a redis:// address", () => ({ redisUrl: inject("redisUrl") })],
  ])("may be %s", async (_, options) => {
    const meter = new NodeMeter({ agentId: "a", namespace: freshNamespace(), ...options() });
    onTestFinished(() => meter.close());
    await meter.record({ costUsd: "0.5" });
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.5 });
  });

  it("is one: two are one too many", () => {
    const store = memoryStore();
    expect(() => new UsageMeter({ agentId: "a", store, redis: rest() })).toThrow(InvalidOptionsError);
    expect(() => new NodeMeter({ agentId: "a", store, redisUrl: inject("redisUrl") })).toThrow(
      InvalidOptionsError,
    );
    expect(() => new NodeMeter({ agentId: "a", redis: rest(), redisUrl: inject("redisUrl") })).toThrow(
      InvalidOptionsError,
    );
  });

  it.each([
    { redis: "redis://x" },
    { redis: null },
    { store: {} },
    { store: null },
    { redis: { url: "https://x" } },
  ])("refuses %j", (options) => {
    expect(() => new UsageMeter(untyped({ agentId: "a", ...options }))).toThrow(InvalidOptionsError);
  });

  it.each([
    ["ioredis", new Ioredis({ lazyConnect: true })],
    ["node-redis", createClient()],
    ["node-redis, a cluster", createCluster({ rootNodes: [] })],
  ])("of a client of %s needs agentlimit/node, and says so", (_, redis) => {
    const make = () => new UsageMeter(untyped({ agentId: "a", redis }));
    expect(make).toThrow(InvalidOptionsError);
    expect(make).toThrow(/agentlimit\/node/);
  });

  it("can't be a client of node-redis 3, which knows no promises, and says so", () => {
    const redis = { connected: false, send_command() {}, sendCommand() {}, evalsha() {} };
    for (const Meter of [UsageMeter, NodeMeter]) {
      const make = () => new Meter(untyped({ agentId: "a", redis }));
      expect(make).toThrow(InvalidOptionsError);
      expect(make).toThrow(/node-redis is too old/);
    }
  });

  it("that is dead is found by the first call, not by the constructor, and its secrets stay out of the error", async () => {
    const port = await freePort();
    const password = "hunter2-secret";
    const meter = new NodeMeter({
      agentId: "a",
      redisUrl: `redis://:${password}@127.0.0.1:${port}`,
      storeTimeoutMs: 200,
    });
    onTestFinished(() => meter.close());
    const started = performance.now();
    for (const call of [
      () => meter.canSpend({ estimatedCostUsd: 1 }),
      () => meter.reserve({ estimatedCostUsd: 1 }),
      () => meter.record({ costUsd: 1 }),
      () => meter.getUsage(),
      () => meter.track({ estimatedCostUsd: 1 }, () => "ran"),
    ]) {
      const error = await rejection(call());
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", status: 403 });
      expect(`${error} ${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain(password);
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("is not shown by the meter", () => {
    const meter = new UsageMeter({
      agentId: "a",
      redis: { url: "http://127.0.0.1:1", token: "hunter2-secret" },
    });
    expect(JSON.stringify(meter)).toBe("{}");
    expect(Object.keys(meter)).toEqual([]);
  });
});

describe("options", () => {
  const store = memoryStore();

  it.each([
    ["monthlyBudgetUSD", "monthlyBudgetUsd"],
    ["budget", "budgets"],
    ["alertTresholds", "alertThresholds"],
    ["customPrices", "customPricing"],
  ])("with the unknown name %s are refused: did you mean %s?", (name, nearest) => {
    const make = () => new UsageMeter(untyped({ agentId: "a", store, [name]: 1 }));
    expect(make).toThrow(InvalidOptionsError);
    expect(make).toThrow(new RegExp(`${name}.*did you mean "${nearest}"\\?`));
  });

  it("for Node alone are refused elsewhere, with the entry that takes them", () => {
    const options = untyped({ agentId: "a", redisUrl: "redis://localhost:6379" });
    expect(() => new UsageMeter(options)).toThrow(/agentlimit\/node/);
    expect(() => new NodeMeter(untyped({ agentId: "a", redisURL: "x" }))).toThrow(
      /did you mean "redisUrl"\?/,
    );
  });

  it("of a child are three, and no others", () => {
    const meter = new UsageMeter({ agentId: "a", store });
    expect(() => meter.child("user:1", untyped({ monthlyBudgetUsd: 1 }))).toThrow(InvalidOptionsError);
    expect(() => meter.child("user:1", untyped({ namespace: "other" }))).toThrow(InvalidOptionsError);
  });

  it.each([undefined, null, "my-agent", 7])("that are %j are refused", (options) => {
    expect(() => new UsageMeter(options as unknown as MeterOptions)).toThrow(InvalidOptionsError);
  });

  it.each<[string, object]>([
    ["onAlert", { onAlert: "log" }],
    ["onEvent", { onEvent: {} }],
    ["waitUntil", { waitUntil: true }],
    ["fetch", { fetch: "fetch" }],
    ["unbudgeted", { unbudgeted: "refuse" }],
    ["estimate", { estimate: "loose" }],
    ["defaultMaxOutputTokens", { defaultMaxOutputTokens: 0 }],
    ["unknownRequest", { unknownRequest: "allow" }],
    ["includeUsage", { includeUsage: "never" }],
    ["allowUnbounded", { allowUnbounded: "yes" }],
    ["serviceTier", { serviceTier: "priority" }],
    ["idRetentionSeconds", { idRetentionSeconds: 60 }],
    ["waitMs", { waitMs: -1 }],
    ["waitMs", { waitMs: Number.NaN }],
    ["models", { models: { a: 1 } }],
    ["models", { models: null }],
    ["customPricing", { customPricing: null }],
    ["server", { server: "upstsah" }],
    ["clock", { clock: "mine" }],
    ["clock", { clock: null }],
    ["storeTimeoutMs", { storeTimeoutMs: 0 }],
    ["storeTimeoutMs", { storeTimeoutMs: "500" }],
    ["unknownModel", { unknownModel: "allow" }],
  ])("with a senseless %s are refused", (name, options) => {
    const make = () => new UsageMeter(untyped({ agentId: "a", store, ...options }));
    expect(make).toThrow(InvalidOptionsError);
    expect(make).toThrow(new RegExp(name));
  });

  it.each([
    { server: "upstsah" },
    { clock: "mine" },
    { storeTimeoutMs: 0 },
    { storeTimeoutMs: Number.NaN },
    { storeTimeoutMs: null },
  ])("%j are refused over any transport", (options) => {
    for (const target of [{ redis: rest() }, { redisUrl: inject("redisUrl") }, { store }]) {
      const make = () => new NodeMeter(untyped({ agentId: "a", ...target, ...options }));
      expect(make).toThrow(InvalidOptionsError);
    }
  });

  it("of thresholds that are null are refused, as are thresholds that make no sense", () => {
    for (const alertThresholds of [null, [0], [2], ["0.8"], [0.9, 0.8]]) {
      expect(() => new UsageMeter(untyped({ agentId: "a", store, alertThresholds }))).toThrow(
        InvalidBudgetError,
      );
    }
  });

  it("about a transport make sense beside a store that was handed in, too", () => {
    const options = { storeTimeoutMs: 500, server: "redis", clock: "server" } as const;
    expect(() => new UsageMeter({ agentId: "a", store, ...options })).not.toThrow();
  });

  it("name one of agentId and scope", () => {
    expect(() => new UsageMeter({ store })).toThrow(InvalidOptionsError);
    expect(() => new UsageMeter({ store, agentId: "a", scope: "agent:a" })).toThrow(InvalidOptionsError);
    expect(() => new UsageMeter({ store, scope: "org acme" })).toThrow(InvalidScopeError);
    expect(() => new UsageMeter({ store, scope: "org:acme", namespace: "Has Capitals" })).toThrow(
      InvalidScopeError,
    );
  });

  it("keep namespaces apart", async () => {
    const [a, b] = ["tenant-a", "tenant-b"].map(
      (namespace) => new UsageMeter({ store, agentId: "x", namespace }),
    );
    await a?.record({ costUsd: 1 });
    expect((await a?.getUsage())?.usdSpent).toBe(1);
    expect((await b?.getUsage())?.usdSpent).toBe(0);
  });

  it("may say that this machine's clock decides", async () => {
    const meter = new NodeMeter({
      agentId: "a",
      namespace: freshNamespace(),
      redisUrl: inject("redisUrl"),
      clock: "local",
    });
    onTestFinished(() => meter.close());
    expect((await meter.record({ costUsd: 1 })).costUsd).toBe(1);
  });
});

describe("meter.fetch", () => {
  it("is one function, usable without its meter", async () => {
    const seen: string[] = [];
    const underneath: typeof globalThis.fetch = async (input) => {
      seen.push(String(input));
      return new Response("ok");
    };
    const meter = new UsageMeter({ agentId: "a", store: memoryStore(), fetch: underneath });
    const { fetch } = meter;
    expect(meter.fetch).toBe(fetch);
    expect(await (await fetch("https://api.openai.com/v1/models")).text()).toBe("ok");
    expect(seen).toEqual(["https://api.openai.com/v1/models"]);
  });

  it("refuses what it can't meter with a typed error", async () => {
    const { fetch } = new UsageMeter({ agentId: "a", store: memoryStore() });
    const error = await rejection(fetch("https://example.com/v1/unknown", { method: "POST", body: "{}" }));
    expect(error).toMatchObject({ code: "UNRECOGNIZED_REQUEST", status: 403 });
  });
});

describe("the meter of agentlimit/node", () => {
  it("closes its own connection, after the settles under way", async () => {
    const namespace = freshNamespace();
    const meter = new NodeMeter({ agentId: "a", namespace, redisUrl: inject("redisUrl") });
    const hold = await meter.reserve({ estimatedCostUsd: 1 });
    void hold.settle({ costUsd: "0.5" });
    await meter.close();
    expect(await rejection(meter.getUsage())).toMatchObject({ code: "STORE_UNAVAILABLE" });

    await using other = new NodeMeter({ agentId: "a", namespace, redisUrl: inject("redisUrl") });
    expect(await other.getUsage()).toMatchObject({ usdSpent: 0.5, usdHeld: 0 });
  });

  it("is disposed of by await using", async () => {
    let kept: NodeMeter | undefined;
    {
      await using meter = new NodeMeter({
        agentId: "a",
        namespace: freshNamespace(),
        redisUrl: inject("redisUrl"),
      });
      await meter.record({ costUsd: 1 });
      kept = meter;
    }
    expect(await rejection(kept.getUsage())).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("leaves an ioredis client, and a store, to their owners", async () => {
    const redis = new Ioredis(inject("redisUrl"));
    onTestFinished(() => redis.disconnect());
    await new NodeMeter({ agentId: "a", namespace: freshNamespace(), redis }).close();
    expect(await redis.ping()).toBe("PONG");

    const store = memoryStore();
    await new NodeMeter({ agentId: "a", store }).close();
    expect((await new NodeMeter({ agentId: "a", store }).record({ costUsd: 1 })).costUsd).toBe(1);
  });
});
