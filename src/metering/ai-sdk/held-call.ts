/** Holds the bound of one call to a model before it is sent, and settles it afterwards. */
import { AgentLimitError, BudgetExceededError } from "../../errors.ts";
import { randomId } from "../../ledger/operation-id.ts";
import { holdOrClamp } from "../clamp.ts";
import { forgetHeld, markHeld, replaceHeld } from "../held-signals.ts";
import { linkedAbort } from "../linked-abort.ts";
import type { MeteredFetchOptions } from "../options.ts";
import { settleCall } from "../settle.ts";
import type { Verdict } from "../watch.ts";
import type { AnsweredCall } from "./answer.ts";
import type { LanguageModel, ModelCallOptions } from "./model.ts";
import { prepareModelCall } from "./prepare.ts";
import { pricedNames } from "./vendor.ts";

/** A call that is held, and has yet to be made. */
export interface HeldModelCall {
  /** What to call the model with: the signal in it tells a metered fetch underneath that the call is held. */
  readonly params: ModelCallOptions;
  readonly call: AnsweredCall;
  /** Cuts the provider off. */
  abort(): void;
  /** Nothing more is sent under this hold. */
  sent(): void;
  /** Lets go of the caller's signal. */
  finished(): void;
  /** Books what it cost, once. Never rejects; resolves at once where the runtime keeps the work alive. */
  settle(verdict: Verdict): Promise<void>;
}

/**
 * @throws BudgetExceededError, StoreUnavailableError, UnboundedCallError, UnknownModelError and others: nothing was sent.
 * The caller's abort reason, where it left before.
 */
export async function holdModelCall(
  model: LanguageModel,
  asked: { params: ModelCallOptions; stream: boolean },
  options: MeteredFetchOptions,
): Promise<HeldModelCall> {
  const caller = asked.params.abortSignal;
  caller?.throwIfAborted();
  const { meter } = options;
  const id = randomId();
  const startedAtMs = Date.now();
  const names = pricedNames(model);
  try {
    const { prepared, paramsOf } = prepareModelCall(asked, names, options);
    await replaceHeld(caller, meter);
    const held = await holdOrClamp(prepared, id, options);
    let booked: Promise<void> | undefined;
    const book = (verdict: Verdict) => {
      const sent = { ...held.prepared, hold: held.hold, startedAtMs };
      booked ??= settleCall(sent, names.mayBeRegional ? asRegional(verdict) : verdict, options);
      meter.background(booked);
      return booked;
    };
    const settle = (verdict: Verdict) => {
      const settled = book(verdict);
      return options.waitUntil === undefined ? settled : Promise.resolve();
    };
    if (caller?.aborted) void settle({ kind: "unbilled" });
    caller?.throwIfAborted();
    const upstream = linkedAbort(caller);
    markHeld(upstream.signal, { meter, giveBack: () => book({ kind: "unbilled" }) });
    return {
      params: { ...paramsOf(held.prepared), abortSignal: upstream.signal },
      call: { ...held.prepared.call, provider: names.provider },
      abort: upstream.abort,
      sent: () => forgetHeld(upstream.signal),
      finished: upstream.unlink,
      settle,
    };
  } catch (error) {
    if (error instanceof AgentLimitError) {
      const type = error instanceof BudgetExceededError ? "denied" : "failed";
      const { provider, model } = names;
      meter.emit({ type, id, provider, model, error });
    }
    throw error;
  }
}

/** At the dearer price: no answer says whether it came from a region. */
function asRegional(verdict: Verdict): Verdict {
  if (verdict.kind !== "reported") return verdict;
  const { usage } = verdict;
  return { ...verdict, usage: { ...usage, extras: { ...usage.extras, regional: true } } };
}
