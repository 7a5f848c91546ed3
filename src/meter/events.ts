/** Events for logs, traces and metrics: told to the user's callback, whose failures change nothing. */
import type { MeterEvent } from "../metering/calls.ts";

/** An emitter of one scope's events. What `onEvent` throws, or rejects with, is swallowed. */
export function eventEmitter(
  scope: string,
  onEvent: ((event: MeterEvent) => unknown) | undefined,
): (event: Omit<MeterEvent, "scope">) => void {
  if (onEvent === undefined) return () => {};
  return (event) => {
    try {
      Promise.resolve(onEvent({ scope, ...event })).catch(() => {});
    } catch {
      // An observer must not change what it observes.
    }
  };
}
