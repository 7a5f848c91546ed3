/** The Python library's examples as the README shows them; only the addresses are the test's own. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { BudgetExceededError, UsageMeter } from "../../src/node.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { speakBothApis, startUpstream } from "../support/upstream.ts";

/** The examples name no namespace, so they get a server of their own. */
let redis: RedisServer;
let redisUrl: string;
beforeAll(async () => {
  redis = await startRedisServer();
  redisUrl = redis.url;
});
afterAll(() => redis.stop());
afterEach(() => redis.flush());

async function upstreamOf(baseUrlVariable: string, keyVariable: string, path: string) {
  const upstream = await startUpstream(speakBothApis({ inputTokens: 12, outputTokens: 3 }));
  vi.stubEnv(baseUrlVariable, `${upstream.url}${path}`);
  vi.stubEnv(keyVariable, "test-key");
  onTestFinished(() => upstream.close());
  return upstream;
}

describe("the Python library's examples, as written", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("checks, calls, records", async () => {
    const meter = new UsageMeter({
      redisUrl,
      agentId: "my-agent",
      monthlyBudgetUsd: 100,
      monthlyBudgetTokens: 500_000,
    });
    onTestFinished(() => meter.close());

    if (!(await meter.canSpend({ estimatedCostUsd: 0.05 }))) {
      throw new BudgetExceededError("Monthly budget reached");
    }
    // call your LLM here
    await meter.record({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1200, outputTokens: 500 });

    expect((await meter.getUsage()).tokensSpent).toBe(1700);
  });

  it("shows what is spent", async () => {
    const meter = new UsageMeter({ redisUrl, agentId: "demo-agent", monthlyBudgetUsd: 1 });
    onTestFinished(() => meter.close());
    await meter.record({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1000, outputTokens: 500 });
    const usage = await meter.getUsage();

    expect(usage.usdSpent).toBe(0.00045);
    expect(usage.tokensSpent).toBe(1500);
  });

  it("instruments an OpenAI client", async () => {
    const upstream = await upstreamOf("OPENAI_BASE_URL", "OPENAI_API_KEY", "/v1");
    const client = new OpenAI();
    const meter = new UsageMeter({ redisUrl, agentId: "support-bot", monthlyBudgetUsd: 100 });
    onTestFinished(() => meter.close());
    meter.instrumentOpenAIClient(client);
    const response = await client.chat.completions.create({
      model: "gpt-4o-mini",
      messages: [{ role: "user", content: "hello" }],
    });
    // held before the call, settled after it

    expect(response.usage?.total_tokens).toBe(15);
    await meter.flush();
    expect(await meter.getUsage()).toMatchObject({ nanoUsdSpent: 3_600, tokensSpent: 15, usdHeld: 0 });
    expect(meter.instrumentOpenAIClient(client)).toBe(client);
    await client.chat.completions.create({ model: "gpt-4o-mini", messages: [] });
    await meter.flush();
    expect(await meter.getUsage()).toMatchObject({ nanoUsdSpent: 7_200, usdHeld: 0 });
    expect(upstream.requests).toHaveLength(2);
  });

  it("instruments an Anthropic client", async () => {
    await upstreamOf("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "");
    const client = new Anthropic();
    const meter = new UsageMeter({ redisUrl, agentId: "research-bot", monthlyBudgetUsd: 100 });
    onTestFinished(() => meter.close());
    meter.instrumentAnthropicClient(client);
    const response = await client.messages.create({
      model: "claude-haiku-4-5-20251001",
      max_tokens: 256,
      messages: [{ role: "user", content: "hello" }],
    });

    expect(response.usage.output_tokens).toBe(3);
    await meter.flush();
    expect(await meter.getUsage()).toMatchObject({ nanoUsdSpent: 27_000, tokensSpent: 15, usdHeld: 0 });
  });

  it("alerts", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    const meter = new UsageMeter({
      redisUrl,
      agentId: "support-bot",
      monthlyBudgetUsd: 10,
      alertThresholds: [0.8, 0.9, 1],
      onAlert: (event) =>
        console.log(
          `${event.agentId} reached ${event.percent}% of its $${event.budgetUsd.toFixed(2)} budget`,
        ),
    });
    onTestFinished(() => meter.close());
    await meter.record({ costUsd: 8 });

    expect(log).toHaveBeenCalledExactlyOnceWith("support-bot reached 80% of its $10.00 budget");
  });

  it("refuses objects that are no such client", () => {
    const meter = new UsageMeter({ redisUrl, agentId: "support-bot" });
    expect(() => meter.instrumentOpenAIClient({})).toThrow(
      expect.objectContaining({ code: "INVALID_OPTIONS" }),
    );
    expect(() => meter.instrumentAnthropicClient({ chat: {} })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTIONS" }),
    );
  });
});
