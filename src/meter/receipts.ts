/** Bookings to receipts. */
import type { UsageStats } from "../ledger/budgets.ts";
import { formatUsd, usdFromNano } from "../ledger/money.ts";
import type { Booking } from "../ledger/store.ts";
import type { Receipt } from "../metering/calls.ts";

/** @returns undefined for a release: nothing was booked. */
export function receiptOf(
  id: string,
  answer: { booking: Booking; replayed: boolean },
  usage: UsageStats,
): Receipt | undefined {
  const { actual, source, overrun } = answer.booking;
  if (source === "released") return undefined;
  return {
    id,
    costUsd: usdFromNano(actual.nanoUsd),
    costNanoUsd: actual.nanoUsd,
    source,
    replayed: answer.replayed,
    overrun,
    usage,
  };
}

/** `was settled at $0.12 (reported)`, `was released`. */
export function bookingText({ actual, source }: Booking): string {
  return source === "released" ? "was released" : `was settled at ${formatUsd(actual.nanoUsd)} (${source})`;
}
