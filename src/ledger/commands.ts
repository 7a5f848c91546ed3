/** Commands and replies between a store's client side and whatever executes them: the rules in TypeScript, or their twin in Lua. */
import type { Amounts, RequestedAmounts } from "./store.ts";

/** One scope of a command's chain. Lists and bounds are texts of `account.ts`. */
export interface ScopeArguments {
  scope: string;
  /** The windows and limits that the caller declares; undefined: the recorded ones judge. */
  list: string | undefined;
  /** Bounds of further windows, as a list without limits; undefined: none. */
  bounds: string | undefined;
  /** A new account goes after so many idle seconds and is not in the index; undefined: it stays for good. */
  idleSeconds: number | undefined;
}

interface CommandBase {
  scopes: ScopeArguments[];
  id: string;
  argumentsHash: string;
  /** How long the id is kept, in ms: after the hold's expiry, or after the operation. */
  retentionMs: number;
  /** Whether the index of scopes may be read and written: needed once, for a new account. */
  withIndex: boolean;
}

export interface ReserveCommand extends CommandBase {
  kind: "reserve";
  attempt: string;
  requested: RequestedAmounts;
  /** Refuse where no hard limit is in force anywhere in the chain. */
  requiresLimit: boolean;
  expiresInMicros: number;
}

/** Settles at `actual`, at the held amounts (undefined), or gives the hold back (`release`). */
export interface CloseCommand extends CommandBase {
  kind: "settle" | "release";
  source: "r" | "e" | "-";
  actual: Amounts | undefined;
  row: string;
  kinds: number[];
  thresholdMillionths: number[];
  /** Of a release after a lost answer: the attempt that alone may be freed. */
  attempt: string | undefined;
  /** The caller's estimate of the server's clock: for the time to live of the id, nothing else. */
  nowMs: number;
}

export interface RecordCommand extends CommandBase {
  kind: "record";
  /** Books under the id of a hold that the store has lost: the id then reads as that hold, closed. */
  asHold: boolean;
  source: "r" | "e";
  actual: Amounts;
  closeHash: string;
  row: string;
  kinds: number[];
  thresholdMillionths: number[];
}

export interface AdministerCommand extends CommandBase {
  kind: "administer";
  action: "reset" | "pause" | "resume" | "limits" | "unmark";
  /** The reason of a pause, a list of limits, or a crossing. */
  detail: string;
}

/** Whole hours since 1970, both included. */
export interface HoursRead {
  firstHour: number;
  lastHour: number;
}

export interface ReadCommand {
  kind: "read";
  scopes: Pick<ScopeArguments, "scope" | "idleSeconds">[];
  /** Of a chain of one scope: the history of these hours is read, too. */
  history: HoursRead | undefined;
  withIndex: boolean;
}

export type LedgerCommand = ReserveCommand | CloseCommand | RecordCommand | AdministerCommand | ReadCommand;

/**
 * What came of a command.
 *
 * | code | meaning | details |
 * | --- | --- | --- |
 * | `OK` | applied | reserve: start, expiry minute; close, record: the closing (record.ts); read: fields of history and their texts |
 * | `REPLAY` | applied before, with the same arguments | the same |
 * | `DENIED` | a limit would be passed; accounts as they would be judged | |
 * | `PAUSED` | a scope is paused | its place in the chain |
 * | `UNLIMITED` | a limit is required, and none is in force | |
 * | `CLOSED`, `DONE` | closed before | the closing |
 * | `EXPIRED` | the hold has expired | start, expiry minute, held amounts |
 * | `CONFLICT` | the id belongs to another operation, chain or amounts | |
 * | `GONE` | its attempt was given up before it arrived | |
 * | `UNKNOWN` | no such id | |
 * | `INIT` | an account is new: repeat with the index | |
 * | `LOST` | an account of the index has vanished | its place |
 * | `TIME` | the clock is outside a window that was sent | |
 * | `WINDOWS` | a window has ended whose new bounds were not sent | |
 * | `MALFORMED` | a field is not of this layout; nothing written | key, field |
 * | `TOO_NEW` | a newer layout | key |
 * | `FULL` | a counter would pass 9e15 | place |
 * | `CLOCK` | the server refuses TIME in scripts: repeat with a clock | |
 */
export type ReplyCode =
  | "OK"
  | "REPLAY"
  | "DENIED"
  | "PAUSED"
  | "UNLIMITED"
  | "CLOSED"
  | "DONE"
  | "EXPIRED"
  | "CONFLICT"
  | "GONE"
  | "UNKNOWN"
  | "INIT"
  | "LOST"
  | "TIME"
  | "WINDOWS"
  | "MALFORMED"
  | "TOO_NEW"
  | "FULL"
  | "CLOCK";

/** The fields `w`, `o`, `c`, `s`, `pr` of a scope; undefined where absent. A reader adds due wheel minutes. */
export interface RawAccount {
  w: string | undefined;
  o: string | undefined;
  c: string | undefined;
  s: string | undefined;
  pauseReason: string | undefined;
  /** Wheel minutes that are due and not swept, from `read` alone: minute and segments. */
  due: [minute: number, segments: string][];
}

export const ABSENT_ACCOUNT: RawAccount = {
  w: undefined,
  o: undefined,
  c: undefined,
  s: undefined,
  pauseReason: undefined,
  due: [],
};

export interface LedgerReply {
  code: ReplyCode;
  /** The clock that decided, in microseconds. */
  atMicros: number;
  details: string[];
  accounts: RawAccount[];
}
