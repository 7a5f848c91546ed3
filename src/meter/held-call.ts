/** One hold from its reserve on: settles and releases it, one at a time, and makes good what a store has lost of it. */
import { UnknownHoldError } from "../errors.ts";
import type { UsageStats } from "../ledger/budgets.ts";
import { formatUsd, usdFromNano } from "../ledger/money.ts";
import { randomId } from "../ledger/operation-id.ts";
import { usageStats } from "../ledger/stats.ts";
import type {
  Amounts,
  CloseAnswer,
  RecordAnswer,
  RecordOperation,
  SettleOperation,
} from "../ledger/store.ts";
import type { Receipt } from "../metering/calls.ts";
import { markedThresholds, tellCrossings } from "./alerts.ts";
import { type Actual, bookedFields } from "./amounts.ts";
import { bookedAnswer, emitFailure, type KnownAnswer, settledReceipt } from "./closing.ts";
import type { MeterContext } from "./context.ts";
import { CORRECTABLE_SECONDS, holdRetentionSeconds, operation, REPLAYABLE_SECONDS } from "./operations.ts";

/** What the store answered to the reserve. */
export interface HeldAmounts {
  id: string;
  /** The user gave the id. */
  given: boolean;
  held: Amounts;
  /** Of the reserve: a delayed one must find a booking that the store had lost. */
  reserveHash: string;
  expiresAtMs: number;
  replayed: boolean;
  usage: UsageStats;
}

/**
 * A hold as this process knows it. Emits only what nobody else can know: that the store had lost it. All methods throw
 * AlreadySettledError with the first receipt, UnknownHoldError, IdConflictError, StoreUnavailableError; never a denial.
 */
export class HeldCall {
  readonly hold: HeldAmounts;
  /** A release was asked for, whatever came of it. */
  releaseRequested = false;
  /** The store has confirmed a settle or a release of this object. */
  isClosed = false;
  readonly #context: MeterContext;
  #queue: Promise<unknown> = Promise.resolve();
  /** What the ledger counts of this call, as far as this object knows. */
  #counted: Amounts;
  /** A settle or release was sent that lets the store forget the id soon. */
  #closeSent = false;
  /** Sent without an answer: must be known before another excess is. */
  #pendingExcess: RecordOperation | undefined;

  constructor(context: MeterContext, hold: HeldAmounts) {
    this.#context = context;
    this.hold = hold;
    this.#counted = hold.held;
  }

  /** Settles at what the provider reported. */
  settleReported(actual: Actual): Promise<Receipt> {
    return this.#inTurn(() => this.#settle("reported", actual));
  }

  /** Settles at `actual`, or at the whole hold, because nobody said what the call used. */
  settleEstimated(actual?: Actual): Promise<Receipt> {
    return this.#inTurn(() => this.#settle("estimated", actual));
  }

  release(): Promise<void> {
    this.releaseRequested = true;
    return this.#inTurn(() => this.#release());
  }

  /** Resolves when all that was asked of this hold so far has ended. */
  async idle(): Promise<void> {
    await this.#queue;
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(run);
    this.#queue = result.catch(() => {});
    return this.#context.work.track(result);
  }

  async #settle(source: "reported" | "estimated", actual: Actual | undefined): Promise<Receipt> {
    const context = this.#context;
    const wasCloseSent = this.#closeSent;
    const settle = this.#settleOperation(source, actual);
    if (source === "reported") this.#closeSent = true;
    const answer = await this.#sendSettle(settle);
    if (answer.outcome !== "unknown") return this.#closed(answer);

