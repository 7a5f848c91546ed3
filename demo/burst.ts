/** The same burst twice: through a check before and a count after, and through the meter. */
import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { BudgetExceededError, calculateCost, type NodeMeterOptions, UsageMeter } from "../src/node.ts";
import type { Upstream } from "./upstream.ts";

export interface BurstResult {
  admitted: number;
  refused: number;
  /** By the model server's own bill. */
  billedNanoUsd: number;
}

export const BURST_CALLS = 40;
export const BURST_CAP_USD = 1;
const MODEL = "gpt-5.5";
const REQUEST = {
  model: MODEL,
  max_completion_tokens: 3000,
  messages: [{ role: "user" as const, content: "Write a long report on this quarter." }],
};
/** What one such call can cost at most. */
const CALL_USD = calculateCost({
  provider: "openai",
  model: MODEL,
  inputTokens: 100,
  outputTokens: 3000,
}).costUsd;

/** The usual guard. It is exact for one call at a time. */
function checkThenCount(capUsd: number) {
  let spentUsd = 0;
  return async (call: () => Promise<OpenAI.ChatCompletion>) => {
    if (spentUsd + CALL_USD > capUsd) throw new BudgetExceededError("over budget");
    const { usage } = await call();
    const inputTokens = usage?.prompt_tokens ?? 0;
    const outputTokens = usage?.completion_tokens ?? 0;
    spentUsd += calculateCost({ provider: "openai", model: MODEL, inputTokens, outputTokens }).costUsd;
  };
}

export async function burstThroughCheckThenCount(upstream: Upstream): Promise<BurstResult> {
  const apiKey = "burst-check-then-count";
  const openai = new OpenAI({ baseURL: upstream.baseUrl, apiKey });
  const guard = checkThenCount(BURST_CAP_USD);
  return burst(upstream, apiKey, () => guard(() => openai.chat.completions.create(REQUEST)));
}

export async function burstThroughMeter(
  upstream: Upstream,
  store: Partial<NodeMeterOptions>,
): Promise<BurstResult> {
  const apiKey = "burst-meter";
  const meter = new UsageMeter({
    ...store,
    agentId: "burst",
    budgets: [{ window: "total", usd: BURST_CAP_USD }],
    serviceTier: "default",
  });
  await meter.reset();
  const openai = new OpenAI({ baseURL: upstream.baseUrl, apiKey, fetch: meter.fetch });
  const result = await burst(upstream, apiKey, () => openai.chat.completions.create(REQUEST));
  await meter.close();
  return result;
}

/** Starts all calls in one go; the model answers when each has either arrived or been refused. */
async function burst(upstream: Upstream, apiKey: string, call: () => Promise<unknown>): Promise<BurstResult> {
  let refused = 0;
  const model = upstream.holdBack();
  const calls = Array.from({ length: BURST_CALLS }, async () => {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof BudgetExceededError)) throw error;
      refused += 1;
    }
  });
  let ended = false;
  const outcomes = Promise.allSettled(calls).finally(() => {
    ended = true;
  });
  while (!ended && upstream.bill(apiKey).calls + refused < BURST_CALLS) await delay(5);
  model.answer();
  for (const outcome of await outcomes) if (outcome.status === "rejected") throw outcome.reason;
  const { calls: admitted, nanoUsd: billedNanoUsd } = upstream.bill(apiKey);
  return { admitted, refused, billedNanoUsd };
}
