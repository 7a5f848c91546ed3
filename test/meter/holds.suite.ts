/** Holds: settled once, released, replayed by their ids, here and in another process. */
import { describe, expect, it } from "vitest";
import {
  type AlertEvent,
  AlreadySettledError,
  IdConflictError,
  InvalidOptionsError,
  InvalidScopeError,
  InvalidUsageError,
  UnboundedCallError,
  UnknownHoldError,
} from "../../src/index.ts";
import { ANSWERS_WITHOUT_USAGE, chatAnswer, messagesAnswer } from "./answers.ts";
import { type MakeMeter, rejection } from "./stores.ts";

const MINI = { provider: "openai", model: "gpt-4o-mini" };

/** @param meters makes meters that share a fresh namespace. */
export function describeHolds(meters: () => MakeMeter): void {
  describe("a hold", () => {
    it("of a model without an output limit needs a maximum", async () => {
      const customPricing = { local: { llama: { input: 1, output: 2 } } };
      const meter = meters()({ customPricing });
      const estimate = { provider: "local", model: "llama", inputTokens: 5 };
      expect(await rejection(meter.reserve(estimate))).toBeInstanceOf(UnboundedCallError);
    });

    it("is settled by the tokens of its own model", async () => {
      const meter = meters()({ monthlyBudgetUsd: 1 });
      const hold = await meter.reserve({ ...MINI, inputTokens: 1000, maxOutputTokens: 1000 });
      expect(hold).toMatchObject({ replayed: false, usage: { usdHeld: 0.00075 } });
      expect(hold.expiresAt.getTime()).toBeGreaterThan(Date.now() + 500_000);
      const receipt = await hold.settle({ inputTokens: 1000, outputTokens: 500 });
      expect(receipt).toMatchObject({
        id: hold.id,
        costNanoUsd: 450_000,
        source: "reported",
        overrun: false,
      });
      expect(receipt.usage).toMatchObject({ usdSpent: 0.00045, usdHeld: 0, tokensSpent: 1500 });
    });

    it("in dollars alone needs a model, a cost or an answer to be settled, and stays held until then", async () => {
      const meter = meters()();
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      expect(await rejection(hold.settle({ inputTokens: 5 }))).toBeInstanceOf(InvalidUsageError);
      expect(await rejection(hold.settle({ costUsd: Number.NaN }))).toBeInstanceOf(InvalidUsageError);
      expect(await meter.getUsage()).toMatchObject({ usdHeld: 1, usdSpent: 0 });
      expect((await hold.settle({ response: chatAnswer(1000, 500) })).costNanoUsd).toBe(450_000);
    });

    it("is settled by a provider's answer, recognised by its shape", async () => {
      const meter = meters()();
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      expect((await hold.settle({ response: messagesAnswer(1000, 100) })).costNanoUsd).toBe(1_500_000);
    });

    it.each(ANSWERS_WITHOUT_USAGE)(
      "is not settled by %s, here or by its id, and stays held",
      async (_name, response) => {
        const meter = meters()();
        const hold = await meter.reserve({ ...MINI, inputTokens: 1000, maxOutputTokens: 1000 });
        for (const settle of [hold, meter.hold(hold.id)]) {
          expect(await rejection(settle.settle({ response }))).toBeInstanceOf(InvalidUsageError);
        }
        expect(await meter.getUsage()).toMatchObject({ usdHeld: 0.00075, usdSpent: 0, tokensSpent: 0 });
        expect((await hold.settle({ response: chatAnswer(1000, 500) })).costNanoUsd).toBe(450_000);
      },
    );

    it("above its amount is recorded in full, as overrun, and never thrown", async () => {
      const meter = meters()({ monthlyBudgetUsd: 1 });
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      const receipt = await hold.settle({ costUsd: "1.5" });
      expect(receipt).toMatchObject({ costUsd: 1.5, overrun: true, usage: { usdSpent: 1.5 } });
    });

    it("that is released gives everything back", async () => {
      const meter = meters()({ monthlyBudgetUsd: 1 });
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      await hold.release();
      expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0 });
      await hold.release();
    });

    it("counts one request, or as many as were held", async () => {
      const meter = meters()({ budgets: [{ window: "month", requests: 10 }] });
      const hold = await meter.reserve({ estimatedCostUsd: 1, requests: 7 });
      const { usage } = await hold.settle({ costUsd: 1 });
      expect(usage.budgets).toMatchObject([{ metric: "requests", spent: 7, held: 0 }]);
    });

    it("replays the same settle, and refuses another with the first receipt", async () => {
      const meter = meters()();
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      expect(await hold.settle({ costUsd: "0.5" })).toMatchObject({ replayed: false });
      expect(await hold.settle({ costUsd: 0.5 })).toMatchObject({ replayed: true, costUsd: 0.5 });
      const error = await rejection(hold.settle({ costUsd: "0.6" }));
      if (!(error instanceof AlreadySettledError)) throw error;
      expect(error.receipt).toMatchObject({ costUsd: 0.5, source: "reported" });
      expect(await rejection(hold.release())).toBeInstanceOf(AlreadySettledError);
      expect((await meter.getUsage()).usdSpent).toBe(0.5);
    });

    it("replays a settle that says the same in another process", async () => {
      const make = meters();
      const hold = await make().reserve({ ...MINI, inputTokens: 10, maxOutputTokens: 10 });
      await hold.settle({ inputTokens: 10, outputTokens: 5 });
      const again = await make()
        .hold(hold.id)
        .settle({ ...MINI, inputTokens: 10, outputTokens: 5 });
      expect(again.replayed).toBe(true);
    });

    it("settles one at a time: of two at once one counts", async () => {
      const meter = meters()();
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      const outcomes = await Promise.allSettled([
        hold.settle({ costUsd: "0.5" }),
        hold.settle({ costUsd: "0.7" }),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
      expect((await meter.getUsage()).usdSpent).toBe(0.5);
    });

    it("that was released is corrected by a reported settle", async () => {
      const meter = meters()();
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      await hold.release();
      expect(await hold.settle({ costUsd: "0.5" })).toMatchObject({ costUsd: 0.5, source: "reported" });
      expect((await meter.getUsage()).usdSpent).toBe(0.5);
    });

    it.each([0, 0.5, 93_601, Number.NaN, Number.POSITIVE_INFINITY])(
      "refuses an expiry of %d seconds",
      async (expiresInSeconds) => {
        const error = await rejection(meters()().reserve({ estimatedCostUsd: 1, expiresInSeconds }));
        expect(error).toBeInstanceOf(InvalidOptionsError);
      },
    );

    it("has methods that need no this", async () => {
      const { settle } = await meters()().reserve({ estimatedCostUsd: 1 });
      expect((await settle({ costUsd: 0 })).costUsd).toBe(0);
    });
  });

  describe("an id", () => {
    it("of a live hold answers with that hold", async () => {
      const meter = meters()();
      const first = await meter.reserve({ estimatedCostUsd: 1, id: "call-1" });
      const second = await meter.reserve({ estimatedCostUsd: "1.00", id: "call-1" });
      expect([first.replayed, second.replayed]).toEqual([false, true]);
      expect(second.expiresAt).toEqual(first.expiresAt);
      expect((await meter.getUsage()).usdHeld).toBe(1);
    });

    it("of a closed hold throws with its receipt, since the call would be paid twice", async () => {
      const meter = meters()();
      const hold = await meter.reserve({ estimatedCostUsd: 1, id: "call-1" });
      await hold.settle({ costUsd: "0.25" });
      const error = await rejection(meter.reserve({ estimatedCostUsd: 1, id: "call-1" }));
      if (!(error instanceof AlreadySettledError)) throw error;
      expect(error.receipt).toMatchObject({ id: "call-1", costUsd: 0.25, source: "reported" });
    });

    it("of a released hold throws without a receipt", async () => {
      const meter = meters()();
      await (await meter.reserve({ estimatedCostUsd: 1, id: "call-1" })).release();
      const error = await rejection(meter.reserve({ estimatedCostUsd: 1, id: "call-1" }));
      expect(error).toBeInstanceOf(AlreadySettledError);
      expect((error as AlreadySettledError).receipt).toBeUndefined();
    });

    it("with other amounts, another operation or another chain is a conflict", async () => {
      const make = meters();
      const meter = make();
      await meter.reserve({ estimatedCostUsd: 1, id: "call-1" });
      expect(await rejection(meter.reserve({ estimatedCostUsd: 2, id: "call-1" }))).toBeInstanceOf(
        IdConflictError,
      );
      expect(await rejection(meter.record({ costUsd: 1, id: "call-1" }))).toBeInstanceOf(IdConflictError);
      const other = make({ agentId: "other" });
      expect(await rejection(other.reserve({ estimatedCostUsd: 1, id: "call-1" }))).toBeInstanceOf(
        IdConflictError,
      );
      expect(await rejection(other.hold("call-1").settle({ costUsd: 1 }))).toBeInstanceOf(IdConflictError);
      expect((await meter.getUsage()).usdHeld).toBe(1);
    });

    it("survives a deploy with other prices", async () => {
      const make = meters();
      const price = (input: number) => ({
        customPricing: { own: { m: { input, output: 1, maxOutputTokens: 10 } } },
      });
      const estimate = { provider: "own", model: "m", inputTokens: 1000, id: "call-1" };
      await make(price(1)).reserve(estimate);
      expect((await make(price(2)).reserve(estimate)).replayed).toBe(true);
    });

    it("of a record makes its repetition a replay", async () => {
      const meter = meters()({ monthlyBudgetUsd: 1 });
      await meter.record({ costUsd: "0.5", id: "job-1" });
      expect(await meter.record({ costUsd: "0.5", id: "job-1" })).toMatchObject({
        replayed: true,
        costUsd: 0.5,
      });
      expect((await meter.getUsage()).usdSpent).toBe(0.5);
      expect(await rejection(meter.record({ costUsd: "0.4", id: "job-1" }))).toBeInstanceOf(IdConflictError);
    });

    it("of a record over the limit throws again, and alerts once", async () => {
      const alerts: AlertEvent[] = [];
      const meter = meters()({
        monthlyBudgetUsd: 1,
        alertThresholds: [1],
        onAlert: (event) => void alerts.push(event),
      });
      for (const replayed of [false, true]) {
        const error = await rejection(meter.record({ costUsd: 2, id: "job-1" }));
        expect(error).toMatchObject({ code: "BUDGET_EXCEEDED", receipt: { replayed, costUsd: 2 } });
      }
      expect((await meter.getUsage()).usdSpent).toBe(2);
      expect(alerts).toHaveLength(1);
    });

    it.each(["", " ", "a b", "-a", "x".repeat(129)])("refuses the id %j", async (id) => {
      const meter = meters()();
      expect(await rejection(meter.reserve({ estimatedCostUsd: 1, id }))).toBeInstanceOf(InvalidScopeError);
      expect(await rejection(meter.record({ costUsd: 1, id }))).toBeInstanceOf(InvalidScopeError);
      expect(await rejection(meter.hold(id).settle({ costUsd: 1 }))).toBeInstanceOf(InvalidScopeError);
    });
  });

  describe("hold(id)", () => {
    it("settles and releases elsewhere, on a meter of the same chain", async () => {
      const make = meters();
      const { id } = await make().reserve({ estimatedCostUsd: 1 });
      expect(
        await make()
          .hold(id)
          .settle({ response: chatAnswer(1000, 500) }),
      ).toMatchObject({ id, costNanoUsd: 450_000 });
      expect(
        await make()
          .hold(id)
          .settle({ response: chatAnswer(1000, 500) }),
      ).toMatchObject({ replayed: true });
      expect(await rejection(make().hold(id).release())).toBeInstanceOf(AlreadySettledError);

      const other = await make().reserve({ estimatedCostUsd: 1 });
      await make().hold(other.id).release();
      expect(await make().getUsage()).toMatchObject({ usdSpent: 0.00045, usdHeld: 0 });
    });

    it("of an id that nobody knows books nothing", async () => {
      const meter = meters()();
      const error = await rejection(meter.hold("nobody").settle({ costUsd: 1 }));
      expect(error).toBeInstanceOf(UnknownHoldError);
      expect((error as Error).message).toContain("nobody");
      expect(await rejection(meter.hold("nobody").release())).toBeInstanceOf(UnknownHoldError);
      expect((await meter.getUsage()).usdSpent).toBe(0);
    });
  });
}
