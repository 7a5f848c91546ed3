/** What a hold counts when an answer is lost and the store forgets its id before the next try. */
import { describe, expect, it } from "vitest";
import { memoryStore, type Store, StoreUnavailableError, UsageMeter } from "../../src/index.ts";
import { rejection } from "./stores.ts";

const HOUR = 3_600_000;

/** `answer`: the operation is applied. `operation`: it never arrives. */
type Loss = "answer" | "operation";

/** A ledger whose clock the test moves, behind a connection that loses what the test says. */
function lossyLedger() {
  let nowMs = Date.parse("2026-11-10T12:00:00Z");
  const ledger = memoryStore({ now: () => nowMs });
  const losses = { settle: [] as Loss[], record: [] as Loss[] };
  async function carry<A>(kind: keyof typeof losses, run: () => Promise<A>): Promise<A> {
    const loss = losses[kind].shift();
    if (loss === "operation") throw new StoreUnavailableError("Lost on its way there.");
    const answer = await run();
    if (loss === "answer") throw new StoreUnavailableError("Lost on its way back.");
    return answer;
  }
  const store: Store = {
    ...ledger,
    settle: (operation) => carry("settle", () => ledger.settle(operation)),
    record: (operation) => carry("record", () => ledger.record(operation)),
  };
  return {
    meter: new UsageMeter({ agentId: "a", store }),
    lose: (kind: keyof typeof losses, loss: Loss) => void losses[kind].push(loss),
    advanceHours: (hours: number) => {
      nowMs += hours * HOUR;
    },
  };
}

describe("a settle whose answer was lost", () => {
  it("counts once when its id is forgotten before it is sent again", async () => {
    const { meter, lose, advanceHours } = lossyLedger();
    const hold = await meter.reserve({ estimatedCostUsd: 1, tokens: 100 });
    const actual = { costUsd: "1.5", tokensUsed: 80 };
    lose("settle", "answer");
    expect(await rejection(hold.settle(actual))).toBeInstanceOf(StoreUnavailableError);
    advanceHours(2);
    expect(await hold.settle(actual)).toMatchObject({ costUsd: 1.5 });
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 1.5, tokensSpent: 80, usdHeld: 0 });
    await hold.settle({ costUsd: "1.75" });
    expect((await meter.getUsage()).usdSpent).toBe(1.75);
  });
});

describe("what a forgotten hold cost beyond what is counted", () => {
  it.each<Loss>(["answer", "operation"])(
    "is recorded once where the %s of its record was lost",
    async (loss) => {
      const { meter, lose, advanceHours } = lossyLedger();
      const hold = await meter.reserve({ estimatedCostUsd: 1 });
      advanceHours(48);
      lose("record", loss);
      expect(await rejection(hold.settle({ costUsd: "1.5" }))).toBeInstanceOf(StoreUnavailableError);
      expect(await hold.settle({ costUsd: "1.5" })).toMatchObject({ costUsd: 1.5 });
      expect((await meter.getUsage()).usdSpent).toBe(1.5);
    },
  );

  it("is known before any more of it is recorded", async () => {
    const { meter, lose, advanceHours } = lossyLedger();
    const hold = await meter.reserve({ estimatedCostUsd: 1 });
    advanceHours(48);
    lose("record", "answer");
    await rejection(hold.settle({ costUsd: "1.5" }));
    for (const costUsd of [2, 3]) {
      expect(await hold.settle({ costUsd })).toMatchObject({ costUsd });
      expect((await meter.getUsage()).usdSpent).toBe(costUsd);
    }
  });
});
