/** `waitMs`: calls that wait for holds in flight. */
import { describe, expect, it } from "vitest";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { type MakeMeter, rejection } from "./stores.ts";

export function describeWaiting(meters: () => MakeMeter): void {
  describe("a call that may wait", () => {
    it("is admitted as soon as a hold in its way settles", async () => {
      const events: MeterEvent[] = [];
      const meter = meters()({ monthlyBudgetUsd: 1, waitMs: 10_000, onEvent: (event) => events.push(event) });
      const first = await meter.reserve({ estimatedCostUsd: 1 });
      const startMs = performance.now();
      const second = meter.reserve({ estimatedCostUsd: "0.5", id: "second" });
      const settled = new Promise((resolve) => setTimeout(resolve, 60)).then(() =>
        first.settle({ costUsd: "0.2" }),
      );
      const hold = await second;
      await settled;
      expect(hold).toMatchObject({ id: "second", replayed: false });
      expect(performance.now() - startMs).toBeLessThan(5_000);
      expect(hold.usage).toMatchObject({ usdSpent: 0.2, usdHeld: 0.5 });
      expect(events.map(({ type }) => type)).not.toContain("denied");
    });

    it("is refused when its time is over, and told once", async () => {
      const events: MeterEvent[] = [];
      const meter = meters()({ monthlyBudgetUsd: 1, waitMs: 120, onEvent: (event) => events.push(event) });
      await meter.reserve({ estimatedCostUsd: 1 });
      const startMs = performance.now();
      const error = await rejection(meter.reserve({ estimatedCostUsd: "0.5" }));
      expect(error).toMatchObject({ code: "BUDGET_EXCEEDED", transient: true });
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(119);
      expect(events.filter(({ type }) => type === "denied")).toHaveLength(1);
      expect(await meter.getUsage()).toMatchObject({ usdHeld: 1 });
    });

    it("is refused at once where waiting does not help", async () => {
      const meter = meters()({ monthlyBudgetUsd: 1, waitMs: 60_000 });
      await meter.record({ costUsd: "0.9" });
      const startMs = performance.now();
      expect(await rejection(meter.reserve({ estimatedCostUsd: "0.5" }))).toMatchObject({ transient: false });
      await meter.pause();
      expect(await rejection(meter.reserve({ estimatedCostUsd: "0.01" }))).toMatchObject({ code: "PAUSED" });
      expect(performance.now() - startMs).toBeLessThan(5_000);
    });

    it("waits in children and in track, too", async () => {
      const org = meters()({ scope: "org:acme", monthlyBudgetUsd: 1, waitMs: 10_000 });
      const user = org.child("user:1");
      const first = await org.reserve({ estimatedCostUsd: 1 });
      const answer = user.track({ estimatedCostUsd: 1 }, () => "done");
      await first.release();
      expect(await answer).toBe("done");
    });
  });
}
