/** The Python library's `record`: counts, models, limits that are reached and passed. */
import { describe, expect, it } from "vitest";
import { BudgetExceededError, InvalidUsageError, UnknownModelError } from "../../src/index.ts";
import { ANSWERS_WITHOUT_USAGE } from "./answers.ts";
import { type MakeMeter, rejection } from "./stores.ts";

const MINI = { provider: "openai", model: "gpt-4o-mini" };

/** @param meters makes meters that share a fresh namespace. */
export function describeRecord(meters: () => MakeMeter): void {
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

    it.each(ANSWERS_WITHOUT_USAGE)("refuses %s and records nothing", async (_name, response) => {
      const meter = meters()();
      expect(await rejection(meter.record({ response }))).toBeInstanceOf(InvalidUsageError);
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
}
