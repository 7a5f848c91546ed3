/** The callers' clock, which moves with the calls, so that windows roll and holds expire within minutes of a run. */
import type { Random } from "./random.ts";

export interface SoakClock {
  nowMs(): number;
  /** Moves on by what one reserve takes. */
  tick(): void;
  /** Hours in which nobody calls, and sometimes a step back, as after a failover to a slower clock. */
  jump(): void;
  advance(milliseconds: number): void;
}

/** A run begins at a minute of this year that its seed draws: the same seed meets the same ends of windows at any hour of the day. */
const YEAR_START_MS = Date.UTC(2026, 0, 1);
const YEAR_MINUTES = 365 * 24 * 60;
const MEAN_STEP_MS = 20;
const LONGEST_STEP_BACK_MS = 100_000;
const MINUTE_MS = 60_000;

export function soakClock(random: Random): SoakClock {
  let nowMs = YEAR_START_MS + random.whole(0, YEAR_MINUTES - 1) * MINUTE_MS;
  return {
    nowMs: () => nowMs,
    tick: () => {
      nowMs += random.whole(0, 2 * MEAN_STEP_MS);
    },
    jump: () => {
      if (random.share() < 0.5) nowMs += random.whole(1, 600) * MINUTE_MS;
      else nowMs -= random.whole(1, LONGEST_STEP_BACK_MS);
    },
    advance: (milliseconds) => {
      nowMs += milliseconds;
    },
  };
}
