/** One clock for all processes, faster than the machine's: a minute of the ledger passes in a second. */

export interface ClockSettings {
  /** When the run began, by the machine's clock. */
  startedAtMs: number;
}

const SPEED = 60;
/** Four minutes before a minute, an hour, a day, a week and a month end together. */
const START_MS = Date.UTC(2026, 4, 31, 23, 56);

/** Milliseconds since 1970 as the ledger is told them. */
export function ledgerClock({ startedAtMs }: ClockSettings): () => number {
  return () => START_MS + (Date.now() - startedAtMs) * SPEED;
}

/** Microseconds of a clock that never steps back and is the same in all processes of a machine. */
export function steadyMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
