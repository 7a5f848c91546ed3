/**
 * How a middleware tells the metered fetch under it that a call is held already: by the identity of its abort signal.
 *
 * A signal goes from a model to its fetch in this process and never over the wire: nobody outside can claim a hold, and
 * no provider sees one. A fetch that is handed another signal holds the call itself: counted twice then, never free.
 */
import type { CallMeter } from "./calls.ts";

const holders = new WeakMap<AbortSignal, CallMeter>();

/** Says that the next billed call with this signal is held by `meter`. */
export function markHeld(signal: AbortSignal, meter: CallMeter): void {
  holders.set(signal, meter);
}

/** Takes the word back: the call was made, or never will be. */
export function forgetHeld(signal: AbortSignal): void {
  holders.delete(signal);
}

/** Whether a call with this signal is held in every scope of `meter`. */
export function isHeld(signal: AbortSignal | undefined, meter: CallMeter): boolean {
  const holder = signal && holders.get(signal);
  return holder !== undefined && (holder === meter || holder.covers(meter));
}

/** The same, once: each hold is of one call. */
export function takeHeld(signal: AbortSignal | undefined, meter: CallMeter): boolean {
  if (signal === undefined || !isHeld(signal, meter)) return false;
  holders.delete(signal);
  return true;
}
