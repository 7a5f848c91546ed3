/** Chains of scopes and their budgets: who is judged by which limit. */
import { describe, expect, it } from "vitest";
import {
  type AlertEvent,
  BudgetExceededError,
  InvalidBudgetError,
  InvalidScopeError,
  InvalidUsageError,
} from "../../src/index.ts";
import { type MakeMeter, rejection } from "./stores.ts";

const MINI = { provider: "openai", model: "gpt-4o-mini" };

/** @param meters makes meters that share a fresh namespace. */
export function describeBudgets(meters: () => MakeMeter): void {
  describe("a chain of scopes", () => {
    it("counts a call against each scope, all or nothing", async () => {
      const org = meters()({ scope: "org:acme", budgets: [{ window: "month", usd: 1 }] });
      const team = org.child("team:search", { budgets: [{ window: "day", usd: "0.5" }] });
      const user = team.child("user:42", { budgets: [{ window: "total", usd: "0.4" }] });
      const hold = await user.reserve({ estimatedCostUsd: "0.3" });
      expect(hold.usage.budgets).toMatchObject([
        { scope: "user:42", window: "total", held: 0.3, remaining: 0.1, resetsAt: null, source: "code" },
        { scope: "team:search", window: "day", held: 0.3, remaining: 0.2 },
        { scope: "org:acme", window: "month", held: 0.3, remaining: 0.7 },
      ]);

      const sibling = team.child("user:43", { budgets: [{ window: "total", usd: 100 }] });
      const error = await rejection(sibling.reserve({ estimatedCostUsd: "0.3" }));
      expect(error).toMatchObject({ scope: "team:search", denials: [{ scope: "team:search" }] });
      expect(await sibling.getUsage()).toMatchObject({ usdHeld: 0 });
      expect(await org.getUsage()).toMatchObject({ usdHeld: 0.3 });

      await hold.settle({ costUsd: "0.25" });
      expect(await org.getUsage()).toMatchObject({ usdSpent: 0.25, usdHeld: 0 });
      expect(await user.getUsage()).toMatchObject({ usdSpent: 0.25, usdHeld: 0 });
    });

    it("names every budget that denies, the last to reset first", async () => {
      const org = meters()({ scope: "org:acme", budgets: [{ window: "total", usd: 1 }] });
      const user = org.child("user:42", {
        budgets: [
          { window: "minute", usd: 1 },
          { window: "month", usd: 1 },
        ],
      });
      const error = await rejection(user.reserve({ estimatedCostUsd: 2 }));
      if (!(error instanceof BudgetExceededError)) throw error;
      expect(error.denials.map(({ scope, window }) => `${scope} ${window}`)).toEqual([
        "org:acme total",
        "user:42 month",
        "user:42 minute",
      ]);
      expect(error.retryAfterSeconds).toBeNull();
      expect(error.message).toMatch(
        /^Budget exceeded: org:acme has spent \$0\.00 of its \$1\.00 total \(never resets\); this call needs \$2\.00\. 2 more budgets deny it/,
      );
    });

    it("makes one budget of a scope under two parents", async () => {
      const make = meters();
      const inA = make({ scope: "org:a" }).child("user:1", { budgets: [{ window: "month", usd: 1 }] });
      const inB = make({ scope: "org:b" }).child("user:1", { budgets: [{ window: "month", usd: 1 }] });
      await inA.record({ costUsd: "0.9" });
      expect(await inB.canSpend({ estimatedCostUsd: "0.2" })).toBe(false);
    });

    it("refuses a scope twice, a ninth scope, and names outside the alphabet", () => {
      const org = meters()({ scope: "org:acme" });
      expect(() => org.child("org:acme")).toThrow(InvalidScopeError);
      let deepest = org;
      for (let depth = 2; depth <= 8; depth += 1) deepest = deepest.child(`level:${depth}`);
      expect(() => deepest.child("level:9")).toThrow(InvalidScopeError);
      expect(() => org.child("user 42")).toThrow(InvalidScopeError);
      expect(() => org.child("")).toThrow(InvalidScopeError);
    });

    it("does not inherit budgets", async () => {
      const org = meters()({ scope: "org:acme", budgets: [{ window: "month", usd: 5 }] });
      const usage = await org.child("user:42").getUsage();
      expect(usage.monthlyBudgetUsd).toBeNull();
      expect(usage.remainingUsd).toBe(5);
      expect(usage.budgets).toMatchObject([{ scope: "org:acme" }]);
    });
  });

  describe("budgets", () => {
    it("limit dollars, tokens and requests together", async () => {
      const meter = meters()({ budgets: [{ window: "hour", usd: 1, tokens: 100, requests: 2 }] });
      await expect(meter.reserve({ estimatedCostUsd: "0.1", tokens: 101 })).rejects.toMatchObject({
        denials: [{ metric: "tokens", requested: 101 }],
      });
      await meter.reserve({ estimatedCostUsd: "0.1", tokens: 50 });
      await meter.reserve({ estimatedCostUsd: "0.1", tokens: 50 });
      const error = await rejection(meter.reserve({ estimatedCostUsd: "0.1" }));
      expect((error as BudgetExceededError).denials.map(({ metric }) => metric).sort()).toEqual([
        "requests",
        "tokens",
      ]);
    });

    it("say whether waiting helps: for holds in flight, for the reset, or not at all", async () => {
      const meter = meters()({ budgets: [{ window: "hour", usd: 1, requests: 3 }] });
      await meter.reserve({ estimatedCostUsd: "0.6" });
      const held = await rejection(meter.reserve({ estimatedCostUsd: "0.6" }));
      expect(held).toMatchObject({ transient: true, retryAfterSeconds: 1 });
      expect((held as Error).message).toContain("Only calls in flight stand in the way");

      const large = await rejection(meter.reserve({ estimatedCostUsd: "1.01" }));
      expect(large).toMatchObject({ transient: false, retryAfterSeconds: null });
      expect((large as Error).message).toContain("more than the whole limit");

      await meter.reserve({ estimatedCostUsd: 0 });
      await meter.reserve({ estimatedCostUsd: 0 });
      const counted = await rejection(meter.reserve({ estimatedCostUsd: 0 }));
      expect(counted).toMatchObject({ transient: false, denials: [{ metric: "requests" }] });
      expect((counted as BudgetExceededError).retryAfterSeconds).toBeGreaterThanOrEqual(1);
      expect((counted as Error).message).toContain("Wait for the reset");
    });

    it("are no budgets when they are there and undefined: a variable is most likely not set", () => {
      for (const name of ["budgets", "monthlyBudgetUsd", "monthlyBudgetTokens"]) {
        expect(() => meters()({ [name]: undefined })).toThrow(InvalidBudgetError);
      }
      expect(() => meters()().child("user:1", { budgets: undefined })).toThrow(InvalidBudgetError);
    });

    it("that are soft alert and never deny", async () => {
      const alerts: AlertEvent[] = [];
      const onAlert = (event: AlertEvent) => void alerts.push(event);
      const meter = meters()({ budgets: [{ window: "day", usd: 1, soft: true }], onAlert });
      expect((await meter.record({ costUsd: 3 })).overrun).toBe(false);
      expect(await meter.check({ estimatedCostUsd: 1 })).toMatchObject({ allowed: true });
      expect(await meter.getUsage()).toMatchObject({
        percentUsd: null,
        budgets: [{ soft: true, percent: 300 }],
      });
      expect(alerts).toHaveLength(3);
    });

    it("in the long and the short form are the same budget, so both are one too many", () => {
      const make = meters();
      const both = { monthlyBudgetUsd: 1, budgets: [{ window: "month" as const, usd: 2 }] };
      expect(() => make(both)).toThrow(InvalidBudgetError);
      expect(() => make({ ...both, budgets: [{ window: "month", tokens: 2 }] })).not.toThrow();
    });

    it("of an empty list clear the recorded ones", async () => {
      const make = meters();
      await make({ monthlyBudgetUsd: 1 }).record({ costUsd: "0.5" });
      await make({ budgets: [] }).record({ costUsd: "0.1" });
      expect(await make().getUsage()).toMatchObject({ monthlyBudgetUsd: null, usdSpent: 0.6 });
    });

    it("of code bind its own callers, and reads record nothing", async () => {
      const make = meters();
      await make({ monthlyBudgetUsd: 1 }).record({ costUsd: "0.5" });
      const higher = make({ monthlyBudgetUsd: 10 });
      expect(await higher.check({ estimatedCostUsd: 5 })).toMatchObject({ allowed: true });
      expect(await make().getUsage()).toMatchObject({ monthlyBudgetUsd: 1 });
      await higher.reserve({ estimatedCostUsd: 5 });
      expect(await make().getUsage()).toMatchObject({ monthlyBudgetUsd: 10 });
    });

    it("that are missing deny where the meter says so", async () => {
      const make = meters();
      const meter = make({ scope: "org:acme", unbudgeted: "deny" });
      const user = meter.child("user:42");
      expect(await user.check()).toMatchObject({ allowed: false, error: { code: "NO_BUDGET" } });
      const error = await rejection(user.reserve({ estimatedCostUsd: 1, id: "call-1" }));
      expect(error).toMatchObject({ code: "NO_BUDGET", status: 403, scope: "user:42" });
      expect((error as Error).message).toContain("user:42 or org:acme");
      await expect(user.track({ estimatedCostUsd: 1 }, () => "ran")).rejects.toMatchObject({
        code: "NO_BUDGET",
      });

      await make({ scope: "org:acme", budgets: [{ window: "day", usd: 5 }] }).record({ costUsd: 0 });
      expect((await user.reserve({ estimatedCostUsd: 1, id: "call-1" })).replayed).toBe(false);
    });
  });

  describe("check", () => {
    it("answers with the error that a call would throw", async () => {
      const meter = meters()({ monthlyBudgetUsd: 1 });
      await meter.record({ costUsd: "0.8" });
      expect(await meter.check({ estimatedCostUsd: "0.1" })).toMatchObject({
        allowed: true,
        usage: { usdSpent: 0.8, remainingUsd: 0.2 },
      });
      const { allowed, error, usage } = await meter.check({ estimatedCostUsd: "0.3" });
      expect(allowed).toBe(false);
      expect(error).toBeInstanceOf(BudgetExceededError);
      expect(error?.message).toMatch(/has spent \$0\.80 of its \$1\.00 month .*; this call needs \$0\.30\./);
      expect(usage.usdSpent).toBe(0.8);
    });

    it("without an estimate is refused where nothing is left", async () => {
      const meter = meters()({ monthlyBudgetTokens: 10 });
      expect((await meter.check()).allowed).toBe(true);
      await meter.record({ ...MINI, inputTokens: 10 });
      const { error } = await meter.check();
      expect(error?.denials).toMatchObject([{ metric: "tokens", remaining: 0 }]);
      expect(error?.message).toContain("nothing is left");
    });

    it("prices an estimate by its model", async () => {
      const meter = meters()({ monthlyBudgetUsd: "0.001" });
      const estimate = { ...MINI, inputTokens: 1000, maxOutputTokens: 1000 };
      expect(await meter.canSpend(estimate)).toBe(true);
      expect(await meter.canSpend({ ...estimate, maxOutputTokens: 2000 })).toBe(false);
      expect(await rejection(meter.canSpend({ ...MINI, maxOutputTokens: 1 }))).toBeInstanceOf(
        InvalidUsageError,
      );
    });
  });

  describe("concurrent callers", () => {
    it("never hold more than the limit together", async () => {
      const meter = meters()({ monthlyBudgetUsd: 1 });
      const calls = Array.from({ length: 40 }, () =>
        meter.track({ estimatedCostUsd: "0.05" }, async (hold) => {
          const { usdSpent, usdHeld } = await meter.getUsage();
          expect(Math.round((usdSpent + usdHeld) * 1e9)).toBeLessThanOrEqual(1e9);
          await hold.settle({ costUsd: "0.05" });
        }),
      );
      const outcomes = await Promise.allSettled(calls);
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
      expect(await meter.getUsage()).toMatchObject({ usdSpent: 1, usdHeld: 0 });
    });
  });
}
