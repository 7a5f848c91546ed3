/** Lowers the output limit of a call to what its budgets have left, where the call would be refused otherwise. */
import { BudgetExceededError } from "../errors.ts";
import type { Denial } from "../ledger/budgets.ts";
import { randomId } from "../ledger/operation-id.ts";
import type { CallHold, CallMeter, HeldBound } from "./calls.ts";
import type { Lowering, PreparedCall } from "./prepared-call.ts";

/** When and how far output limits are lowered. */
export interface ClampOptions {
  /** Output tokens, from 1: a limit is never lowered below, for each choice. */
  floorTokens: number;
  /**
   * The part of what is left that a lowered call may take, above 0 and at most 1: with the whole of it, the next call is
   * refused until this one has settled.
   * @default 1
   */
  maxShare?: number;
  /** `clamp`: lowers also where the answer has to be JSON, which is then likely cut short. Left out: it does not. */
  structuredOutput?: "clamp";
}

/** A call with its hold. */
export interface HeldCall {
  readonly prepared: PreparedCall;
  readonly hold: CallHold;
}

/**
 * Holds the bound of a call; where budgets of dollars or tokens refuse it, once more with a lower output limit.
 *
 * @throws what the meter's `hold` throws: of the second try, where another call took what was left in between.
 */
export async function holdOrClamp(
  prepared: PreparedCall,
  id: string,
  { meter, clamp }: { meter: CallMeter; clamp?: ClampOptions | undefined },
): Promise<HeldCall> {
  try {
    return { prepared, hold: await meter.hold(prepared.bound, id) };
  } catch (error) {
    const lowered = clamp && loweredCall(prepared.lowering, error, clamp);
    if (lowered === undefined) throw error;
    // A copy of the first try that arrives late must not meet other amounts under its own id.
    const hold = await meter.hold(lowered.prepared.bound, randomId(), { waitMs: 0 });
    const { provider, model } = prepared;
    const tokens = { outputTokens: lowered.limitTokens };
    meter.emit({ type: "clamped", id: hold.id, provider, model, tokens });
    return { prepared: lowered.prepared, hold };
  }
}

function loweredCall(
  lowering: Lowering | undefined,
  error: unknown,
  clamp: ClampOptions,
): { prepared: PreparedCall; limitTokens: number } | undefined {
  if (lowering === undefined || !(error instanceof BudgetExceededError)) return undefined;
  if (lowering.structured && clamp.structuredOutput !== "clamp") return undefined;
  const left = leftFor(error.denials, clamp.maxShare ?? 1);
  const floorTokens = Math.max(clamp.floorTokens, lowering.floorTokens);
  const limitTokens = left && highestLimit(lowering, floorTokens, (bound) => fits(bound, left));
  return limitTokens === undefined ? undefined : { prepared: lowering.at(limitTokens), limitTokens };
}

interface Left {
  readonly nanoUsd: number;
  readonly tokens: number;
}

/** Those that do not deny have room for the whole call. A request is not smaller for a shorter answer, nor is a pause. */
function leftFor(denials: readonly Denial[], share: number): Left | undefined {
  if (denials.length === 0 || denials.some(({ metric }) => metric === "requests")) return undefined;
  const least = (metric: Denial["metric"]) =>
    Math.min(...denials.filter((denial) => denial.metric === metric).map(({ remaining }) => remaining));
  return { nanoUsd: Math.round(least("usd") * 1e9) * share, tokens: least("tokens") * share };
}

function fits({ nanoUsd, tokens }: HeldBound, left: Left): boolean {
  return nanoUsd <= left.nanoUsd && (tokens ?? 0) <= left.tokens;
}

/** The highest limit from the floor to below the present one whose bound fits; bounds grow with the limit. */
function highestLimit(
  { fromTokens, boundAt }: Lowering,
  floorTokens: number,
  isEnough: (bound: HeldBound) => boolean,
): number | undefined {
  let fitting: number | undefined;
  let lowest = floorTokens;
  let highest = fromTokens - 1;
  while (lowest <= highest) {
    const middle = Math.floor((lowest + highest) / 2);
    if (isEnough(boundAt(middle))) {
      fitting = middle;
      lowest = middle + 1;
    } else {
      highest = middle - 1;
    }
  }
  return fitting;
}
