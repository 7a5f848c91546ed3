/** Which limits an account has passed, and which thresholds it has reached. */
import { type AccountWindow, addAmounts, hasEnded } from "../account.ts";
import { fieldOf, limitsInForce, METRICS } from "../limits.ts";
import { MAX_AMOUNT } from "../money.ts";
import type { Amounts, LimitInForce, RequestedAmounts } from "../store.ts";
import type { OpenAccount } from "./state.ts";

/** Whether a hard limit of the account refuses the request. A null asks for at least one unit. */
export function refuses(open: OpenAccount, requested: RequestedAmounts): boolean {
  return open.account.windows.some((window) =>
    hardLimits(window).some((limit) => {
      const field = fieldOf(limit.metric);
      return window.committed[field] + (requested[field] ?? 1) > limit.limit;
    }),
  );
}

/** Whether any hard limit of the account is in force. */
export function isLimited(open: OpenAccount): boolean {
  return open.account.windows.some((window) => hardLimits(window).length > 0);
}

/** Whether settled spend alone is above a hard limit of a window that counts what began at `startMicros`. */
export function isOverrun(open: OpenAccount, startMicros: number): boolean {
  return open.account.windows.some(
    (window) =>
      startMicros >= window.baseMicros &&
      hardLimits(window).some((limit) => window.settled[fieldOf(limit.metric)] > limit.limit),
  );
}

/** Whether a counter would pass what doubles hold exactly. */
export function isFull(open: OpenAccount, added: Amounts): boolean {
  return open.account.windows.some((window) => {
    const sum = addAmounts(window.committed, added);
    return METRICS.some(({ field }) => sum[field] > MAX_AMOUNT);
  });
}

/** When a call began, and when it is booked. */
export interface BookedCall {
  startMicros: number;
  atMicros: number;
}

/**
 * Marks the thresholds that settled spend has reached in open windows and that have not fired, as text:
 * `place:window:letter:millionths:base` each, parted by commas, `-` for none. The letter is `u`, `t` or `r`, capital for a
 * soft budget.
 */
export function crossingsOf(accounts: OpenAccount[], call: BookedCall, thresholds: number[]): string {
  const crossings = accounts.flatMap((open) => markCrossings(open, call, thresholds));
  return crossings.length === 0 ? "-" : crossings.join(",");
}

function markCrossings(
  open: OpenAccount,
  { startMicros, atMicros }: BookedCall,
  thresholds: number[],
): string[] {
  const crossings: string[] = [];
  const counting = ({ baseMicros }: AccountWindow) => startMicros >= baseMicros;
  for (const window of open.account.windows.filter(counting)) {
    if (hasEnded(window, atMicros)) continue;
    for (const limit of limitsInForce(window.stored, window)) {
      for (const millionths of thresholds) {
        const mark = `${letterOf(limit)}${millionths}`;
        const isReached = window.settled[fieldOf(limit.metric)] * 1e6 >= limit.limit * millionths;
        if (!isReached || window.fired.includes(mark)) continue;
        window.fired.push(mark);
        crossings.push(`${open.place}:${window.name}:${letterOf(limit)}:${millionths}:${window.baseMicros}`);
      }
    }
  }
  return crossings;
}

function hardLimits(window: AccountWindow): LimitInForce[] {
  return limitsInForce(window.stored, window).filter((limit) => !limit.soft);
}

function letterOf(limit: LimitInForce): string {
  const letter = limit.metric.charAt(0);
  return limit.soft ? letter.toUpperCase() : letter;
}
