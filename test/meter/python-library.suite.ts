/** Every row of the Python library that this one ports, with its corner cases; run over each store. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AlertEvent,
  BudgetExceededError,
  InvalidBudgetError,
  InvalidScopeError,
  InvalidUsageError,
  type MeterOptions,
} from "../../src/index.ts";
import { describeAlerts } from "./alerts.suite.ts";
import { describePrices } from "./prices.suite.ts";
import { describeRecord } from "./record.suite.ts";
import { type MakeMeter, type MakeStore, meterMaker, rejection, type StoreUnderTest } from "./stores.ts";

const MINI = { provider: "openai", model: "gpt-4o-mini" };

export function describePythonLibrary(name: string, makeStore: MakeStore): void {
  describe(`the Python library's surface over ${name}`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await makeStore();
    });
    afterAll(() => under.close());

    /** A fresh namespace, whose meters share what they spend. */
    const meters = (): MakeMeter => meterMaker(under.store);
    describeRecord(meters);
    describeAlerts(meters);
    describePrices(meters);

    describe("the constructor", () => {
      it.each(["", " ", "\t\n", "has space", "käse", "x".repeat(123), 7, null])(
        "refuses the agent id %j",
        (agentId) => {
          const options = { store: under.store, agentId } as unknown as MeterOptions;
          expect(() => meters()(options)).toThrow(InvalidScopeError);
        },
      );

      it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "0", "-5", "free", 9_000_001, null, {}])(
        "refuses a monthly budget of %j dollars",
        (monthlyBudgetUsd) => {
          const options = { monthlyBudgetUsd } as unknown as MeterOptions;
          expect(() => meters()(options)).toThrow(InvalidBudgetError);
        },
      );

      it.each([0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "100", null])(
        "refuses a monthly budget of %j tokens",
        (monthlyBudgetTokens) => {
          const options = { monthlyBudgetTokens } as unknown as MeterOptions;
          expect(() => meters()(options)).toThrow(InvalidBudgetError);
        },
      );

      it.each([[[0]], [[-0.5]], [[1.01]], [[Number.NaN]], [[0.9, 0.8]], [[0.8, 0.8]], [["0.8"]], [0.8]])(
        "refuses the alert thresholds %j, whether or not anybody listens",
        (alertThresholds) => {
          const options = { alertThresholds } as unknown as MeterOptions;
          expect(() => meters()(options)).toThrow(InvalidBudgetError);
          expect(() => meters()({ ...options, onAlert: () => {} })).toThrow(InvalidBudgetError);
        },
      );

      it("takes thresholds up to and including 1", () => {
        expect(() => meters()({ alertThresholds: [0.001, 1 / 3, 1], onAlert: () => {} })).not.toThrow();
      });

      it("keeps budgets in the store: a meter made elsewhere without any reads and enforces them", async () => {
        const meter = meters();
        await meter({ monthlyBudgetUsd: 1, monthlyBudgetTokens: 50 }).record({ ...MINI, tokensUsed: 10 });

        const elsewhere = meter();
        expect(await elsewhere.getUsage()).toMatchObject({ monthlyBudgetUsd: 1, monthlyBudgetTokens: 50 });
        expect(await elsewhere.canSpend({ estimatedCostUsd: "0.9" })).toBe(true);
        expect(await elsewhere.canSpend({ estimatedCostUsd: "1.01" })).toBe(false);
        await expect(elsewhere.reserve({ estimatedCostUsd: "1.01" })).rejects.toThrow(BudgetExceededError);
        await expect(elsewhere.record({ ...MINI, tokensUsed: 41 })).rejects.toThrow(BudgetExceededError);
      });
    });

    describe("canSpend", () => {
      it("is true up to the limit, false above it", async () => {
        const meter = meters()({ monthlyBudgetUsd: 1 });
        await meter.record({ costUsd: "0.4" });
        expect(await meter.canSpend({ estimatedCostUsd: "0.6" })).toBe(true);
        expect(await meter.canSpend({ estimatedCostUsd: "0.600000001" })).toBe(false);
        expect(await meter.canSpend({ estimatedCostUsd: 0 })).toBe(true);
      });

      it("is false when the tokens are used up, whatever the dollars", async () => {
        const meter = meters()({ monthlyBudgetUsd: 100, monthlyBudgetTokens: 1000 });
        await meter.record({ ...MINI, inputTokens: 999 });
        expect(await meter.canSpend({ estimatedCostUsd: 0.01 })).toBe(true);
        await meter.record({ ...MINI, outputTokens: 1 });
        expect(await meter.canSpend({ estimatedCostUsd: 0.01 })).toBe(false);
      });

      it("counts what is held too", async () => {
        const meter = meters()({ monthlyBudgetUsd: 1 });
        const hold = await meter.reserve({ estimatedCostUsd: "0.7" });
        expect(await meter.canSpend({ estimatedCostUsd: "0.31" })).toBe(false);
        await hold.release();
        expect(await meter.canSpend({ estimatedCostUsd: "0.31" })).toBe(true);
      });

      it("holds and records nothing", async () => {
        const meter = meters()({ monthlyBudgetUsd: 1 });
        for (let calls = 0; calls < 3; calls += 1) await meter.canSpend({ estimatedCostUsd: "0.9" });
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0 });
      });

      it.each([Number.NaN, -0.01, Number.POSITIVE_INFINITY, "ten", null, undefined])(
        "refuses the estimate %j",
        async (estimatedCostUsd) => {
          const estimate = { estimatedCostUsd } as { estimatedCostUsd: number };
          expect(await rejection(meters()().canSpend(estimate))).toBeInstanceOf(InvalidUsageError);
        },
      );
    });

    describe("track", () => {
      it("refuses before the call is run", async () => {
        const meter = meters()({ monthlyBudgetUsd: 1 });
        await meter.record({ costUsd: "0.95" });
        let runs = 0;
        const error = await rejection(meter.track({ estimatedCostUsd: "0.06" }, () => (runs += 1)));
        expect(error).toBeInstanceOf(BudgetExceededError);
        expect(runs).toBe(0);
      });

      it("holds the estimate while it runs, settles it after, and returns the answer", async () => {
        const meter = meters()({ monthlyBudgetUsd: 1 });
        const answer = await meter.track({ estimatedCostUsd: "0.25" }, async () => {
          expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0.25 });
          return "hello";
        });
        expect(answer).toBe("hello");
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.25, usdHeld: 0 });
      });
    });

    describe("getUsage", () => {
      it("of an agent that never spent is zero, with null for what has no limit", async () => {
        expect(await meters()().getUsage()).toEqual({
          scope: "agent:my-agent",
          agentId: "my-agent",
          usdSpent: 0,
          nanoUsdSpent: 0,
          usdHeld: 0,
          tokensSpent: 0,
          monthlyBudgetUsd: null,
          monthlyBudgetTokens: null,
          percentUsd: null,
          percentTokens: null,
          remainingUsd: null,
          budgets: [],
        });
      });

      it("has percents from 0 to 100 that may pass 100", async () => {
        const meter = meters()({ monthlyBudgetUsd: 2, monthlyBudgetTokens: 1000 });
        expect(await meter.getUsage()).toMatchObject({ percentUsd: 0, percentTokens: 0 });
        await meter.record({ costUsd: 1, tokensUsed: 250 });
        expect(await meter.getUsage()).toMatchObject({ percentUsd: 50, percentTokens: 25 });
        await meter.record({ costUsd: 2, tokensUsed: 0 }).catch(() => {});
        expect(await meter.getUsage()).toMatchObject({ percentUsd: 150, percentTokens: 25 });
      });

      it("is plain JSON", async () => {
        const meter = meters()({ monthlyBudgetUsd: 2 });
        await meter.record({ costUsd: 1 });
        const usage = await meter.getUsage();
        const { budgets, ...rest } = JSON.parse(JSON.stringify(usage));
        expect(rest).toMatchObject({ usdSpent: 1, nanoUsdSpent: 1e9, remainingUsd: 1 });
        expect(budgets).toMatchObject([
          { scope: "agent:my-agent", window: "month", metric: "usd", limit: 2 },
        ]);
        expect(budgets[0].resetsAt).toMatch(/^\d{4}-\d\d-01T00:00:00.000Z$/);
      });

      it("keeps agents apart", async () => {
        const meter = meters();
        await meter({ agentId: "a" }).record({ costUsd: 1 });
        await meter({ agentId: "b" }).record({ costUsd: 2 });
        expect((await meter({ agentId: "a" }).getUsage()).usdSpent).toBe(1);
      });
    });

    describe("reset", () => {
      it("clears what is spent and held, keeps the budgets, and lets thresholds fire again", async () => {
        const alerts: AlertEvent[] = [];
        const make = meters();
        const meter = make({ monthlyBudgetUsd: 1, onAlert: (event) => void alerts.push(event) });
        await meter.record({ costUsd: "0.8" });
        await meter.reserve({ estimatedCostUsd: "0.1" });
        expect(alerts.map((event) => event.threshold)).toEqual([0.8]);

        await meter.reset();
        expect(await make().getUsage()).toMatchObject({
          usdSpent: 0,
          usdHeld: 0,
          tokensSpent: 0,
          monthlyBudgetUsd: 1,
        });
        await meter.record({ costUsd: "0.85" });
        expect(alerts.map((event) => event.threshold)).toEqual([0.8, 0.8]);
      });

      it("of an agent that never spent does nothing", async () => {
        const meter = meters()();
        await meter.reset();
        expect((await meter.getUsage()).usdSpent).toBe(0);
      });
    });

    describe("errors", () => {
      it("are for programs, people and end users", async () => {
        const meter = meters()({ monthlyBudgetUsd: 1 });
        const error = await rejection(meter.reserve({ estimatedCostUsd: 2 }));
        if (!(error instanceof BudgetExceededError)) throw error;
        expect(error).toMatchObject({ name: "BudgetExceededError", code: "BUDGET_EXCEEDED", status: 402 });
        const response = error.getResponse();
        expect(response.status).toBe(402);
        const problem = await response.text();
        expect(problem).toContain("BUDGET_EXCEEDED");
        expect(problem).not.toContain("my-agent");
      });
    });
  });
}
