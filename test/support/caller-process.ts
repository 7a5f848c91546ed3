/**
 * One process of eight callers on shared budgets: each reserves and settles until a budget refuses it for good. Prints what
 * its callers were told they spent, in nano-USD. Fails when an admission's own answer shows a budget above its limit.
 *
 * Usage: node caller-process.ts <ProcessOrder as JSON>
 */
import { BudgetExceededError, type Hold, type NodeMeterOptions, UsageMeter } from "../../src/node.ts";

/** What a process is told. */
export interface ProcessOrder {
  meter: NodeMeterOptions;
  /** Scopes with their dollars for good, the root first. */
  chain: { scope: string; usd: number }[];
  holdNanoUsd: number;
}

const CALLERS = 8;

const { meter: options, chain, holdNanoUsd } = JSON.parse(process.argv[2] ?? "{}") as ProcessOrder;
const [root, ...children] = chain.map(({ scope, usd }) => ({
  scope,
  budgets: [{ window: "total" as const, usd }],
}));
if (root === undefined) throw new Error("A chain has at least one scope.");
const top = new UsageMeter({ ...options, ...root });
let meter: Pick<UsageMeter, "child" | "reserve"> = top;
for (const { scope, budgets } of children) meter = meter.child(scope, { budgets });

let toldNanoUsd = 0;
await Promise.all(Array.from({ length: CALLERS }, callUntilRefused));
await top.close();
console.log(toldNanoUsd);

async function callUntilRefused(): Promise<void> {
  for (;;) {
    try {
      const hold = await meter.reserve({ estimatedCostUsd: holdNanoUsd / 1e9 });
      checkAdmission(hold);
      const actualNanoUsd = Math.floor(Math.random() * (holdNanoUsd + 1));
      const receipt = await hold.settle({ costUsd: (actualNanoUsd / 1e9).toFixed(9) });
      toldNanoUsd += receipt.costNanoUsd;
    } catch (error) {
      const denial = BudgetExceededError.from(error);
      if (denial === undefined) throw error;
      if (!denial.transient) return;
    }
  }
}

/** What is spent and held is told with this hold counted in. */
function checkAdmission({ usage }: Hold): void {
  if (usage.budgets.length !== chain.length) throw new Error("An admission tells every budget of its chain.");
  for (const { scope, spent, held, limit } of usage.budgets) {
    const isPassed = Math.round((spent + held) * 1e9) > Math.round(limit * 1e9);
    if (isPassed) throw new Error(`${scope} was admitted at ${spent} spent and ${held} held of ${limit}.`);
  }
}
