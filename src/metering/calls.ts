/** A guarded call as an interface: what `metering` needs of a meter, and what the meter gives its users. */
import type { AgentLimitError } from "../errors.ts";
import type { UsageStats } from "../ledger/budgets.ts";
import type { PricedUsage, Tokens, Usage } from "../pricing/usage.ts";

export type { PricedUsage } from "../pricing/usage.ts";

/** Options of one guarded call. */
export interface CallOptions {
  /** One attempt at one provider call, never a message's id. Left out: a random one. */
  id?: string;
  /** When the hold becomes spend if nobody settled it: 1 s to 26 h, 600 by default. */
  expiresInSeconds?: number;
}

/** Amounts set aside for one attempt at one provider call. */
export interface Hold {
  readonly id: string;
  /** The end of the expiry minute: from then on the hold counts as spend. */
  readonly expiresAt: Date;
  /** True when an earlier reserve with the same id made this hold. */
  readonly replayed: boolean;
  readonly usage: UsageStats;
  /** Replaces the hold by what was really used. Never throws a denial. */
  settle(actual: Usage | Tokens): Promise<Receipt>;
  /** Gives the hold back: only when the call provably was not made or not billed. */
  release(): Promise<void>;
}

/** What was booked. */
export interface Receipt {
  id: string;
  costUsd: number;
  costNanoUsd: number;
  source: "reported" | "estimated";
  replayed: boolean;
  /** Settled spend alone is now above a hard limit. */
  overrun: boolean;
  usage: UsageStats;
}

/** What happened to one call, for logs, traces and metrics. */
export interface MeterEvent {
  type: "denied" | "settled" | "clamped" | "failed";
  scope: string;
  id: string;
  provider?: string;
  model?: string;
  error?: AgentLimitError;
  receipt?: Receipt;
  /** What was used; of a `clamped` call `outputTokens` is the limit that was written, for each choice. */
  tokens?: Tokens;
  durationMs?: number;
}

/** A hold as the metered fetch uses it. None of its methods emits: the metered fetch tells of its own calls. */
export interface CallHold {
  readonly id: string;
  /** Settles at what the provider reported. `nanoUsd` and `tokens` are already priced. */
  settleReported(actual: PricedUsage): Promise<Receipt>;
  /** Settles at `actual`, or at the whole hold: the money is most likely spent, nobody said how much. */
  settleEstimated(actual?: PricedUsage): Promise<Receipt>;
  release(): Promise<void>;
}

/** The most that a call can use, priced. Null tokens: an estimate in dollars alone, which says nothing of them. */
export type HeldBound = Omit<PricedUsage, "tokens"> & { tokens: number | null };

/** What the metered fetch needs of a meter. */
export interface CallMeter {
  /**
   * Holds the bound of a call under the id of this attempt, a random one. Throws what a denied or failed reserve
   * throws, and emits nothing: the metered fetch emits `denied`, `settled` and `failed` for its calls.
   *
   * @param options.waitMs in place of the meter's own: how long holds in flight may stand in the way.
   */
  hold(bound: HeldBound, id: string, options?: { waitMs: number }): Promise<CallHold>;
  /** Keeps a settle alive after the response was handed out. */
  background(work: Promise<unknown>): void;
  /** Whether a hold of this meter counts in every scope of the other: both in one ledger, the other's chain in this one. */
  covers(other: CallMeter): boolean;
  emit(event: Omit<MeterEvent, "scope">): void;
}
