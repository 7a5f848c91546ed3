/** Eight processes of eight callers on one budget, over TCP and over REST. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";

const PROCESSES = 8;
const LIMIT_NANO_USD = 1_000_000_000;
const LARGEST_HOLD_NANO_USD = 2_500_000;

const run = promisify(execFile);

async function callersOf(options: NodeMeterOptions): Promise<{ nanoUsd: number; calls: number }> {
  const script = fileURLToPath(new URL("../support/caller-process.ts", import.meta.url));
  const { stdout } = await run(process.execPath, [script, JSON.stringify(options)]);
  return JSON.parse(stdout) as { nanoUsd: number; calls: number };
}

describe("One budget under eight processes of eight callers", () => {
  const addresses: [string, NodeMeterOptions][] = [
    ["TCP", { redisUrl: inject("redisUrl") }],
    ["REST", { redis: { url: inject("restUrl"), token: inject("restToken") } }],
  ];

  it.each(addresses)(
    "is never passed over %s, and what callers were told is what the ledger has",
    async (name, address) => {
      const options = { ...address, namespace: `processes-${name.toLowerCase()}-${process.pid}` };
      await using meter = new UsageMeter({
        ...options,
        scope: "team:search",
        budgets: [{ window: "day", usd: 1 }],
      });
      let isRunning = true;
      const readings: number[] = [];
      const watch = async () => {
        while (isRunning) {
          const [day] = (await meter.getUsage()).budgets;
          if (day !== undefined) readings.push(Math.round((day.spent + day.held) * 1e9));
        }
      };

      const watching = watch();
      const told = await Promise.all(Array.from({ length: PROCESSES }, () => callersOf(options)));
      isRunning = false;
      await watching;

      const usage = await meter.getUsage();
      const toldNanoUsd = told.reduce((sum, process) => sum + process.nanoUsd, 0);
      expect(toldNanoUsd).toBe(usage.nanoUsdSpent);
      expect(usage.usdHeld).toBe(0);
      expect(readings.length).toBeGreaterThan(20);
      expect(Math.max(...readings)).toBeLessThanOrEqual(LIMIT_NANO_USD);
      expect(toldNanoUsd).toBeGreaterThan(LIMIT_NANO_USD - LARGEST_HOLD_NANO_USD);
    },
    120_000,
  );
});
