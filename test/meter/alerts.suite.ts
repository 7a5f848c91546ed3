/** The Python library's alerts. */
import { describe, expect, it } from "vitest";
import type { AlertEvent, MeterOptions } from "../../src/index.ts";
import { type MakeMeter, rejection } from "./stores.ts";

const MINI = { provider: "openai", model: "gpt-4o-mini" };

/** @param meters makes meters that share a fresh namespace. */
export function describeAlerts(meters: () => MakeMeter): void {
  describe("alerts", () => {
    function listening(options: Partial<MeterOptions> = {}) {
      const alerts: AlertEvent[] = [];
      const make = meters();
      const onAlert = (event: AlertEvent) => void alerts.push(event);
      return { alerts, make, meter: make({ monthlyBudgetUsd: 10, onAlert, ...options }) };
    }

    it("come at 80, 90 and 100 percent by default, each once", async () => {
      const { alerts, meter } = listening();
      await meter.record({ costUsd: "7.99" });
      expect(alerts).toEqual([]);
      await meter.record({ costUsd: "0.01" });
      expect(alerts).toMatchObject([
        {
          agentId: "my-agent",
          scope: "agent:my-agent",
          percent: 80,
          threshold: 0.8,
          currentUsd: 8,
          budgetUsd: 10,
        },
      ]);
      await meter.record({ costUsd: "0.5" });
      expect(alerts).toHaveLength(1);
      await meter.record({ costUsd: "1.5" });
      expect(alerts.map((event) => event.threshold)).toEqual([0.8, 0.9, 1]);
      expect(alerts.at(-1)).toMatchObject({ percent: 100, currentUsd: 10 });
    });

    it("may pass 100 percent, since spend over the limit is recorded", async () => {
      const { alerts, meter } = listening({ alertThresholds: [1] });
      await rejection(meter.record({ costUsd: 12 }));
      expect(alerts).toMatchObject([{ percent: 120, threshold: 1, currentUsd: 12 }]);
    });

    it("fire once over all processes", async () => {
      const { alerts, make, meter } = listening({ alertThresholds: [0.5] });
      const other = make({ alertThresholds: [0.5], onAlert: (event) => void alerts.push(event) });
      await meter.record({ costUsd: 6 });
      await other.record({ costUsd: 1 });
      expect(alerts).toHaveLength(1);
    });

    it("of concurrent records fire once", async () => {
      const { alerts, meter } = listening({ alertThresholds: [0.5] });
      await Promise.all(Array.from({ length: 20 }, () => meter.record({ costUsd: "0.5" })));
      expect(alerts).toHaveLength(1);
    });

    it("come for token budgets too, without dollars in their JSON", async () => {
      const { alerts, meter } = listening({ monthlyBudgetTokens: 100, alertThresholds: [0.5] });
      await meter.record({ ...MINI, inputTokens: 50 });
      expect(alerts).toMatchObject([{ percent: 50, budget: { metric: "tokens", limit: 100 } }]);
      expect(alerts[0]?.budgetUsd).toBeNaN();
      expect(JSON.parse(JSON.stringify(alerts[0]))).not.toHaveProperty("budgetUsd");
    });

    it.each([
      [
        "throws",
        () => {
          throw new Error("mail server down");
        },
      ],
      [
        "rejects",
        async () => {
          throw new Error("mail server down");
        },
      ],
    ])("whose callback %s are not used up: the next settle fires them again", async (_, fail) => {
      let calls = 0;
      const { meter } = listening({
        alertThresholds: [0.5],
        onAlert: () => {
          calls += 1;
          return calls === 1 ? fail() : undefined;
        },
      });
      const receipt = await meter.record({ costUsd: 5 });
      expect(receipt.costUsd).toBe(5);
      await meter.record({ costUsd: 1 });
      expect(calls).toBe(2);
      await meter.record({ costUsd: 1 });
      expect(calls).toBe(2);
    });

    it("fire for settles too", async () => {
      const { alerts, meter } = listening({ alertThresholds: [0.5] });
      await meter.track({ estimatedCostUsd: 5 }, () => "done");
      expect(alerts).toHaveLength(1);
    });
  });
}
