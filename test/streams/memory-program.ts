/** Reads a metered stream of many megabytes, and says how much memory it took at most beyond what was there before. */
import { setTimeout as delay } from "node:timers/promises";
import { memoryStore, UsageMeter } from "../../src/index.ts";

const { UPSTREAM_URL, ASKS_FOR_USAGE = "", MEGABYTES = "50", WAITS_MS = "0" } = process.env;
const meter = new UsageMeter({ scope: "memory", store: memoryStore(), monthlyBudgetUsd: 1_000 });
const usedBytes = () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

async function readStream(megabytes: number): Promise<{ bytes: number; peakBytes: number }> {
  const { body } = await meter.fetch(`${UPSTREAM_URL}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({
      model: "gpt-4o-mini",
      messages: [],
      stream: true,
      megabytes,
      ...(ASKS_FOR_USAGE === "" ? {} : { stream_options: { include_usage: true } }),
    }),
  });
  const before = usedBytes();
  let bytes = 0;
  let peakBytes = 0;
  let looks = 0;
  for await (const chunk of body ?? []) {
    if (bytes === 0) await delay(Number(WAITS_MS));
    bytes += chunk.length;
    if (bytes / 1_000_000 < looks) continue;
    looks += 1;
    peakBytes = Math.max(peakBytes, usedBytes() - before);
  }
  return { bytes, peakBytes };
}

await readStream(1);
const { bytes, peakBytes } = await readStream(Number(MEGABYTES));
const { nanoUsdSpent } = await meter.getUsage();
console.log(JSON.stringify({ bytes, peakBytes, nanoUsdSpent }));
