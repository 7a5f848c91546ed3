/**
 * How a middleware tells the metered fetch under it that a call is held already: by the identity of its abort signal.
 *
 * A signal goes from a model to its fetch in this process and never over the wire: nobody outside can claim a hold, and
 * no provider sees one. A fetch that is handed another signal holds the call itself: counted twice then, never free.
 */
import type { CallMeter } from "./calls.ts";

export interface Holder {
  readonly meter: CallMeter;
  /** Gives the hold back, for a meter that holds the call in all its scopes and more. Never rejects. */
  giveBack(): Promise<void>;
}

const holders = new WeakMap<AbortSignal, Holder>();

/** Says that the next billed call with this signal is held. */
export function markHeld(signal: AbortSignal, holder: Holder): void {
  holders.set(signal, holder);
}

/** Takes the word back: the call was made, or never will be. */
export function forgetHeld(signal: AbortSignal): void {
  holders.delete(signal);
}

/** Whether a call with this signal is held in every scope of `meter`. */
export function isHeld(signal: AbortSignal | undefined, meter: CallMeter): boolean {
  const holder = signal && holders.get(signal)?.meter;
  return holder !== undefined && (holder === meter || holder.covers(meter));
}

/** Has the hold of a call with this signal given back where `meter` is about to hold it in those scopes and more. */
export async function replaceHeld(signal: AbortSignal | undefined, meter: CallMeter): Promise<void> {
  const holder = signal && holders.get(signal);
  if (signal === undefined || holder === undefined || !meter.covers(holder.meter)) return;
  holders.delete(signal);
  await holder.giveBack();
}

/** The same, once: each hold is of one call. */
export function takeHeld(signal: AbortSignal | undefined, meter: CallMeter): boolean {
  if (signal === undefined || !isHeld(signal, meter)) return false;
  holders.delete(signal);
  return true;
}
