/** The store interface: what a ledger answers to each operation, whatever keeps it. */
import type { Denial, Metric } from "./budgets.ts";
import type { WindowName } from "./window-names.ts";

/** One number for each metric: nano-USD, tokens, requests; integers from 0 to 9e15. */
export interface Amounts {
  nanoUsd: number;
  tokens: number;
  requests: number;
}

/** Amounts that a call asks for. Null: not known beforehand, so nothing is held, but a used-up budget refuses. */
export interface RequestedAmounts {
  nanoUsd: number | null;
  tokens: number | null;
  requests: number;
}

/** The limits of one window in canonical form; null is no limit. */
export interface WindowLimits {
  window: WindowName;
  hard: LimitAmounts;
  soft: LimitAmounts;
}
export interface LimitAmounts {
  nanoUsd: number | null;
  tokens: number | null;
  requests: number | null;
}

/** One scope of a chain, with the limits that its caller declares. Left out: the recorded ones judge. Empty: clears them. */
export interface ChainLink {
  scope: string;
  limits?: WindowLimits[] | undefined;
  /**
   * An account that is made for this scope goes so many seconds after its last admitted reserve or record, unless it is
   * paused or has stored limits, and is listed nowhere. At least three days: longer than any hold and its correction.
   */
  forgetAfterIdleSeconds?: number | undefined;
}

/** What every operation carries. The chain is leaf first. */
export interface Operation {
  namespace: string;
  chain: ChainLink[];
  /** The operation's id; a second delivery with the same id and hash has no further effect. */
  id: string;
  /** Of the operation's arguments as the caller gave them; see {@link argumentsHash}. */
  argumentsHash: string;
  /** How long the id is remembered: of a hold after its expiry, of anything else after the operation. */
  retentionSeconds: number;
}

export interface ReserveOperation extends Operation {
  /** Random, one a call of `reserve`: all its tries carry it. */
  attempt: string;
  requested: RequestedAmounts;
  expiresInSeconds: number;
  /** Refuse a chain in which no hard limit is in force. */
  requiresLimit?: boolean | undefined;
}

/** Tokens by kind for history, in the order of {@link TOKEN_KINDS}. */
export type TokenKindCounts = number[];
export const TOKEN_KINDS = [
  "inputTokens",
  "cachedInputTokens",
  "cacheWriteTokens",
  "cacheWrite1hTokens",
  "outputTokens",
  "reasoningTokens",
  "audioInputTokens",
  "audioOutputTokens",
  "imageInputTokens",
  "imageOutputTokens",
  "audioCachedInputTokens",
] as const;

export interface SettleOperation extends Operation {
  source: "reported" | "estimated";
  /** Left out: the amounts of the hold. Its `requests` count only with `bookIfUnknown`: what a hold set aside was made. */
  actual?: Amounts | undefined;
  /** `provider/model` for history; left out: unknown. */
  model?: string | undefined;
  tokenKinds?: TokenKindCounts | undefined;
  /** Fractions of a limit that are to be marked as fired when settled spend reaches them; empty for callers without an alert callback. */
  alertThresholds: number[];
  /**
   * Where the store has lost the hold: book `actual` in full, now, under this id as that hold, closed. For the settle of
   * a `Hold` object alone. `reserveHash` is the hash of its reserve, so that a delayed reserve finds the booking.
   */
  bookIfUnknown?: { reserveHash: string } | undefined;
}

export interface ReleaseOperation extends Operation {
  /** Set by the library's own release after a lost answer: frees only what this attempt made and nobody shares, and its late reserve gets nothing. */
  attempt?: string | undefined;
}

export interface RecordOperation extends Operation {
  actual: Amounts;
  model?: string | undefined;
  tokenKinds?: TokenKindCounts | undefined;
  alertThresholds: number[];
}

/** An amount that one limit allows. */
export interface LimitInForce {
  metric: Metric;
  limit: number;
  soft: boolean;
  source: "store" | "template" | "code";
}

/** One window of a scope, as it stands by the server's clock. */
export interface WindowView {
  window: WindowName;
  startMs: number;
  /** Null for `total`. */
  endMs: number | null;
  settled: Amounts;
  held: Amounts;
  limits: LimitInForce[];
}

/** One scope as it stands. The calendar month is always among its windows. */
export interface AccountView {
  scope: string;
  /** False: nothing was ever booked here. */
  exists: boolean;
  paused: boolean;
  pauseReason?: string;
  windows: WindowView[];
}

/** A threshold that settled spend reached with this operation. */
export interface Crossing {
  scope: string;
  window: WindowName;
  metric: Metric;
  soft: boolean;
  /** A fraction, as in `alertThresholds`. */
  threshold: number;
  /** The window's base: names the period, so that a mark taken off is the right one. */
  baseMicros: number;
}

