/** The callers' clock, which moves with the calls, so that windows roll and holds expire within minutes of a run. */
import type { Random } from "./random.ts";

export interface SoakClock {
  nowMs(): number;
  /** Moves on by what one reserve takes; sometimes by hours, sometimes back by up to 100 s. */
  tick(): void;
  advance(milliseconds: number): void;
}

const MEAN_STEP_MS = 20;
/** Per run: hours that pass in which nobody calls, and steps back, as after a failover to a slower clock. */
const JUMPS = 20;
const STEPS_BACK = 20;
const MINUTE_MS = 60_000;

export function soakClock(random: Random, reserves: number): SoakClock {
  let nowMs = Date.now();
  return {
    nowMs: () => nowMs,
    tick: () => {
      nowMs += random.whole(0, 2 * MEAN_STEP_MS);
      if (random.share() < JUMPS / reserves) nowMs += random.whole(1, 600) * MINUTE_MS;
      if (random.share() < STEPS_BACK / reserves) nowMs -= random.whole(1, 100_000);
    },
    advance: (milliseconds) => {
      nowMs += milliseconds;
    },
  };
}
