/** What the rules read, and the writes that they ask for. The rules themselves touch nothing. */
import { StoreDataError } from "../../errors.ts";
import {
  type Account,
  type AccountFields,
  formatAccount,
  malformedMessage,
  PAUSED,
  parseAccount,
} from "../account.ts";
import { ABSENT_ACCOUNT, type LedgerReply, type RawAccount, type ReplyCode } from "../commands.ts";
import { formatHistory, type HistoryRow, parseHistory } from "../history.ts";
import { formatRecord, type OperationRecord, parseRecord } from "../operation-record.ts";
import { formatSegments, parseSegments, type Segment, wheelField } from "../wheel.ts";

/** The stored state of one namespace, read only. */
export interface LedgerState {
  account(scope: string): AccountFields | undefined;
  operation(id: string): string | undefined;
  /** Whether the index lists the scope. */
  isIndexed(scope: string): boolean;
}

/** Everything that one operation writes, applied at once or not at all. */
export interface Writes {
  /** By scope: fields to set, or to delete where undefined. */
  fields: Map<string, Map<string, string | undefined>>;
  /** Without a time to live it is kept as long as before. */
  operation?: { id: string; text: string; timeToLiveMs: number | undefined };
  /** By scope: milliseconds after which an account goes, unless it is used again; Infinity while it is paused or has stored limits. */
  idleMs: Map<string, number>;
  /** Scopes that are new to the index, with the time in microseconds. */
  indexed: Map<string, string>;
  log: string[];
}

export interface Outcome {
  reply: LedgerReply;
  writes: Writes;
}

export function noWrites(): Writes {
  return { fields: new Map(), idleMs: new Map(), indexed: new Map(), log: [] };
}

/** One scope's account while an operation works on it. */
export class OpenAccount {
  readonly scope: string;
  /** Its place in the chain. */
  readonly place: number;
  /** The operation keeps the account from going idle. */
  isUsed = false;
  readonly isNew: boolean;
  account: Account;
  pauseReason: string | undefined;
  readonly #fields: AccountFields;
  readonly #changes = new Map<string, string | undefined>();

  constructor(
    { scope, place }: { scope: string; place: number },
    fields: AccountFields | undefined,
    account: Account | undefined,
  ) {
    this.scope = scope;
    this.place = place;
    this.isNew = fields === undefined;
    this.#fields = fields ?? new Map();
    this.account = account ?? parseAccount(scope, this.#fields);
    this.pauseReason = this.#fields.get("pr");
  }

  segments(minute: number): Segment[] {
    const segments = parseSegments(this.#current(wheelField(minute)));
    if (segments === undefined) throw this.#malformed(wheelField(minute));
    return segments;
  }

  setSegments(minute: number, segments: Segment[]): void {
    this.#changes.set(wheelField(minute), segments.length === 0 ? undefined : formatSegments(segments));
  }

  has(field: string): boolean {
    return this.#current(field) !== undefined;
  }

  history(field: string): HistoryRow[] {
    const rows = parseHistory(this.#current(field));
    if (rows === undefined) throw this.#malformed(field);
    return rows;
  }

  setHistory(field: string, rows: HistoryRow[]): void {
    this.#changes.set(field, formatHistory(rows));
  }

  delete(field: string): void {
    if (this.has(field)) this.#changes.set(field, undefined);
  }

  /** The fields as they are now; a new account that nothing was prepared for is still absent. */
  raw(): RawAccount {
    if (this.isNew && this.account.windows.length === 0) return ABSENT_ACCOUNT;
    const { w, o, c, s } = formatAccount(this.account);
    return { w, o, c, s, pauseReason: this.pauseReason, due: [] };
  }

  /** What has changed since it was opened. */
  changes(): Map<string, string | undefined> {
    const now = { ...formatAccount(this.account), pr: this.pauseReason };
    for (const [field, text] of Object.entries(now)) {
      if (text !== this.#fields.get(field)) this.#changes.set(field, text);
    }
    return this.#changes;
  }

  #current(field: string): string | undefined {
    return this.#changes.has(field) ? this.#changes.get(field) : this.#fields.get(field);
  }

  #malformed(field: string): StoreDataError {
    return new StoreDataError(malformedMessage(this.scope, field));
  }
}

export const isPaused = (open: OpenAccount): boolean => (open.account.flags & PAUSED) !== 0;

/** @throws StoreDataError when the text under the id is not this library's. */
export function openRecord(state: LedgerState, id: string): OperationRecord | undefined {
  const text = state.operation(id);
  if (text === undefined) return undefined;
  const record = parseRecord(text);
  if (record === undefined) throw new StoreDataError(malformedMessage(id, "(operation)"));
  return record;
}

export function reply(
  code: ReplyCode,
  atMicros: number,
  accounts: readonly (OpenAccount | undefined)[],
  details: (string | number)[] = [],
): LedgerReply {
  const raw = accounts.map((account) => account?.raw() ?? ABSENT_ACCOUNT);
  return { code, atMicros, details: details.map(String), accounts: raw };
}

/** An outcome that writes nothing. */
export function refusal(
  code: ReplyCode,
  atMicros: number,
  accounts: readonly (OpenAccount | undefined)[],
  details: (string | number)[] = [],
): Outcome {
  return { reply: reply(code, atMicros, accounts, details), writes: noWrites() };
}

/** Of accounts, the scopes whose accounts go when they are idle. */
export function forgettableOf(accounts: readonly OpenAccount[]): string[] {
  return accounts.filter(({ account }) => account.idleSeconds !== undefined).map(({ scope }) => scope);
}

/** The writes of accounts and of the operation's record. */
export function writesOf(
  accounts: readonly OpenAccount[],
  operation: { id: string; record: OperationRecord; timeToLiveMs: number } | undefined,
  atMicros: number,
): Writes {
  const writes = noWrites();
  for (const account of accounts) {
    writes.fields.set(account.scope, account.changes());
    const { idleSeconds } = account.account;
    const idleMs = account.account.flags > 0 ? Number.POSITIVE_INFINITY : (idleSeconds ?? 0) * 1000;
    if (idleSeconds !== undefined && account.isUsed) writes.idleMs.set(account.scope, idleMs);
    if (account.isNew && idleSeconds === undefined) writes.indexed.set(account.scope, String(atMicros));
  }
  if (operation !== undefined) {
    const { id, record, timeToLiveMs } = operation;
    writes.operation = { id, text: formatRecord(record), timeToLiveMs };
  }
  return writes;
}