    const graceSeconds = wasCloseSent ? REPLAYABLE_SECONDS : CORRECTABLE_SECONDS;
    const isDue = answer.nowMs < this.hold.expiresAtMs + graceSeconds * 1000;
    const full = actual === undefined ? this.hold.held : this.#bookedFields(actual).actual;
    if (!isDue) return this.#recordExcess(full, source, actual);
    const bookIfUnknown = { reserveHash: this.hold.reserveHash };
    const booked = await this.#sendSettle({ ...settle, actual: full, bookIfUnknown });
    if (booked.outcome === "unknown") throw this.#unknown();
    if (booked.outcome === "booked" && booked.unknownToStore === true) {
      const text = `The store had lost the hold ${this.hold.id}; its ${formatUsd(full.nanoUsd)} are booked in full under its own id.`;
      emitFailure(context, this.hold.id, new UnknownHoldError(text));
    }
    return this.#closed(booked);
  }

  async #closed(answer: KnownAnswer): Promise<Receipt> {
    if (answer.outcome !== "conflict") {
      this.#counted = answer.booking.actual;
      this.isClosed = true;
    }
    return settledReceipt(this.#context, this.hold.id, answer);
  }

  async #release(): Promise<void> {
    const { id, given } = this.hold;
    const answer = await this.#context.store.release(
      operation(
        this.#context,
        id,
        "release",
        [],
        holdRetentionSeconds(this.#context, given, REPLAYABLE_SECONDS),
      ),
    );
    if (answer.outcome === "unknown") {
      const isLost = answer.nowMs < this.hold.expiresAtMs + CORRECTABLE_SECONDS * 1000 && !this.#closeSent;
      if (!isLost) throw this.#unknown();
      this.isClosed = true;
      const text = `The store had lost the hold ${id}: there was nothing to give back.`;
      emitFailure(this.#context, id, new UnknownHoldError(text));
      return;
    }
    this.#closeSent = true;
    this.#counted = bookedAnswer(id, answer).booking.actual;
    this.isClosed = true;
  }

  /** After the time in which the store must know the id, it is counted already: only what exceeds that is recorded. */
  async #recordExcess(
    actual: Amounts,
    source: "reported" | "estimated",
    usage: Actual | undefined,
  ): Promise<Receipt> {
    const context = this.#context;
    if (this.#pendingExcess !== undefined) await this.#sendExcess(this.#pendingExcess);
    const excess = excessOf(actual, this.#counted);
    const text = `The id ${this.hold.id} is too old for the store to know; ${formatUsd(excess.nanoUsd)} more than was counted are recorded.`;
    emitFailure(context, this.hold.id, new UnknownHoldError(text));
    const answer = await this.#sendExcess({
      ...operation(context, randomId(), "record", ["excess"], CORRECTABLE_SECONDS),
      ...(usage === undefined ? {} : this.#bookedFields(usage)),
      actual: excess,
      alertThresholds: markedThresholds(context),
    });
    this.isClosed = true;
    return {
      id: this.hold.id,
      costUsd: usdFromNano(this.#counted.nanoUsd),
      costNanoUsd: this.#counted.nanoUsd,
      source,
      replayed: false,
      overrun: answer.booking.overrun,
      usage: usageStats(answer),
    };
  }

  async #sendSettle(settle: SettleOperation): Promise<CloseAnswer> {
    try {
      return await this.#context.store.settle(settle);
    } catch (error) {
      // It may have been applied: from now on at least this much may be counted.
      if (settle.actual !== undefined) this.#counted = largerOf(this.#counted, settle.actual);
      throw error;
    }
  }

  async #sendExcess(excess: RecordOperation): Promise<Extract<RecordAnswer, { outcome: "booked" }>> {
    this.#pendingExcess = excess;
    const answer = await this.#context.store.record(excess);
    this.#pendingExcess = undefined;
    if (answer.outcome === "conflict") throw this.#unknown();
    this.#counted = sumOf(this.#counted, excess.actual);
    await tellCrossings(this.#context, answer, usageStats(answer));
    return answer;
  }

  #settleOperation(source: "reported" | "estimated", actual: Actual | undefined): SettleOperation {
    const { id, given } = this.hold;
    const remembered = source === "reported" ? REPLAYABLE_SECONDS : CORRECTABLE_SECONDS;
    const retentionSeconds = holdRetentionSeconds(this.#context, given, remembered);
    return {
      ...operation(this.#context, id, `settle ${source}`, actual?.given ?? ["held"], retentionSeconds),
      source,
      ...(actual === undefined ? {} : this.#bookedFields(actual)),
      alertThresholds: markedThresholds(this.#context),
    };
  }

  /** A usage says nothing of requests: those that were held were made. */
  #bookedFields(actual: Actual) {
    const fields = bookedFields(actual);
    return { ...fields, actual: { ...fields.actual, requests: this.hold.held.requests } };
  }

  #unknown(): UnknownHoldError {
    return new UnknownHoldError(unknownHoldMessage(this.hold.id));
  }
}

/** Why nothing was booked, and what is left to do. */
export function unknownHoldMessage(id: string): string {
  return `The store knows no hold ${id} (any more); nothing was booked. A hold that expired or was closed is counted already: only what it cost beyond that may be recorded with record().`;
}

function excessOf(actual: Amounts, counted: Amounts): Amounts {
  return {
    nanoUsd: Math.max(0, actual.nanoUsd - counted.nanoUsd),
    tokens: Math.max(0, actual.tokens - counted.tokens),
    requests: Math.max(0, actual.requests - counted.requests),
  };
}

function largerOf(a: Amounts, b: Amounts): Amounts {
  return sumOf(a, excessOf(b, a));
}

function sumOf(a: Amounts, b: Amounts): Amounts {
  return { nanoUsd: a.nanoUsd + b.nanoUsd, tokens: a.tokens + b.tokens, requests: a.requests + b.requests };
}
