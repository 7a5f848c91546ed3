/** The meter as the metered fetch sees it: a hold for each attempt, already priced. */
import type { CallHold, CallMeter, PricedUsage } from "../metering/calls.ts";
import { boundRequest, pricedActual } from "./amounts.ts";
import type { MeterContext } from "./context.ts";
import { reserve } from "./reserve.ts";

/** One a meter: metered fetches are told apart by it. */
export function callMeter(context: MeterContext): CallMeter {
  return {
    async hold(bound, id): Promise<CallHold> {
      const held = await reserve(context, boundRequest(bound), { id: { id, given: false } });
      return {
        id,
        settleReported: (actual: PricedUsage) => held.settleReported(pricedActual(actual)),
        settleEstimated: (actual?: PricedUsage) =>
          held.settleEstimated(actual === undefined ? undefined : pricedActual(actual)),
        release: () => held.release(),
      };
    },
    background: (work) => context.work.keepAlive(work),
    emit: (event) => context.emit(event),
  };
}
