/** Holds as users get them: reserved, told of in events, settled by any form of usage. */
import { BudgetExceededError } from "../errors.ts";
import type { CallOptions, Hold, Receipt } from "../metering/calls.ts";
import type { Tokens, Usage } from "../pricing/usage.ts";
import { type Actual, type CallRequest, usedAmounts } from "./amounts.ts";
import { emitFailure, emitSettled, usageDetails } from "./closing.ts";
import type { MeterContext } from "./context.ts";
import type { HeldCall } from "./held-call.ts";
import { operationId } from "./operations.ts";
import { reserve } from "./reserve.ts";

/** Reserves, and settles with events. */
export class MeteredHold {
  readonly held: HeldCall;
  readonly request: CallRequest;
  readonly #context: MeterContext;
  readonly #madeAtMs = Date.now();

  constructor(context: MeterContext, held: HeldCall, request: CallRequest) {
    this.#context = context;
    this.held = held;
    this.request = request;
  }

  /** Settles at `actual` as reported; left out: at the whole hold as estimated. */
  async settle(actual: Actual | undefined): Promise<Receipt> {
    const { id } = this.held.hold;
    const details = () => ({
      ...usageDetails({ ...this.request, ...actual?.priced }),
      durationMs: Date.now() - this.#madeAtMs,
    });
    try {
      const receipt = await (actual === undefined
        ? this.held.settleEstimated()
        : this.held.settleReported(actual));
      emitSettled(this.#context, receipt, { ...details(), doubt: actual?.priced.doubt });
      return receipt;
    } catch (error) {
      emitFailure(this.#context, id, error, details());
      throw error;
    }
  }

  /** The hold that users see; its methods need no `this`. */
  forUser(): Hold {
    const { id, expiresAtMs, replayed, usage } = this.held.hold;
    return {
      id,
      expiresAt: new Date(expiresAtMs),
      replayed,
      usage,
      settle: async (actual: Usage | Tokens) =>
        this.settle(usedAmounts(this.#context.prices, actual, { called: this.request })),
      release: () => this.held.release(),
    };
  }
}

/** @throws what `reserve` throws, after the event that tells of it. */
export async function openHold(
  context: MeterContext,
  request: CallRequest,
  options: CallOptions,
): Promise<MeteredHold> {
  const id = operationId(options.id);
  try {
    const held = await reserve(context, request, { id, expiresInSeconds: options.expiresInSeconds });
    return new MeteredHold(context, held, request);
  } catch (error) {
    const details = usageDetails(request);
    if (error instanceof BudgetExceededError) context.emit({ type: "denied", id: id.id, error, ...details });
    else emitFailure(context, id.id, error, details);
    throw error;
  }
}
