/** What becomes of an alert that can't be told at once. */
import { describe, expect, it } from "vitest";
import { type AlertEvent, memoryStore, type Store } from "../../src/index.ts";
import { type MakeMeter, meterMaker } from "./stores.ts";

/** Meters of one ledger; `beforeRead` runs between an operation and whatever is read after it. */
function metersWith(beforeRead: () => Promise<unknown>): MakeMeter {
  const store = memoryStore();
  const slow: Store = {
    ...store,
    async check(operation) {
      await beforeRead();
      return store.check(operation);
    },
  };
  return meterMaker(slow);
}

describe("an alert of another meter's budget", () => {
  it("that is no longer in force when it is looked up is told by the next settle that finds it reached", async () => {
    const told: [teller: string, event: AlertEvent][] = [];
    const make = metersWith(() => byDay.reserve({ estimatedCostUsd: 0 }));
    const byMonth = make({ monthlyBudgetUsd: 10, onAlert: (event) => void told.push(["month", event]) });
    const byDay = make({
      budgets: [{ window: "day", usd: 100 }],
      onAlert: (event) => void told.push(["day", event]),
    });
    const hold = await byDay.reserve({ estimatedCostUsd: 8 });
    await byMonth.reserve({ estimatedCostUsd: "0.1" });
    await hold.settle({ costUsd: 8 });
    expect(told).toEqual([]);

    for (let calls = 0; calls < 2; calls += 1) await byMonth.record({ costUsd: "0.1" });
    expect(told).toMatchObject([["month", { threshold: 0.8, percent: 81 }]]);
  });
});

describe("an alert whose callback failed", () => {
  it("is told by the next settle alone, not by a repetition of the first one too", async () => {
    let calls = 0;
    const meter = meterMaker(memoryStore())({
      monthlyBudgetUsd: 10,
      onAlert() {
        calls += 1;
        if (calls === 1) throw new Error("mail server down");
      },
    });
    const spend = { costUsd: 8, id: "call-1" };
    await meter.record(spend);
    await meter.record(spend);
    expect(calls).toBe(1);
    await meter.record({ costUsd: "0.1" });
    expect(calls).toBe(2);
  });

  it("and whose mark could not be taken off is told by a repetition", async () => {
    const store = memoryStore();
    let calls = 0;
    const meter = meterMaker({ ...store, unmark: () => Promise.reject(new Error("gone")) })({
      monthlyBudgetUsd: 10,
      onAlert() {
        calls += 1;
        if (calls === 1) throw new Error("mail server down");
      },
    });
    const spend = { costUsd: 8, id: "call-1" };
    for (let deliveries = 0; deliveries < 3; deliveries += 1) await meter.record(spend);
    expect(calls).toBe(2);
  });
});
