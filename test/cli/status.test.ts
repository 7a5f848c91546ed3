import { Redis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { accountKey } from "../../src/redis/keys.ts";
import { agentlimit, freshNamespace, ONE_LINE } from "./command.ts";

const redisUrl = inject("redisUrl");
const MONTH = new Date().toISOString().slice(0, 7);

function meterIn(namespace: string, options: NodeMeterOptions): UsageMeter {
  const meter = new UsageMeter({ redisUrl, namespace, ...options });
  onTestFinished(() => meter.close());
  return meter;
}

/** A namespace in which my-agent has spent $0.00045 and 1500 tokens, and holds $0.30 of its $1. */
async function spentNamespace(): Promise<string> {
  const namespace = freshNamespace();
  const meter = meterIn(namespace, {
    agentId: "my-agent",
    monthlyBudgetUsd: 1,
    monthlyBudgetTokens: 500_000,
    budgets: [{ window: "day", requests: 50, soft: true }],
  });
  await meter.record({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1000, outputTokens: 500 });
  await meter.reserve({ estimatedCostUsd: "0.30", tokens: 200 });
  return namespace;
}

async function exhaustedNamespace(): Promise<string> {
  const namespace = freshNamespace();
  await meterIn(namespace, { scope: "org:acme", budgets: [{ window: "total", usd: "10.5" }] }).record({
    costUsd: "10.5",
  });
  return namespace;
}

describe.each([
  { way: "a redis:// address", flags: ["--redis", redisUrl] },
  { way: "Upstash's REST API", flags: ["--redis", inject("restUrl"), "--token", inject("restToken")] },
])("`status` over $way", ({ flags }) => {
  it("shows the month, what is spent and held, and every budget", async () => {
    const namespace = await spentNamespace();
    const { code, stdout, stderr } = await agentlimit([
      "status",
      "--agent",
      "my-agent",
      "--namespace",
      namespace,
      ...flags,
    ]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^agent +my-agent\n/);
    expect(stdout).toContain(`${MONTH} (UTC)`);
    expect(stdout).toMatch(/^spent +\$0\.00045 of \$1\.00 \(<0\.1%\); 1500 of 500000 tokens \(0\.3%\)$/m);
    expect(stdout).toMatch(/^held +\$0\.30, 200 tokens$/m);
    expect(stdout).toMatch(/^status +OK$/m);
    expect(stdout).toMatch(/^day +requests \(soft\) +1 +1 +50 +2\.0% {2}█░+ {2}\d{4}-\d\d-\d\dT00:00Z$/m);
    expect(stdout).toMatch(/^month +usd +\$0\.00045 +\$0\.30 +\$1\.00 +<0\.1% {2}█▒{5}░{14} {2}\S+T00:00Z$/m);
    expect(stdout).toMatch(/^month +tokens +1500 +200 +500000 +0\.3% /m);
    expect(code).toBe(0);
  });

  it("prints the same as JSON, amounts exact", async () => {
    const namespace = await spentNamespace();
    const { code, stdout } = await agentlimit([
      "status",
      "--agent=my-agent",
      `--namespace=${namespace}`,
      "--json",
      ...flags,
    ]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      scope: "agent:my-agent",
      agentId: "my-agent",
      status: "OK",
      reached: [],
      exists: true,
      month: MONTH,
      usdSpent: 0.00045,
      nanoUsdSpent: 450_000,
      usdHeld: 0.3,
      tokensSpent: 1500,
      tokensHeld: 200,
      monthlyBudgetUsd: 1,
      monthlyBudgetTokens: 500_000,
      percentUsd: 0.045,
      percentTokens: 0.3,
      remainingUsd: 0.69955,
      namespace,
    });
    expect(report.budgets).toHaveLength(3);
    expect(report.budgets[1]).toMatchObject({
      window: "month",
      metric: "usd",
      limit: 1,
      spent: 0.00045,
      held: 0.3,
    });
    expect(new Date(report.budgets[1].resetsAt).toISOString()).toBe(report.budgets[1].resetsAt);
    expect(code).toBe(0);
  });

  it("exits with 3 when a limit is reached, and says which", async () => {
    const namespace = await exhaustedNamespace();
    const arguments_ = ["status", "--scope", "org:acme", "--namespace", namespace, ...flags];
    const [text, report] = await Promise.all([agentlimit(arguments_), agentlimit([...arguments_, "--json"])]);
    expect(text.stdout).toMatch(/^scope +org:acme\n/);
    expect(text.stdout).toMatch(/^status +LIMIT_REACHED \(usd, total: never resets\)$/m);
    expect(text.stdout).toMatch(/^total +usd +\$10\.50 +\$0\.00 +\$10\.50 +100\.0% {2}█{20} {2}never$/m);
    expect(JSON.parse(report.stdout)).toMatchObject({
      status: "LIMIT_REACHED",
      reached: [{ window: "total", metric: "usd", resetsAt: null, transient: false }],
    });
    expect([text.code, report.code]).toEqual([3, 3]);
    expect([text.stderr, report.stderr]).toEqual(["", ""]);
  });
});

