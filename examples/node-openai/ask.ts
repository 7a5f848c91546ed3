/**
 * Asks a model one question, within $100 a month: `node ask.ts "Why is the sky blue?"`
 *
 * Needs Node 24. Environment variables: OPENAI_API_KEY, and REDIS_URL unless Redis is on this machine.
 */
import { BudgetExceededError, UsageMeter } from "agentlimit/node";
import OpenAI from "openai";

await using meter = new UsageMeter({
  redisUrl: process.env.REDIS_URL ?? "redis://localhost:6379",
  agentId: "support-bot",
  monthlyBudgetUsd: 100,
  // Written into calls that set no limit, so that little is held while they run.
  defaultMaxOutputTokens: 500,
  onAlert: ({ percent, budgetUsd }) => console.error(`${percent.toFixed(0)}% of $${budgetUsd} are spent`),
});
const openai = meter.instrumentOpenAIClient(new OpenAI());

try {
  const answer = await openai.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: process.argv[2] ?? "Why is the sky blue?" }],
    stream: true,
  });
  for await (const chunk of answer) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
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
