/** A meter on the real Redis of the run, in a namespace of its own. */
import { inject } from "vitest";
import type { MeterEvent } from "../../src/index.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { freshNamespace } from "../meter/stores.ts";

export interface TestMeter {
  meter: UsageMeter;
  events: MeterEvent[];
  /** The ledger after all settles under way, and how each was settled. */
  outcome(): Promise<Outcome>;
}

export interface Outcome {
  spentNanoUsd: number;
  heldNanoUsd: number;
  sources: (string | undefined)[];
}

export function testMeter(options: Partial<NodeMeterOptions> = {}): TestMeter {
  const events: MeterEvent[] = [];
  const meter = new UsageMeter({
    redisUrl: inject("redisUrl"),
    namespace: freshNamespace(),
    agentId: "ai-sdk",
    budgets: [{ window: "total", usd: 1000 }],
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return {
    meter,
    events,
    async outcome() {
      await meter.flush();
      const { nanoUsdSpent, usdHeld } = await meter.getUsage();
      const settled = events.filter(({ type }) => type === "settled");
      return {
        spentNanoUsd: nanoUsdSpent,
        heldNanoUsd: Math.round(usdHeld * 1e9),
        sources: settled.map(({ receipt }) => receipt?.source),
      };
    },
  };
}