export interface Standing {
  /** The server's clock. */
  nowMs: number;
  /** Leaf first, one a scope of the chain. */
  accounts: AccountView[];
}

/** A closed operation, as it was booked. */
export interface Booking {
  actual: Amounts;
  source: "reported" | "estimated" | "released";
  overrun: boolean;
}

export type ReserveAnswer = Standing &
  (
    | { outcome: "held"; replayed: boolean; held: Amounts; startedAtMicros: number; expiresAtMs: number }
    | { outcome: "denied"; denials: Denial[] }
    | { outcome: "paused"; scope: string; reason?: string }
    | { outcome: "unlimited" }
    | { outcome: "closed"; booking: Booking }
    | { outcome: "expired"; held: Amounts }
    | { outcome: "conflict" }
    | { outcome: "gone" }
  );

export type CloseAnswer = Standing &
  (
    | {
        outcome: "booked";
        replayed: boolean;
        booking: Booking;
        crossings: Crossing[];
        unknownToStore?: boolean;
      }
    | { outcome: "done"; booking: Booking }
    | { outcome: "unknown" }
    | { outcome: "conflict" }
  );

export type RecordAnswer = Standing &
  (
    | {
        outcome: "booked";
        replayed: boolean;
        booking: Booking;
        /** The hard budgets that settled spend alone is above, as they stand now. */
        denials: Denial[];
        /** Set when a scope of the chain was paused at the first delivery. */
        pausedScope?: string;
        crossings: Crossing[];
      }
    | { outcome: "conflict" }
  );

export type CheckAnswer = Standing & { denials: Denial[]; pausedScope?: string; pauseReason?: string };

export type AdminAnswer = Standing & ({ outcome: "applied"; replayed: boolean } | { outcome: "conflict" });

/** What reads a chain needs no id. */
export interface ReadOperation {
  namespace: string;
  chain: ChainLink[];
  requested: RequestedAmounts;
}

/** What one scope has spent from `fromMs` to before `toMs`, by hours or days in UTC that this range touches. */
export interface HistoryOperation {
  namespace: string;
  scope: string;
  fromMs: number;
  toMs: number;
  by: "hour" | "day";
}

/** What one model spent in one period, by where the figures come from. */
export interface HistoryEntry {
  /** Null: unknown. */
  provider: string | null;
  /** Null: unknown, or more than one. */
  model: string | null;
  /** Set where it is the sum of many models: of a period with more than 16 those that came last, whose names are lost. */
  overflow?: true;
  /** `expired`: holds that nobody settled; their model is unknown. */
  source: "reported" | "estimated" | "expired";
  calls: number;
  nanoUsd: number;
  tokens: number;
  /** Those of `tokens` whose kind was reported. */
  tokenKinds: TokenKindCounts;
}

/** Periods without spend are left out. */
export interface HistoryPeriod {
  startMs: number;
  endMs: number;
  entries: HistoryEntry[];
}

export interface HistoryAnswer {
  nowMs: number;
  /** Oldest first. Hours are kept for 14 days, days for 400: what is older than two weeks comes as days. */
  periods: HistoryPeriod[];
}

/**
 * A ledger. Every method is one atomic step over the whole chain, all or nothing, and throws only
 * `StoreUnavailableError` (nothing is known to be applied; the same id may be sent again) or `StoreDataError`.
 */
export interface Store {
  reserve(operation: ReserveOperation): Promise<ReserveAnswer>;
  settle(operation: SettleOperation): Promise<CloseAnswer>;
  release(operation: ReleaseOperation): Promise<CloseAnswer>;
  record(operation: RecordOperation): Promise<RecordAnswer>;
  /** Decides as `reserve` would, and writes nothing. */
  check(operation: ReadOperation): Promise<CheckAnswer>;
  /** One scope's spend over time. What is due to expire is counted as expired. Writes nothing. */
  history(operation: HistoryOperation): Promise<HistoryAnswer>;
  /** The administrator's operations, down to `storeLimits`; each concerns the leaf of the chain alone. */
  reset(operation: Operation): Promise<AdminAnswer>;
  pause(operation: Operation & { reason?: string | undefined }): Promise<AdminAnswer>;
  resume(operation: Operation): Promise<AdminAnswer>;
  /** Replaces the limits that an administrator stored on the scope; they bind every caller. */
  storeLimits(operation: Operation & { limits: WindowLimits[] }): Promise<AdminAnswer>;
  /** Takes the mark off again that a crossing left on its scope, because its alert was not delivered. */
  unmark(operation: Operation & { crossing: Crossing }): Promise<void>;
  close?(): Promise<void>;
}
