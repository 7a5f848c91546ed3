/**
 * One process of eight callers on a shared budget: each reserves and settles until the budget refuses it for good.
 * Prints what its callers were told they spent, in nano-USD, and how many calls they made.
 *
 * Usage: node caller-process.ts <options of UsageMeter as JSON>
 */
import { BudgetExceededError, type NodeMeterOptions, UsageMeter } from "../../src/node.ts";

const CALLERS = 8;
const HOLD_NANO_USD = 2_500_000;

const options = JSON.parse(process.argv[2] ?? "{}") as NodeMeterOptions;
const org = new UsageMeter({ ...options, scope: "org:acme", budgets: [{ window: "month", usd: 100 }] });
const meter = org.child("team:search", { budgets: [{ window: "day", usd: 1 }] });
const told = { nanoUsd: 0, calls: 0 };

async function callUntilRefused(): Promise<void> {
  for (;;) {
    try {
      const hold = await meter.reserve({ estimatedCostUsd: HOLD_NANO_USD / 1e9 });
      const actualNanoUsd = Math.floor(Math.random() * (HOLD_NANO_USD + 1));
      const receipt = await hold.settle({ costUsd: (actualNanoUsd / 1e9).toFixed(9) });
      told.nanoUsd += receipt.costNanoUsd;
      told.calls += 1;
    } catch (error) {
      const denial = BudgetExceededError.from(error);
      if (denial === undefined) throw error;
      if (!denial.transient) return;
    }
  }
}

await Promise.all(Array.from({ length: CALLERS }, callUntilRefused));
await org.close();
console.log(JSON.stringify(told));
