/** Holds the bound of one call to a model before it is sent, and settles it afterwards. */
import { AgentLimitError, BudgetExceededError } from "../../errors.ts";
import { randomId } from "../../ledger/operation-id.ts";
import type { UsageContext } from "../../providers/provider.ts";
import { assertBounded, boundOf } from "../bound.ts";
import type { HeldBound } from "../calls.ts";
import { forgetHeld, markHeld } from "../held-signals.ts";
import { linkedAbort } from "../linked-abort.ts";
import type { MeteredFetchOptions } from "../options.ts";
import { settleCall } from "../settle.ts";
import type { Verdict } from "../watch.ts";
import { readModelCall } from "./call.ts";
import type { LanguageModel, ModelCallOptions } from "./model.ts";
import { pricedNames } from "./vendor.ts";

/** A call that is held, and has yet to be made. */
export interface HeldModelCall {
  /** What to call the model with: the signal in it tells a metered fetch underneath that the call is held. */
  readonly params: ModelCallOptions;
  readonly read: UsageContext;
  /** Cuts the provider off. */
  abort(): void;
  /** Nothing more is sent under this hold. */
  sent(): void;
  /** Lets go of the caller's signal. */
  finished(): void;
  /** Books what it cost. Never rejects; resolves at once where the runtime keeps the work alive. */
  settle(verdict: Verdict): Promise<void>;
}

/**
 * @throws BudgetExceededError, StoreUnavailableError, UnboundedCallError, UnknownModelError and others: nothing was sent.
 * The caller's abort reason, where it left before.
 */
export async function holdModelCall(
  model: LanguageModel,
  call: { params: ModelCallOptions; stream: boolean },
  options: MeteredFetchOptions,
): Promise<HeldModelCall> {
  const { meter } = options;
  const caller = call.params.abortSignal;
  caller?.throwIfAborted();
  const id = randomId();
  const startedAtMs = Date.now();
  const names = pricedNames(model);
  try {
    const { params, read, bound } = prepare(call, names, options);
    const hold = await meter.hold(bound, id);
    const settle = (verdict: Verdict) => {
      const settled = settleCall({ hold, bound, ...names, startedAtMs }, verdict, options);
      meter.background(settled);
      return options.waitUntil === undefined ? settled : Promise.resolve();
    };
    if (caller?.aborted) void settle({ kind: "unbilled" });
    caller?.throwIfAborted();
    const upstream = linkedAbort(caller);
    markHeld(upstream.signal, meter);
    return {
      params: { ...params, abortSignal: upstream.signal },
      read,
      abort: upstream.abort,
      sent: () => forgetHeld(upstream.signal),
      finished: upstream.unlink,
      settle,
    };
  } catch (error) {
    if (error instanceof AgentLimitError) {
      const type = error instanceof BudgetExceededError ? "denied" : "failed";
      meter.emit({ type, id, ...names, error });
    }
    throw error;
  }
}

interface Prepared {
  readonly params: ModelCallOptions;
  readonly read: UsageContext;
  readonly bound: HeldBound;
}

/** Bounded as a request of the same content is, by the same rules. */
function prepare(
  { params, stream }: { params: ModelCallOptions; stream: boolean },
  names: { provider: string; model: string },
  { prices, defaultMaxOutputTokens, allowUnbounded, serviceTier }: MeteredFetchOptions,
): Prepared {
  const price = prices.find(names.provider, names.model);
  const asked = readModelCall(params, { ...names, stream });
  const limited =
    asked.call.output.limitTokens === undefined && defaultMaxOutputTokens !== undefined
      ? {
          ...params,
          maxOutputTokens: Math.min(
            defaultMaxOutputTokens,
            price.maxOutputTokens ?? Number.POSITIVE_INFINITY,
          ),
        }
      : params;
  const { call, body } = limited === params ? asked : readModelCall(limited, { ...names, stream });
  if (allowUnbounded !== true) assertBounded(call);
  const bound = boundOf({ call, body, price, serviceTier });
  return { params: limited, read: call, bound: { ...bound, ...names } };
}
