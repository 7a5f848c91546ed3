/** What a meter promises beyond the Python library: chains, holds, ids, pauses, resets; run over each store. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AlertEvent,
  AlreadySettledError,
  BudgetExceededError,
  type Hold,
  HoldInFlightError,
  IdConflictError,
  InvalidBudgetError,
  InvalidOptionsError,
  InvalidScopeError,
  InvalidUsageError,
  type MeterEvent,
  UnboundedCallError,
  UnknownHoldError,
} from "../../src/index.ts";
import { type MakeMeter, type MakeStore, meterMaker, rejection, type StoreUnderTest } from "./stores.ts";

const MINI = { provider: "openai", model: "gpt-4o-mini" };

/** An answer of OpenAI's chat API that used so many tokens. */
function chatAnswer(inputTokens: number, outputTokens: number) {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_790_000_000,
    model: "gpt-4o-mini",
    choices: [{ index: 0, message: { role: "assistant", content: "Hello!" }, finish_reason: "stop" }],
    usage: {
      prompt_tokens: inputTokens,
      completion_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
    },
  };
}

/** An answer of Anthropic's messages API that used so many tokens. */
function messagesAnswer(inputTokens: number, outputTokens: number) {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5-20251001",
    content: [{ type: "text", text: "Hello!" }],
    stop_reason: "end_turn",
    usage: { input_tokens: inputTokens, output_tokens: outputTokens },
  };
}

export function describeMeterSemantics(name: string, makeStore: MakeStore): void {
  describe(`a meter over ${name}`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await makeStore();
    });
    afterAll(() => under.close());

    const meters = (): MakeMeter => meterMaker(under.store);

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
        expect(error).toMatchObject({ transient: true });
        expect((error as BudgetExceededError).denials.map(({ metric }) => metric).sort()).toEqual([
          "requests",
          "tokens",
        ]);
        expect((error as Error).message).toContain("Only calls in flight stand in the way");
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
        expect(error?.message).toMatch(
          /has spent \$0\.80 of its \$1\.00 month .*; this call needs \$0\.30\./,
        );
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
        expect(await rejection(meter.record({ costUsd: "0.4", id: "job-1" }))).toBeInstanceOf(
          IdConflictError,
        );
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

    describe("track", () => {
      it("settles by the usage in the answer", async () => {
        const meter = meters()();
        const answer = chatAnswer(1000, 500);
        expect(await meter.track({ estimatedCostUsd: 1 }, async () => answer)).toBe(answer);
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.00045, usdHeld: 0, tokensSpent: 1500 });
      });

      it("settles at the estimate what it can't read, with a failed event", async () => {
        const events: MeterEvent[] = [];
        const meter = meters()({ onEvent: (event) => void events.push(event) });
        await meter.track({ estimatedCostUsd: "0.1" }, () => ({ no: "usage" }));
        expect(events.map(({ type }) => type)).toEqual(["failed", "settled"]);
        expect(events[1]?.receipt).toMatchObject({ costUsd: 0.1, source: "estimated" });
      });

      it("charges a call that throws, and throws the same", async () => {
        const meter = meters()();
        const failure = new Error("connection reset");
        const run = async () => {
          throw failure;
        };
        expect(await rejection(meter.track({ estimatedCostUsd: "0.1" }, run))).toBe(failure);
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.1, usdHeld: 0 });
      });

      it("charges nothing to a call that threw and released its hold", async () => {
        const meter = meters()();
        const run = async (hold: Hold) => {
          await hold.release();
          throw new Error("never sent");
        };
        await rejection(meter.track({ estimatedCostUsd: "0.1" }, run));
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0 });
      });

      it("leaves a settle by hand as it is, awaited or not", async () => {
        const meter = meters()();
        await meter.track({ estimatedCostUsd: 1 }, async (hold) => {
          void hold.settle({ costUsd: "0.25" });
          return chatAnswer(1000, 500);
        });
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.25, usdHeld: 0 });
      });

      it("leaves a stream held, to be settled by hand", async () => {
        const meter = meters()();
        async function* stream() {
          yield "chunk";
        }
        let held: Hold | undefined;
        await meter.track({ estimatedCostUsd: 1 }, (hold) => {
          held = hold;
          return stream();
        });
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 1 });
        await held?.settle({ costUsd: "0.5" });
        expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.5, usdHeld: 0 });
      });

      it("does not run a call that is in flight, or done", async () => {
        const meter = meters()();
        let runs = 0;
        const call = { estimatedCostUsd: 1, id: "call-1" };
        const hold = await meter.reserve(call);
        expect(await rejection(meter.track(call, () => (runs += 1)))).toBeInstanceOf(HoldInFlightError);
        await hold.settle({ costUsd: 1 });
        expect(await rejection(meter.track(call, () => (runs += 1)))).toBeInstanceOf(AlreadySettledError);
        expect(runs).toBe(0);
      });

      it("returns the answer of a call whose settle can't be priced", async () => {
        const events: MeterEvent[] = [];
        const meter = meters()({ onEvent: (event) => void events.push(event) });
        const answer = { ...chatAnswer(1000, 500), model: "gpt-nobody-knows" };
        expect(await meter.track({ estimatedCostUsd: "0.1" }, () => answer)).toBe(answer);
        expect(events[0]).toMatchObject({ type: "failed", error: { code: "UNKNOWN_MODEL" } });
        expect((await meter.getUsage()).usdSpent).toBe(0.1);
      });
    });

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

      it("are not marked by a meter that nobody listens to", async () => {
        const make = meters();
        await make({ monthlyBudgetUsd: 2 }).record({ costUsd: 1 });
        const alerts: AlertEvent[] = [];
        const listening = make({ alertThresholds: [0.5], onAlert: (event) => void alerts.push(event) });
        await listening.record({ costUsd: "0.1" });
        expect(alerts).toMatchObject([{ percent: 55 }]);
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

    it("flush waits for settles that nobody awaits, of children too", async () => {
      const org = meters()({ scope: "org:acme" });
      const hold = await org.child("user:42").reserve({ estimatedCostUsd: 1 });
      void hold.settle({ costUsd: 1 });
      await org.flush();
      expect(await org.getUsage()).toMatchObject({ usdSpent: 1, usdHeld: 0 });
    });
  });
}
