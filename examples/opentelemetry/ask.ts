/**
 * Asks a model one question, and prints the trace of it: `node ask.ts "Why is the sky blue?"`
 *
 * Needs Node 24. Environment variables: OPENAI_API_KEY, and REDIS_URL unless Redis is on this machine.
 */
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { BudgetExceededError, UsageMeter } from "agentlimit/node";
import OpenAI from "openai";
import { spansOf } from "./spans.ts";

// Yours sends them to a collector.
const provider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
});

await using meter = new UsageMeter({
  redisUrl: process.env.REDIS_URL ?? "redis://localhost:6379",
  agentId: "traced-bot",
  monthlyBudgetUsd: 100,
  defaultMaxOutputTokens: 500,
  onEvent: spansOf(provider.getTracer("agentlimit")),
});
const openai = meter.instrumentOpenAIClient(new OpenAI());

try {
  await openai.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: process.argv[2] ?? "Why is the sky blue?" }],
  });
} catch (error) {
  if (!(error instanceof BudgetExceededError)) throw error;
  process.exitCode = 1;
}

await meter.flush();
await provider.shutdown();
