/** A fetch that knows its meter, so that none is metered twice. */
import type { CallMeter } from "./calls.ts";
import type { MeteredFetchOptions } from "./options.ts";

// Registered, so that two copies of the package see each other's.
const METER = Symbol.for("agentlimit.meter");

/** A `fetch` whose billed calls are held and settled by a meter. */
export type MeteredFetch = typeof globalThis.fetch & { readonly [METER]: CallMeter };

const optionsByFetch = new WeakMap<object, MeteredFetchOptions>();

export function withMeter(fetch: typeof globalThis.fetch, options: MeteredFetchOptions): MeteredFetch {
  optionsByFetch.set(fetch, options);
  return Object.assign(fetch, { [METER]: options.meter } as const);
}

/** The meter under a fetch, to be compared; undefined where there is none. */
export function meterOf(fetch: object): unknown {
  return METER in fetch ? fetch[METER] : undefined;
}

/** What a fetch of this copy of the package was made of; undefined for every other. */
export function meteringOf(fetch: object): MeteredFetchOptions | undefined {
  return optionsByFetch.get(fetch);
}
