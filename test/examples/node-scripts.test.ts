/** The scripts for Node, run by Node. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { packageCommand, ROOT, runToEnd } from "./child-process.ts";

const LIMIT_NANO_USD = 100_000_000_000;

describe.each([
  {
    script: "examples/node-openai/ask.ts",
    agentId: "support-bot",
    variables: (url: string) => ({ OPENAI_API_KEY: "test-key", OPENAI_BASE_URL: `${url}/v1` }),
    // 7 input and 3 output tokens of gpt-4o-mini.
    callNanoUsd: 7 * 150 + 3 * 600,
  },
  {
    script: "examples/node-anthropic/ask.ts",
    agentId: "research-bot",
    variables: (url: string) => ({ ANTHROPIC_API_KEY: "test-key", ANTHROPIC_BASE_URL: url }),
    // The same of claude-haiku-4-5.
    callNanoUsd: 7 * 1000 + 3 * 5000,
  },
])("$script", ({ script, agentId, variables, callNanoUsd }) => {
  let redis: RedisServer;
  let upstream: Upstream;
  let ledger: UsageMeter;

  beforeAll(async () => {
    if (!existsSync(join(ROOT, "dist/node.js"))) throw new Error("Run `npm run build` first.");
    // A Redis of its own: the example has the default namespace.
    redis = await startRedisServer();
    upstream = await startUpstream();
    ledger = new UsageMeter({ redisUrl: redis.url, agentId });
  });

  afterAll(async () => {
    await ledger?.close();
    await upstream?.close();
    await redis?.stop();
  });

  const run = () =>
    runToEnd([packageCommand("node"), script, "Why?"], {
      ...variables(upstream.url),
      REDIS_URL: redis.url,
    });

  it("prints the answer of an admitted call, and books what it used", async () => {
    const { exitCode, stdout, stderr } = await run();
    expect(stderr).toBe(`$${(callNanoUsd / 1e9).toFixed(6)} spent this month, $100.00 left\n`);
    expect(stdout).toBe("One two thrée\n");
    expect(exitCode).toBe(0);
    expect(upstream.requests).toHaveLength(1);
    expect(await ledger.getUsage()).toMatchObject({
      nanoUsdSpent: callNanoUsd,
      usdHeld: 0,
      monthlyBudgetUsd: 100,
    });
  });

  it("is denied with 402 at the cap, in words that say the numbers, and sends nothing", async () => {
    await ledger.record({ costUsd: ((LIMIT_NANO_USD - callNanoUsd) / 1e9).toFixed(9) });
    const { exitCode, stdout, stderr } = await run();
    expect(stderr).toContain(`402 Budget exceeded: agent:${agentId} has spent $100.00 of its $100.00 month`);
    expect(stderr).toContain("$100.000000 spent this month, $0.00 left");
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
    expect(upstream.requests).toHaveLength(1);
    expect(await ledger.getUsage()).toMatchObject({ nanoUsdSpent: LIMIT_NANO_USD, usdHeld: 0 });
  });
});
