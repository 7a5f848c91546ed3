/** Every row of the Python library that this one ports, with its corner cases; run over each store. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AlertEvent,
  BudgetExceededError,
  calculateCost,
  InvalidBudgetError,
  InvalidOptionsError,
  InvalidScopeError,
  InvalidUsageError,
  type MeterOptions,
  supportedModels,
  UnknownModelError,
} from "../../src/index.ts";
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

    describe("record", () => {
      it("prices a split by its model", async () => {
        const meter = meters()({ monthlyBudgetUsd: 1 });
        const receipt = await meter.record({ ...MINI, inputTokens: 1000, outputTokens: 500 });
        expect(receipt).toMatchObject({ costUsd: 0.00045, costNanoUsd: 450_000, source: "reported" });
        const usage = await meter.getUsage();
        expect(usage.usdSpent).toBe(0.00045);
        expect(usage.tokensSpent).toBe(1500);
      });

      it("prices tokensUsed alone at the output rate", async () => {
        const meter = meters()();
        const receipt = await meter.record({ ...MINI, tokensUsed: 1000 });
        expect(receipt.costNanoUsd).toBe(600_000);
        expect((await meter.getUsage()).tokensSpent).toBe(1000);
      });

      it("with a split and tokensUsed prices the split and counts tokensUsed", async () => {
        const meter = meters()();
        const receipt = await meter.record({
          ...MINI,
          inputTokens: 1000,
          outputTokens: 500,
          tokensUsed: 2000,
        });
        expect(receipt.costNanoUsd).toBe(450_000);
        expect((await meter.getUsage()).tokensSpent).toBe(2000);
      });

      it.each([
        { inputTokens: Number.NaN },
        { inputTokens: -1 },
        { outputTokens: 1.5 },
        { outputTokens: Number.POSITIVE_INFINITY },
        { inputTokens: "12" },
        { tokensUsed: 0.5 },
        { tokensUsed: Number.NaN },
        { inputTokens: null },
        {},
      ])("refuses the counts %j and records nothing", async (counts) => {
        const meter = meters()();
        const usage = { ...MINI, ...counts } as unknown as { provider: string; model: string };
        expect(await rejection(meter.record(usage))).toBeInstanceOf(InvalidUsageError);
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, tokensSpent: 0 });
      });

      it("takes a count of zero", async () => {
        const receipt = await meters()().record({ ...MINI, inputTokens: 0, outputTokens: 0 });
        expect(receipt.costNanoUsd).toBe(0);
      });

      it.each([
        ["nobody", "gpt-4o-mini"],
        ["openai", "gpt-4o-minimum"],
        ["openai", "__proto__"],
        ["constructor", "name"],
      ])("refuses the model %s/%s, which has no price", async (provider, model) => {
        const meter = meters()();
        const error = await rejection(meter.record({ provider, model, inputTokens: 1 }));
        expect(error).toBeInstanceOf(UnknownModelError);
        expect((error as Error).message).toContain(model);
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, tokensSpent: 0 });
      });

      it.each(["", "  "])("refuses the blank name %j", async (blank) => {
        const meter = meters()();
        for (const usage of [
          { provider: blank, model: "gpt-4o-mini", inputTokens: 1 },
          { provider: "openai", model: blank, inputTokens: 1 },
        ]) {
          expect(await rejection(meter.record(usage))).toMatchObject({ status: 403 });
        }
      });

      it("admits spend that reaches the limit exactly", async () => {
        const meter = meters()({ monthlyBudgetUsd: "0.0006", monthlyBudgetTokens: 1000 });
        const receipt = await meter.record({ ...MINI, outputTokens: 1000 });
        expect(receipt.overrun).toBe(false);
        expect(await meter.getUsage()).toMatchObject({
          percentUsd: 100,
          percentTokens: 100,
          remainingUsd: 0,
        });
      });

      it("records spend over a limit, then throws with the receipt", async () => {
        const meter = meters()({ monthlyBudgetUsd: 1 });
        await meter.record({ costUsd: "0.9" });
        const error = await rejection(meter.record({ costUsd: "0.3" }));
        if (!(error instanceof BudgetExceededError)) throw error;
        expect(error).toMatchObject({ code: "BUDGET_EXCEEDED", status: 402, scope: "agent:my-agent" });
        expect(error.receipt).toMatchObject({ costUsd: 0.3, overrun: true, replayed: false });
        expect(error.denials).toMatchObject([{ metric: "usd", limit: 1, spent: 1.2, requested: 0.3 }]);
        expect(error.message).toMatch(
          /^Budget exceeded: agent:my-agent has spent \$1\.20 of its \$1\.00 month \(resets \d{4}-\d\d-01T00:00Z\)\./,
        );
        expect(error.message).toContain("This call's $0.30 are recorded");
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 1.2, percentUsd: 120, remainingUsd: 0 });
        expect(await meter.canSpend({ estimatedCostUsd: 0 })).toBe(false);
      });

      it("throws for a token budget alike", async () => {
        const meter = meters()({ monthlyBudgetTokens: 100 });
        await meter.record({ ...MINI, inputTokens: 100 });
        const error = await rejection(meter.record({ ...MINI, inputTokens: 1 }));
        expect(error).toMatchObject({
          code: "BUDGET_EXCEEDED",
          denials: [{ metric: "tokens", limit: 100, spent: 101, requested: 1 }],
        });
        expect((await meter.getUsage()).tokensSpent).toBe(101);
      });

      it("adds a hundred concurrent records up exactly", async () => {
        const meter = meters()();
        const usage = { ...MINI, inputTokens: 7, outputTokens: 3 };
        await Promise.all(Array.from({ length: 100 }, () => meter.record(usage)));
        expect(await meter.getUsage()).toMatchObject({ nanoUsdSpent: 285_000, tokensSpent: 1000 });
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

    describe("prices", () => {
      it.each([
        ["openai", "gpt-4o", 2.5, 10],
        ["openai", "gpt-4o-mini", 0.15, 0.6],
        ["openai", "gpt-3.5-turbo", 0.5, 1.5],
        ["anthropic", "claude-sonnet-4-6", 3, 15],
        ["anthropic", "claude-haiku-4-5", 1, 5],
        ["anthropic", "claude-haiku-4-5-20251001", 1, 5],
      ])("%s/%s cost %d and %d dollars per million tokens", async (provider, model, input, output) => {
        const meter = meters()();
        expect((await meter.record({ provider, model, inputTokens: 1_000_000 })).costUsd).toBe(input);
        expect((await meter.record({ provider, model, outputTokens: 1_000_000 })).costUsd).toBe(output);
        expect(calculateCost({ provider, model, inputTokens: 1_000_000 }).costUsd).toBe(input);
        expect(calculateCost({ provider, model, outputTokens: 1_000_000 }).costUsd).toBe(output);
      });

      it("customPricing adds models and replaces prices, in dollars per million tokens", async () => {
        const customPricing = {
          openai: { "my-ft": { input: "3", output: "12" }, "gpt-4o": { input: 1, output: 2 } },
        };
        const meter = meters()({ customPricing });
        const costs = await Promise.all([
          meter.record({ provider: "openai", model: "my-ft", inputTokens: 1000, outputTokens: 1000 }),
          meter.record({ provider: "openai", model: "gpt-4o", inputTokens: 1000 }),
          meter.record({ ...MINI, inputTokens: 1000 }),
        ]);
        expect(costs.map((receipt) => receipt.costNanoUsd)).toEqual([15_000_000, 1_000_000, 150_000]);
      });

      it("a custom price of 0 is a price", async () => {
        const meter = meters()({ customPricing: { local: { llama: { input: 0, output: 0 } } } });
        const receipt = await meter.record({
          provider: "local",
          model: "llama",
          inputTokens: 12,
          outputTokens: 5,
        });
        expect(receipt.costNanoUsd).toBe(0);
        expect((await meter.getUsage()).tokensSpent).toBe(17);
      });

      it.each([
        { openai: { ft: { input: 0.00001, output: 1 } } },
        { openai: { ft: { input: -1, output: 1 } } },
        { openai: { ft: { input: Number.NaN, output: 1 } } },
      ])("refuses the custom price %j", (customPricing) => {
        expect(() => meters()({ customPricing })).toThrow(InvalidOptionsError);
      });

      it("supportedModels lists what has a price", () => {
        const models = supportedModels({
          customPricing: { openai: { "my-ft": { input: "3", output: "12" } } },
        });
        const names = models.map(({ provider, model }) => `${provider}/${model}`);
        expect(names).toContain("openai/gpt-4o-mini");
        expect(names).toContain("anthropic/claude-haiku-4-5");
        expect(names).toContain("openai/my-ft");
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
