/** The fetches of one meter: its own, and those over a client's. */
import { createMeteredFetch } from "../metering/fetch.ts";
import type { MeteredFetchFactory } from "../metering/instrument.ts";
import type { MeteredFetch } from "../metering/metered-fetch.ts";
import { callMeter } from "./call-meter.ts";
import type { MeterContext } from "./context.ts";

/** Metered fetches that share one meter. */
export interface MeteredFetches {
  /** Over the meter's own fetch; the same function at every call. */
  own(): MeteredFetch;
  /** Over another one. */
  over: MeteredFetchFactory;
}

/** Makes nothing until it is asked. */
export function meteredFetches(context: MeterContext): MeteredFetches {
  const { fetchOptions, prices, waitUntil } = context;
  const lastCalls = context.typical?.of(context.chain.map(({ scope }) => scope));
  const base = { ...fetchOptions, prices, waitUntil, lastCalls, meter: callMeter(context) };
  let own: MeteredFetch | undefined;
  return {
    own() {
      own ??= createMeteredFetch(base);
      return own;
    },
    over: (underlying) => createMeteredFetch({ ...base, fetch: underlying }),
  };
}
