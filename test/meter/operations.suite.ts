/** What happens around calls: pauses, resets, events, alerts, flush. */
import { describe, expect, it } from "vitest";
import {
  type AlertEvent,
  type Budget,
  BudgetExceededError,
  InvalidOptionsError,
  type MeterEvent,
} from "../../src/index.ts";
import { chatAnswer } from "./answers.ts";
import { type MakeMeter, rejection } from "./stores.ts";

const MINI = { provider: "openai", model: "gpt-4o-mini" };

/** @param meters makes meters that share a fresh namespace. */
export function describeOperations(meters: () => MakeMeter): void {
  describe("pause", () => {
    it("refuses every call through the scope until it is resumed", async () => {
      const org = meters()({ scope: "org:acme" });
      const user = org.child("user:42");
      await org.pause({ reason: "invoice overdue" });
      const error = await rejection(user.reserve({ estimatedCostUsd: 1 }));
      if (!(error instanceof BudgetExceededError)) throw error;
      expect(error).toMatchObject({ code: "PAUSED", status: 403, scope: "org:acme" });
      expect(error.message).toContain("org:acme is paused (invoice overdue)");
      expect(error.getResponse().status).toBe(403);
      expect(await user.check()).toMatchObject({ allowed: false, error: { code: "PAUSED" } });
      expect(await user.canSpend({ estimatedCostUsd: 0 })).toBe(false);

      await org.resume();
      expect(await user.canSpend({ estimatedCostUsd: 1 })).toBe(true);
      await user.reserve({ estimatedCostUsd: 1 });
    });

    it("lets calls in flight settle, and records what is reported, then throws", async () => {
      const meter = meters()({ monthlyBudgetUsd: 10 });
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      await meter.pause();
      expect((await hold.settle({ costUsd: 1 })).costUsd).toBe(1);
      const error = await rejection(meter.record({ costUsd: 2 }));
      expect(error).toMatchObject({ code: "PAUSED", receipt: { costUsd: 2 } });
      expect((await meter.getUsage()).usdSpent).toBe(3);
    });

    it("outlives a reset", async () => {
      const meter = meters()();
      await meter.pause();
      await meter.reset();
      expect(await meter.check()).toMatchObject({ allowed: false, error: { code: "PAUSED" } });
    });

    it.each(["", "two\nlines", "x".repeat(201), 7])("refuses the reason %j", async (reason) => {
      const error = await rejection(meters()().pause({ reason } as { reason: string }));
      expect(error).toBeInstanceOf(InvalidOptionsError);
    });
  });

  describe("reset", () => {
    it("clears this scope alone; a hold in flight still counts in its parents", async () => {
      const org = meters()({ scope: "org:acme" });
      const user = org.child("user:42", { budgets: [{ window: "month", usd: 5 }] });
      const hold = await user.reserve({ estimatedCostUsd: 1 });
      await user.record({ costUsd: 2 });
      await user.reset();
      expect(await user.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0, monthlyBudgetUsd: 5 });
      expect(await org.getUsage()).toMatchObject({ usdSpent: 2, usdHeld: 1 });

      expect(await hold.settle({ costUsd: "0.5" })).toMatchObject({ costUsd: 0.5 });
      expect(await user.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0 });
      expect(await org.getUsage()).toMatchObject({ usdSpent: 2.5, usdHeld: 0 });
    });
  });

  describe("events", () => {
    it("tell of denials, settles and failures, with the scope of the meter", async () => {
      const events: MeterEvent[] = [];
      const org = meters()({
        scope: "org:acme",
        monthlyBudgetUsd: 1,
        onEvent: () => {
          throw new Error("never heard");
        },
      });
      const user = org.child("user:42", { onEvent: (event) => void events.push(event) });
      const hold = await user.reserve({ ...MINI, inputTokens: 10, maxOutputTokens: 10 });
      await hold.settle({ inputTokens: 10, outputTokens: 5 });
      await rejection(user.reserve({ estimatedCostUsd: 2, id: "call-2" }));
      await rejection(user.reserve({ estimatedCostUsd: 1, id: hold.id }));
      await rejection(user.record({ costUsd: 2 }));
      expect(events).toMatchObject([
        {
          type: "settled",
          scope: "user:42",
          id: hold.id,
          provider: "openai",
          model: "gpt-4o-mini",
          tokens: { inputTokens: 10, outputTokens: 5 },
          receipt: { costNanoUsd: 4_500 },
        },
        { type: "denied", scope: "user:42", id: "call-2", error: { code: "BUDGET_EXCEEDED" } },
        { type: "failed", scope: "user:42", id: hold.id },
        { type: "settled", scope: "user:42", receipt: { costUsd: 2 } },
        { type: "denied", scope: "user:42", error: { code: "BUDGET_EXCEEDED" } },
      ]);
    });

    it("tell what an answer leaves in doubt, however it is booked", async () => {
      const events: MeterEvent[] = [];
      const make = meters();
      const meter = make({ onEvent: (event) => void events.push(event) });
      const answer = chatAnswer(10, 0);
      const response = { ...answer, usage: { ...answer.usage, total_tokens: 500 } };
      const estimate = { ...MINI, inputTokens: 10, maxOutputTokens: 10 };
      const held = [await meter.reserve(estimate), await meter.reserve(estimate)] as const;

      await meter.record({ response });
      await held[0].settle({ response });
      await meter.hold(held[1].id).settle({ response });
      await meter.track(estimate, async () => response);

      const told = events.map(({ type, id, receipt, error }) => ({ type, id, receipt, error }));
      expect(told).toHaveLength(8);
      for (const place of [0, 2, 4, 6]) {
        const [settled, failed] = told.slice(place);
        expect(settled).toMatchObject({ type: "settled", receipt: { source: "reported" } });
        expect(failed).toMatchObject({ type: "failed", id: settled?.id, error: { code: "INVALID_USAGE" } });
        expect(failed?.error?.message).toMatch(/^The usage that openai\/gpt-4o-mini reports .* total of 500/);
      }
    });

    it("whose listener throws or rejects change nothing", async () => {
      const make = meters();
      const throwing = make({
        onEvent: () => {
          throw new Error("log is full");
        },
      });
      expect((await throwing.record({ costUsd: 1 })).costUsd).toBe(1);
      const rejecting = make({
        onEvent: async () => {
          throw new Error("log is full");
        },
      });
      expect((await rejecting.record({ costUsd: 1 })).costUsd).toBe(1);
    });
  });

  describe("alerts", () => {
    it("tell of every scope of the chain", async () => {
      const alerts: AlertEvent[] = [];
      const onAlert = (event: AlertEvent) => void alerts.push(event);
      const org = meters()({ scope: "org:acme", monthlyBudgetUsd: 2, onAlert, alertThresholds: [0.5] });
      await org.child("agent:bot", { budgets: [{ window: "day", usd: 2 }] }).record({ costUsd: 1 });
      expect(alerts.map(({ scope, agentId, budget }) => [scope, agentId, budget.window])).toEqual([
        ["agent:bot", "bot", "day"],
        ["org:acme", undefined, "month"],
      ]);
    });

    it("have an id that names scope, budget, threshold and period", async () => {
      const ids: string[] = [];
      const onAlert = ({ id }: AlertEvent) => {
        ids.push(id);
        if (ids.length === 1) throw new Error("try again");
      };
      const meter = meters()({ monthlyBudgetUsd: 2, onAlert, alertThresholds: [0.5] });
      await meter.record({ costUsd: 1 });
      await meter.record({ costUsd: "0.1" });
      expect(new Set(ids).size).toBe(1);
      await meter.reset();
      await meter.record({ costUsd: 1 });
      expect(new Set(ids).size).toBe(2);
    });

    it("of a parent are not used up by a callback that throws", async () => {
      let calls = 0;
      const onAlert = () => {
        calls += 1;
        if (calls === 1) throw new Error("mail server down");
      };
      const org = meters()({ scope: "org:acme", monthlyBudgetUsd: 2, onAlert, alertThresholds: [0.5] });
      await org.child("user:42").record({ costUsd: 1 });
      await org.child("user:43").record({ costUsd: "0.1" });
      expect(calls).toBe(2);
    });

    it("of a budget that another meter declared are told by the meter that reaches them, once", async () => {
      const make = meters();
      const told: [teller: string, event: AlertEvent][] = [];
      const listening = (teller: string, budget: Budget) =>
        make({ budgets: [budget], onAlert: (event) => void told.push([teller, event]) });
      const byMonth = listening("month", { window: "month", usd: 10 });
      const byDay = listening("day", { window: "day", usd: 100 });
      const hold = await byDay.reserve({ estimatedCostUsd: 9 });
      await byMonth.reserve({ estimatedCostUsd: "0.1" });

      await hold.settle({ costUsd: 9 });
      const reached = { percent: 90, currentUsd: 9, budgetUsd: 10, budget: { window: "month" } };
      expect(told).toMatchObject([
        ["day", { ...reached, threshold: 0.8 }],
        ["day", { ...reached, threshold: 0.9 }],
      ]);
      await byMonth.record({ costUsd: 1 });
      expect(told.slice(2)).toMatchObject([["month", { percent: 100, threshold: 1 }]]);
    });

    it("of a limit that two meters declare differently name the one that was declared last", async () => {
      const make = meters();
      const alerts: AlertEvent[] = [];
      const onAlert = (event: AlertEvent) => void alerts.push(event);
      const hold = await make({ monthlyBudgetUsd: 100, onAlert }).reserve({ estimatedCostUsd: 8 });
      await make({ monthlyBudgetUsd: 10 }).reserve({ estimatedCostUsd: 1 });
      await hold.settle({ costUsd: 8 });
      expect(alerts).toMatchObject([{ percent: 80, threshold: 0.8, budgetUsd: 10 }]);
    });

    it("are not marked by a meter that nobody listens to", async () => {
      const make = meters();
      await make({ monthlyBudgetUsd: 2 }).record({ costUsd: 1 });
      const alerts: AlertEvent[] = [];
      const listening = make({ alertThresholds: [0.5], onAlert: (event) => void alerts.push(event) });
      await listening.record({ costUsd: "0.1" });
      expect(alerts).toMatchObject([{ percent: 55 }]);
    });
  });

  it("flush waits for settles that nobody awaits, of children too", async () => {
    const org = meters()({ scope: "org:acme" });
    const hold = await org.child("user:42").reserve({ estimatedCostUsd: 1 });
    void hold.settle({ costUsd: 1 });
    await org.flush();
    expect(await org.getUsage()).toMatchObject({ usdSpent: 1, usdHeld: 0 });
  });
}
