/** 64 callers who cross the end of a minute, by the server's own clock. */
import { setTimeout as delay } from "node:timers/promises";
import { BudgetExceededError, type Hold, type NodeMeterOptions, UsageMeter } from "../../src/node.ts";

const METERS = 8;
const CALLERS_PER_METER = 8;
const MINUTE_MS = 60_000;
/** So long before the minute's end the callers begin. */
const LEAD_MS = 4_000;
/** One hold in so many is settled only when its minute is over. */
const LATE_SETTLES = 10;

export const HOLDS_A_MINUTE = 300;
export const HOLD_NANO_USD = 1_000_000;

export interface Crossing {
  /** Holds that were admitted in each minute, the first one first. */
  admitted: number[];
  /** The most that stood in a minute by any admission's own answer, in nano-USD. */
  mostNanoUsd: number;
  /** What stands in the end, over both minutes, in nano-USD. */
  spentNanoUsd: number;
  heldNanoUsd: number;
}

/** Returns when the second minute has admitted all that it may. @param nowMs the server's clock, as it is now. */
export async function crossMinute(options: NodeMeterOptions, nowMs: number): Promise<Crossing> {
  const budgets = [
    { window: "minute" as const, usd: (HOLDS_A_MINUTE * HOLD_NANO_USD) / 1e9 },
    { window: "total" as const, usd: 1_000 },
  ];
  const meters = Array.from(
    { length: METERS },
    () => new UsageMeter({ ...options, scope: "team:search", budgets }),
  );
  const untilEndMs = MINUTE_MS - (nowMs % MINUTE_MS);
  await delay(untilEndMs > LEAD_MS ? untilEndMs - LEAD_MS : untilEndMs + MINUTE_MS - LEAD_MS);

  const holds: Hold[] = [];
  const callers = meters.flatMap((meter) => Array.from({ length: CALLERS_PER_METER }, () => meter));
  await Promise.all(callers.map((meter) => callUntilSecondMinuteIsUsedUp(meter, holds)));
  const usage = await meters[0]?.getUsage();
  await Promise.all(meters.map((meter) => meter.close()));

  const ends = [...new Set(holds.map(endOf))].sort();
  const total = usage?.budgets.find(({ window }) => window === "total");
  return {
    admitted: ends.map((end) => holds.filter((hold) => endOf(hold) === end).length),
    mostNanoUsd: Math.max(...holds.map(standingOf)),
    spentNanoUsd: Math.round((total?.spent ?? 0) * 1e9),
    heldNanoUsd: Math.round((total?.held ?? 0) * 1e9),
  };
}

async function callUntilSecondMinuteIsUsedUp(meter: UsageMeter, holds: Hold[]): Promise<void> {
  const late: Hold[] = [];
  const settle = (hold: Hold) => hold.settle({ costUsd: HOLD_NANO_USD / 1e9 });
  for (;;) {
    try {
      const hold = await meter.reserve({ estimatedCostUsd: HOLD_NANO_USD / 1e9 });
      holds.push(hold);
      if (holds.length % LATE_SETTLES === 0) late.push(hold);
      else await settle(hold);
    } catch (error) {
      const denial = BudgetExceededError.from(error);
      if (denial === undefined) throw error;
      const isSecond = denial.denials.some(({ resetsAt }) => (resetsAt?.getTime() ?? 0) > firstEndOf(holds));
      if (isSecond) break;
      await delay(2);
    }
  }
  await Promise.all(late.map(settle));
}

const minuteOf = ({ usage }: Hold) => usage.budgets.find(({ window }) => window === "minute");
const endOf = (hold: Hold): number => minuteOf(hold)?.resetsAt?.getTime() ?? 0;
const firstEndOf = (holds: Hold[]): number => Math.min(...holds.map(endOf));

function standingOf(hold: Hold): number {
  const { spent = 0, held = 0 } = minuteOf(hold) ?? {};
  return Math.round((spent + held) * 1e9);
}
