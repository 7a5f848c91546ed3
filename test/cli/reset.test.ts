import { Redis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { accountKey, indexKey } from "../../src/redis/keys.ts";
import { agentlimit, freshNamespace } from "./command.ts";

const redisUrl = inject("redisUrl");

function meterIn(namespace: string, scope = "agent:my-agent"): UsageMeter {
  const budgets = [
    { window: "month" as const, usd: 1 },
    { window: "day" as const, requests: 5 },
  ];
  const meter = new UsageMeter({ redisUrl, namespace, scope, budgets });
  onTestFinished(() => meter.close());
  return meter;
}

function redisClient(): Redis {
  const redis = new Redis(redisUrl);
  onTestFinished(() => redis.disconnect());
  return redis;
}

async function spentMeter(namespace: string): Promise<UsageMeter> {
  const meter = meterIn(namespace);
  await meter.record({ costUsd: "0.6", tokensUsed: 1200 });
  await meter.reserve({ estimatedCostUsd: "0.4" });
  return meter;
}

describe.each([
  { way: "a redis:// address", flags: ["--redis", redisUrl] },
  { way: "Upstash's REST API", flags: ["--redis", inject("restUrl"), "--token", inject("restToken")] },
])("`reset` over $way", ({ flags }) => {
  it("clears what is spent and held, keeps the limits, and says what it cleared", async () => {
    const namespace = freshNamespace();
    const meter = await spentMeter(namespace);
    const { code, stdout, stderr } = await agentlimit([
      "reset",
      "--agent",
      "my-agent",
      "--namespace",
      namespace,
      ...flags,
    ]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^agent:my-agent is reset \(/);
    expect(stdout).toMatch(/^day +\$0\.60 +1200 +1 +\$0\.40 +0 +1$/m);
    expect(stdout).toMatch(/^month +\$0\.60 +1200 +1 +\$0\.40 +0 +1$/m);
    expect(code).toBe(0);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0, monthlyBudgetUsd: 1 });
    await meter.reserve({ estimatedCostUsd: 1 });
  });

  it("prints the same as JSON", async () => {
    const namespace = freshNamespace();
    await spentMeter(namespace);
    const { code, stdout } = await agentlimit([
      "reset",
      "--scope",
      "agent:my-agent",
      "--namespace",
      namespace,
      "--json",
      ...flags,
    ]);
    const amounts = {
      usdSpent: 0.6,
      nanoUsdSpent: 600_000_000,
      usdHeld: 0.4,
      nanoUsdHeld: 400_000_000,
      tokensSpent: 1200,
      tokensHeld: 0,
      requestsSpent: 1,
      requestsHeld: 1,
    };
    expect(JSON.parse(stdout)).toEqual({
      scope: "agent:my-agent",
      exists: true,
      vanished: false,
      cleared: [
        { window: "day", ...amounts },
        { window: "month", ...amounts },
      ],
      paused: false,
      namespace,
      ledger: expect.stringMatching(/^(redis|http):\/\/127\.0\.0\.1:\d+$/),
    });
    expect(code).toBe(0);
  });
});

describe("`reset`", () => {
  it("names the zone and the anchor of what it cleared", async () => {
    const namespace = freshNamespace();
    const week = { window: "week", timeZone: "Asia/Tokyo", anchor: "2026-01-07" } as const;
    const spend = async () => {
      const budgets = [{ ...week, usd: 5 }];
      const meter = new UsageMeter({ redisUrl, namespace, agentId: "a", budgets });
      onTestFinished(() => meter.close());
      await meter.record({ costUsd: 1 });
    };
    const reset = (...args: string[]) =>
      agentlimit(["reset", "--redis", redisUrl, "--namespace", namespace, "--agent", "a", ...args]);
    await spend();
    expect((await reset()).stdout).toMatch(/^week \(Asia\/Tokyo, from 2026-01-07\) +\$1\.00 /m);
    await spend();
    expect(JSON.parse((await reset("--json")).stdout).cleared).toMatchObject([week, { window: "month" }]);
  });

  const reset = (namespace: string, ...args: string[]) =>
    agentlimit(["reset", "--redis", redisUrl, "--namespace", namespace, ...args]);

  it("touches no other scope and no other namespace", async () => {
    const [namespace, otherNamespace] = [freshNamespace(), freshNamespace()];
    await spentMeter(namespace);
    const others = [meterIn(namespace, "agent:other"), meterIn(otherNamespace)];
    await Promise.all(others.map((meter) => meter.record({ costUsd: "0.5" })));
    expect((await reset(namespace, "--agent", "my-agent")).code).toBe(0);
    for (const meter of others) expect((await meter.getUsage()).usdSpent).toBe(0.5);
  });

  it("keeps a pause, and says so", async () => {
    const namespace = freshNamespace();
    const meter = await spentMeter(namespace);
    await meter.pause();
    expect((await reset(namespace, "--agent", "my-agent")).stdout).toContain("It stays paused.");
    await meter.pause({ reason: "invoice overdue" });
    const { stdout } = await reset(namespace, "--agent", "my-agent");
    expect(stdout).toContain("It stays paused (invoice overdue).");
    expect((await meter.check()).error?.code).toBe("PAUSED");
  });

  it("says when there was nothing to clear", async () => {
    const namespace = freshNamespace();
    await (await spentMeter(namespace)).reset();
    const { code, stdout } = await reset(namespace, "--agent", "my-agent");
    expect(stdout).toMatch(/nothing to clear\.$/m);
    expect(code).toBe(0);
  });

  it("leaves a scope alone that was never seen, so that a mistyped name makes no account", async () => {
    const namespace = freshNamespace();
    const redis = redisClient();
    const [text, report] = await Promise.all([
      reset(namespace, "--agent", "typo"),
      reset(namespace, "--agent", "typo", "--json"),
    ]);
    expect(text.stdout).toMatch(/^Nothing to reset: agent:typo was never seen here \(/);
    expect(JSON.parse(report.stdout)).toMatchObject({ exists: false, vanished: false, cleared: [] });
    expect([text.code, report.code]).toEqual([0, 0]);
    expect(await redis.exists(accountKey(namespace, "agent:typo"), indexKey(namespace))).toBe(0);
  });

  it("makes an account anew that has vanished from the store, and says that it is paused", async () => {
    const namespace = freshNamespace();
    const redis = redisClient();
    const lose = () => redis.del(accountKey(namespace, "agent:my-agent"));
    const meter = await spentMeter(namespace);
    await lose();
    const { code, stdout, stderr } = await reset(namespace, "--agent", "my-agent");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^agent:my-agent is reset \(.*\)\. It stays paused \(.*lost.*\)\.$/m);
    expect(stdout).toContain("had vanished from the store and was made anew");
    expect(code).toBe(0);
    expect(await meter.check()).toMatchObject({ error: { code: "PAUSED" }, usage: { usdSpent: 0 } });

    await lose();
    const report = JSON.parse((await reset(namespace, "--agent", "my-agent", "--json")).stdout);
    expect(report).toMatchObject({ exists: true, vanished: true, cleared: [], paused: true });
    expect(report.pauseReason).toContain("lost");
  });
});
