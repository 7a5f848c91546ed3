/**
 * Asks Claude one question, within $100 a month: `node ask.ts "Why is the sky blue?"`
 *
 * Needs Node 24. Environment variables: ANTHROPIC_API_KEY, and REDIS_URL unless Redis is on this machine.
 */
import Anthropic from "@anthropic-ai/sdk";
import { BudgetExceededError, UsageMeter } from "agentlimit/node";

await using meter = new UsageMeter({
  redisUrl: process.env.REDIS_URL ?? "redis://localhost:6379",
  agentId: "research-bot",
  monthlyBudgetUsd: 100,
});
const anthropic = meter.instrumentAnthropicClient(new Anthropic());

try {
  const answer = anthropic.messages.stream({
    model: "claude-haiku-4-5",
    max_tokens: 500,
    messages: [{ role: "user", content: process.argv[2] ?? "Why is the sky blue?" }],
  });
  answer.on("text", (text) => process.stdout.write(text));
  await answer.finalMessage();
  process.stdout.write("\n");
} catch (error) {
  if (!(error instanceof BudgetExceededError)) throw error;
  // Nothing was sent. The message has the numbers, and when to come back.
  console.error(`${error.status} ${error.message}`);
  process.exitCode = 1;
}

await meter.flush();
const { usdSpent, remainingUsd } = await meter.getUsage();
console.error(`$${usdSpent.toFixed(6)} spent this month, $${remainingUsd?.toFixed(2)} left`);
