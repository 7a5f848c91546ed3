import { describe, expect, inject, it, onTestFinished } from "vitest";
import { UsageMeter } from "../../src/node.ts";
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
    const { stdout } = await reset(namespace, "--agent", "my-agent");
    expect(stdout).toContain("It stays paused.");
    expect((await meter.check()).error?.code).toBe("PAUSED");
  });

  it("says when there was nothing to clear", async () => {
    const namespace = freshNamespace();
    await (await spentMeter(namespace)).reset();
    const [known, unknown] = await Promise.all([
      reset(namespace, "--agent", "my-agent"),
      reset(namespace, "--agent", "typo"),
    ]);
    expect(known.stdout).toMatch(/nothing to clear\.$/m);
    expect(unknown.stdout).toMatch(/nothing to clear: it was never seen in this namespace\.$/m);
    expect([known.code, unknown.code]).toEqual([0, 0]);
  });
});