describe("`status`", () => {
  const status = (namespace: string, ...args: string[]) =>
    agentlimit(["status", "--redis", redisUrl, "--namespace", namespace, ...args]);

  it("names the zone and the anchor of a window that has them", async () => {
    const namespace = freshNamespace();
    const zone = { timeZone: "Asia/Kathmandu", anchor: "2026-01-31" };
    const budgets = [
      { window: "day" as const, usd: 5, timeZone: "Asia/Kathmandu" },
      { window: "month" as const, usd: 1, ...zone },
    ];
    await meterIn(namespace, { agentId: "a", budgets }).record({ costUsd: 1 });
    const [text, report] = await Promise.all([
      status(namespace, "--agent", "a"),
      status(namespace, "--agent", "a", "--json"),
    ]);
    expect(text.stdout).toMatch(
      /^status +LIMIT_REACHED \(usd, month \(Asia\/Kathmandu, from 2026-01-31\): resets \S+T18:15Z\)$/m,
    );
    expect(text.stdout).toMatch(/^day \(Asia\/Kathmandu\) +usd +\$1\.00 .* \S+T18:15Z$/m);
    expect(text.stdout).toMatch(/^month \(Asia\/Kathmandu, from 2026-01-31\) +usd +\$1\.00 /m);
    const { reached, budgets: shown } = JSON.parse(report.stdout);
    expect(reached).toMatchObject([{ window: "month", ...zone }]);
    expect(shown).toMatchObject([
      { window: "day", timeZone: "Asia/Kathmandu" },
      { window: "month", ...zone },
    ]);
    expect(shown[0]).not.toHaveProperty("anchor");
  });

  it("tells a limit that only calls in flight fill from one that is spent", async () => {
    const namespace = freshNamespace();
    await meterIn(namespace, { agentId: "a", monthlyBudgetUsd: 1 }).reserve({ estimatedCostUsd: 1 });
    const { code, stdout } = await status(namespace, "--agent", "a");
    expect(stdout).toMatch(/^status +LIMIT_REACHED \(usd, month: held by calls in flight\)$/m);
    expect(code).toBe(3);
  });

  it("says PAUSED with the reason, and exits with 3", async () => {
    const namespace = freshNamespace();
    await meterIn(namespace, { agentId: "a" }).pause({ reason: "runaway loop" });
    const [text, report] = await Promise.all([
      status(namespace, "--agent", "a"),
      status(namespace, "--agent", "a", "--json"),
    ]);
    expect(text.stdout).toMatch(/^status +PAUSED \(runaway loop\)$/m);
    expect(JSON.parse(report.stdout)).toMatchObject({ status: "PAUSED", pauseReason: "runaway loop" });
    expect([text.code, report.code]).toEqual([3, 3]);
  });

  it("says that a scope was never seen, and leaves it so", async () => {
    const namespace = freshNamespace();
    const first = await status(namespace, "--agent", "typo");
    expect(first.stdout).toContain("agent:typo was never seen in this namespace");
    expect(first.code).toBe(0);
    const second = await status(namespace, "--agent", "typo", "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({ exists: false, status: "OK", budgets: [] });
  });

  it("says that a scope without budgets is only counted", async () => {
    const namespace = freshNamespace();
    await meterIn(namespace, { agentId: "a" }).record({ costUsd: 2 });
    const { code, stdout } = await status(namespace, "--agent", "a");
    expect(stdout).toMatch(/^spent +\$2\.00; 0 tokens$/m);
    expect(stdout).toContain("No budget is known for agent:a");
    expect(code).toBe(0);
  });

  it("lets nothing in the ledger steer the terminal", async () => {
    const namespace = freshNamespace();
    await meterIn(namespace, { agentId: "a" }).pause({ reason: "harmless" });
    const redis = new Redis(redisUrl);
    onTestFinished(() => redis.disconnect());
    const reason = "\u001b]0;owned\u0007\u001b[31mred\u001b[0m\u009b2Jand\r\nmore\u202e";
    await redis.hset(accountKey(namespace, "agent:a"), "pr", reason);
    const [text, report] = await Promise.all([
      status(namespace, "--agent", "a"),
      status(namespace, "--agent", "a", "--json"),
    ]);
    expect(text.stdout).toMatch(/^status +PAUSED \(redand more\)$/m);
    for (const { stdout } of [text, report]) expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(JSON.parse(report.stdout).pauseReason).toBe(reason);
  });

  it("fails in one line on data that is not the ledger's, and names the key", async () => {
    const namespace = freshNamespace();
    await meterIn(namespace, { agentId: "a" }).record({ costUsd: 2 });
    const redis = new Redis(redisUrl);
    onTestFinished(() => redis.disconnect());
    await redis.hset(accountKey(namespace, "agent:a"), "c", "garbage");
    const { code, stdout, stderr } = await status(namespace, "--agent", "a", "--json");
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain(accountKey(namespace, "agent:a"));
    expect([code, stdout]).toEqual([1, ""]);
  });
});
