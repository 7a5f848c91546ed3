/** A fetch that knows its meter, so that none is metered twice. */
import type { CallMeter } from "./calls.ts";

// Registered, so that two copies of the package see each other's.
const METER = Symbol.for("agentlimit.meter");

/** A `fetch` whose billed calls are held and settled by a meter. */
export type MeteredFetch = typeof globalThis.fetch & { readonly [METER]: CallMeter };

export function withMeter(fetch: typeof globalThis.fetch, meter: CallMeter): MeteredFetch {
  return Object.assign(fetch, { [METER]: meter } as const);
}

/** The meter under a fetch, to be compared; undefined where there is none. */
export function meterOf(fetch: object): unknown {
  return METER in fetch ? fetch[METER] : undefined;
}
