/** Calls between their hold and their settle, whatever becomes of them. */
import { describe, expect, it } from "vitest";
import { AlreadySettledError, type Hold, HoldInFlightError, type MeterEvent } from "../../src/index.ts";
import { chatAnswer } from "./answers.ts";
import { type MakeMeter, rejection } from "./stores.ts";

/** @param meters makes meters that share a fresh namespace. */
export function describeTrack(meters: () => MakeMeter): void {
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

    it("does not wait for its settle where the runtime keeps that alive, however the call ends", async () => {
      const events: MeterEvent[] = [];
      const kept: Promise<unknown>[] = [];
      const meter = meters()({
        waitUntil: (work) => void kept.push(work),
        onEvent: (event) => void events.push(event),
      });
      const failing = async () => {
        throw new Error("connection reset");
      };
      for (const run of [async () => chatAnswer(1000, 500), failing]) {
        events.length = 0;
        await meter.track({ estimatedCostUsd: "0.1" }, run).catch(() => {});
        expect(events).toEqual([]);
        await Promise.all(kept);
        expect(events).toMatchObject([{ type: "settled" }]);
      }
    });

    it("is waited for by a parent's flush", async () => {
      const events: MeterEvent[] = [];
      const meter = meters()({ waitUntil: () => {}, onEvent: (event) => void events.push(event) });
      await meter.child("run:1").track({ estimatedCostUsd: 1 }, async () => chatAnswer(1000, 500));
      expect(events).toEqual([]);
      await meter.flush();
      expect(events).toMatchObject([{ type: "settled" }]);
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

    it("takes a function alone, and holds nothing for anything else", async () => {
      const meter = meters()();
      // @ts-expect-error a promise is a call that was made before it was held
      const made: () => void = Promise.resolve(chatAnswer(1000, 500));
      const error = await rejection(meter.track({ estimatedCostUsd: "0.1" }, made));
      expect(error).toMatchObject({ code: "INVALID_OPTIONS", message: expect.stringMatching(/a function/) });
      expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 0 });
    });

    it("leaves a settle by hand as it is, awaited or not", async () => {
      const events: MeterEvent[] = [];
      const meter = meters()({ onEvent: (event) => void events.push(event) });
      await meter.track({ estimatedCostUsd: 1 }, async (hold) => {
        void hold.settle({ costUsd: "0.25" });
        return chatAnswer(1000, 500);
      });
      expect(await meter.getUsage()).toMatchObject({ usdSpent: 0.25, usdHeld: 0 });
      expect(events.map(({ type }) => type)).toEqual(["settled"]);
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
}
