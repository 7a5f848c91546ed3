/** The most that a call can cost, of the two steps that a metered fetch takes. */
import { type PricedCall, priceBound, type SizedCall, tokenBoundOf } from "../../src/metering/bound.ts";
import type { PricedUsage } from "../../src/pricing/usage.ts";

export function boundOf(call: SizedCall & PricedCall): PricedUsage {
  return priceBound(call, tokenBoundOf(call));
}
