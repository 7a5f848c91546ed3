/** The meter as the metered fetch sees it: a hold for each attempt, already priced. */
import type { CallHold, CallMeter, PricedUsage } from "../metering/calls.ts";
import { boundRequest, pricedActual } from "./amounts.ts";
import type { MeterContext } from "./context.ts";
import { reserve } from "./reserve.ts";

const contexts = new WeakMap<CallMeter, MeterContext>();

/** One a meter: metered fetches are told apart by it. */
export function callMeter(context: MeterContext): CallMeter {
  const meter: CallMeter = {
    async hold(bound, id, { waitMs } = { waitMs: context.waitMs }): Promise<CallHold> {
      const held = await reserve(context, boundRequest(bound), { id: { id, given: false }, waitMs });
      return {
        id,
        settleReported: (actual: PricedUsage) => held.settleReported(pricedActual(actual)),
        settleEstimated: (actual?: PricedUsage) =>
          held.settleEstimated(actual === undefined ? undefined : pricedActual(actual)),
        release: () => held.release(),
      };
    },
    background: (work) => context.work.keepAlive(work),
    covers: (other) => countsIn(context, contexts.get(other)),
    emit: (event) => context.emit(event),
  };
  contexts.set(meter, context);
  return meter;
}

/** Whether what counts in one meter counts in every scope of the other. */
function countsIn(one: MeterContext, other: MeterContext | undefined): boolean {
  if (other === undefined || one.store !== other.store || one.namespace !== other.namespace) return false;
  const scopes = new Set(one.chain.map(({ scope }) => scope));
  return other.chain.every(({ scope }) => scopes.has(scope));
}
