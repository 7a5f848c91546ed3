/** How long scripts run inside Redis, by its own latency histogram. */
import type { Redis } from "ioredis";

/** Microseconds of one EVALSHA. */
export interface ScriptTimes {
  calls: number;
  p50: number;
  p999: number;
  longest: number;
}

/** Counts from now on. */
export async function resetScriptTimes(observer: Redis): Promise<void> {
  await observer.config("SET", "latency-tracking-info-percentiles", "50 99.9 100");
  await observer.config("RESETSTAT");
}

export async function readScriptTimes(observer: Redis): Promise<ScriptTimes> {
  const latency = await observer.info("latencystats");
  const commands = await observer.info("commandstats");
  const found = /^latency_percentiles_usec_evalsha:p50=([\d.]+),p99\.9=([\d.]+),p100=([\d.]+)/m.exec(latency);
  const calls = /^cmdstat_evalsha:calls=(\d+)/m.exec(commands);
  if (found === null || calls === null) throw new Error("This Redis does not tell how long its scripts run.");
  const [p50, p999, longest] = found.slice(1).map(Number);
  return { calls: Number(calls[1]), p50: Number(p50), p999: Number(p999), longest: Number(longest) };
}

export async function usedBytes(observer: Redis): Promise<number> {
  const used = /^used_memory:(\d+)/m.exec(await observer.info("memory"))?.[1];
  if (used === undefined) throw new Error("This Redis does not tell how much memory it uses.");
  return Number(used);
}
