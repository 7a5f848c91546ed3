/**
 * The third ledger: it lists every call with its time, and adds up when it is asked. It knows no wheel, keeps no counter,
 * and reads nothing but commands and the clock. What it predicts of each command, a store must answer.
 */
import type {
  AdministerCommand,
  CloseCommand,
  LedgerCommand,
  RecordCommand,
  ReplyCode,
  ReserveCommand,
  ScopeArguments,
} from "../../src/ledger/commands.ts";
import { type Closing, type Known, minuteOf, NaiveBooks, type Triple, ZERO } from "./naive-books.ts";
import {
  actualOf,
  chainOf,
  closingDetails,
  givenUpOf,
  holdDetails,
  newCall,
  newClosing,
  tripleOf,
  withLast,
} from "./naive-calls.ts";
import { administerScope, isKept, isLimited, needsIndex, newScope } from "./naive-scopes.ts";
import { holds, lacksBounds, type Scope, type SentWindows, scopeAt, sentWindows } from "./naive-windows.ts";

/** What a store must answer. */
export interface Prediction {
  code: ReplyCode;
  atMicros: number;
  details: string[];
  /** Of the chain, as they are judged; undefined: nobody has used it. Empty: the answer carries none. */
  accounts: (Scope | undefined)[];
  /** Set for readers: when they read. What has expired by then counts as settled for them. */
  readerMicros?: number;
}

const TOMBSTONE_MS = 1_500_000;

export class NaiveLedger {
  readonly books = new NaiveBooks();
  readonly scopes = new Map<string, Scope>();
  readonly indexed = new Set<string>();
  readonly #goesAtMs = new Map<string, number>();
  /** What administrators did, newest first. */
  readonly log: string[] = [];

  /** Does what the command asks for, at this reading of the server's clock. */
  apply(command: LedgerCommand, nowMs: number): Prediction {
    switch (command.kind) {
      case "reserve":
        return this.#reserve(command, nowMs);
      case "record":
        return this.#record(command, nowMs);
      case "settle":
      case "release":
        return this.#close(command, nowMs);
      case "administer":
        return this.#administer(command, nowMs);
      case "read": {
        const { accounts } = this.#asTheyAre(command.scopes, nowMs);
        const atMicros = Math.floor(nowMs * 1000);
        const isInit = !command.withIndex && needsIndex(command.scopes, accounts);
        const answer = answerer(isInit ? [] : accounts, atMicros)(isInit ? "INIT" : "OK");
        return { ...answer, readerMicros: atMicros };
      }
      default:
        return command satisfies never;
    }
  }

  #reserve(command: ReserveCommand, nowMs: number): Prediction {
    const known = this.books.known(command.id, nowMs);
    if (known !== undefined && !(known.kind === "gone" && !known.attempts.includes(command.attempt)))
      return this.#reserveAgain(command, known, nowMs);
    const prepared = this.#prepare(command, nowMs, "refuse paused scopes");
    if ("code" in prepared) return prepared;
    const { accounts, atMicros } = prepared;
    const answer = answerer(accounts, atMicros);

    if (command.requiresLimit && !accounts.some(isLimited)) return answer("UNLIMITED");
    if (this.books.passed(accounts, command.requested).length > 0) return answer("DENIED");
    const { nanoUsd, tokens, requests } = command.requested;
    const held: Triple = [nanoUsd ?? 0, tokens ?? 0, requests];
    const full = this.books.firstFull(accounts, held);
    if (full >= 0) return answerer([], atMicros)("FULL", [String(full)]);

    const expiryMinute = minuteOf(atMicros + command.expiresInMicros);
    const call = newCall(command, "hold", { startMicros: atMicros, expiryMinute, held });
    call.attempt = command.attempt;
    if (known !== undefined) call.givenUp = givenUpOf(known);
    this.books.calls.push(call);
    this.books.rememberHold(command, call, { nowMs, atMs: Math.floor(atMicros / 1000) });
    this.#commit(accounts, nowMs);
    return answer("OK", holdDetails(call));
  }

  #reserveAgain(command: ReserveCommand, known: Known, nowMs: number): Prediction {
    const { accounts, atMicros } = this.#asTheyAre(command.scopes, nowMs);
    const answer = answerer(accounts, atMicros);
    if (givenUpOf(known).includes(command.attempt)) return answer("GONE");
    if (known.kind !== "hold" || known.hash !== command.argumentsHash) return answer("CONFLICT");
    if (known.closed !== undefined) return answer("CLOSED", closingDetails(known, known.closed));
    if (minuteOf(atMicros) > known.expiryMinute) return answer("EXPIRED", holdDetails(known));
    if (!known.isShared && known.attempt !== command.attempt) {
      known.isShared = true;
      this.books.rememberHold(command, known, { nowMs, atMs: Math.floor(atMicros / 1000) });
    }
    return answer("REPLAY", holdDetails(known));
  }

  #record(command: RecordCommand, nowMs: number): Prediction {
    const known = this.books.known(command.id, nowMs);
    if (known !== undefined && !(command.asHold && known.kind === "gone"))
      return this.#recordAgain(command, known, nowMs);
    const prepared = this.#prepare(command, nowMs, "record all the same");
    if ("code" in prepared) return prepared;
    const { accounts, atMicros } = prepared;
    const answer = answerer(accounts, atMicros);
    const actual = tripleOf(command.actual);
    const full = this.books.firstFull(accounts, actual);
    if (full >= 0) return answerer([], atMicros)("FULL", [String(full)]);

    const kind = command.asHold ? "hold" : "record";
    const booked = { startMicros: atMicros, expiryMinute: minuteOf(atMicros), held: ZERO };
    const closed = newClosing({ ...command, actual, hash: command.closeHash });
    const call = { ...newCall(command, kind, booked), closed };
    this.books.calls.push(call);
    this.books.remember(command.id, call, nowMs + command.retentionMs);
    this.#commit(accounts, nowMs);
    const paused = accounts.findIndex(({ isPaused }) => isPaused);
    closed.verdict = paused >= 0 ? `p${paused}` : this.books.verdict(accounts, atMicros);
    const times = { startMicros: atMicros, atMicros };
    closed.crossings = this.books.cross(accounts, command.thresholdMillionths, times);
    return answer("OK", closingDetails(call, closed));
  }

  #recordAgain({ asHold, argumentsHash, scopes }: RecordCommand, known: Known, nowMs: number): Prediction {
    const { accounts, atMicros } = this.#asTheyAre(scopes, nowMs);
    const answer = answerer(accounts, atMicros);
    const isSame = !asHold && known.kind === "record" && known.hash === argumentsHash;
    if (!isSame || known.closed === undefined) return answer("CONFLICT");
    return answer("REPLAY", closingDetails(known, known.closed));
  }

  #close(command: CloseCommand, nowMs: number): Prediction {
    const accounts = command.scopes.map(({ scope }) => this.scopes.get(scope));
    const atMicros = command.nowMs * 1000;
    const answer = answerer(accounts, atMicros);
    const known = this.books.known(command.id, nowMs);
    if (known === undefined || known.kind === "gone") {
      const { attempt, id } = command;
      const attempts = withLast(known?.attempts ?? [], attempt);
      if (attempt !== undefined) this.books.remember(id, { kind: "gone", attempts }, nowMs + TOMBSTONE_MS);
      return answer("UNKNOWN");
    }
    if (known.kind !== "hold" || known.chain.join() !== chainOf(command).join()) return answer("CONFLICT");

    const { closed } = known;
    if (closed?.source === command.source && closed.hash === command.argumentsHash)
      return answer("REPLAY", closingDetails(known, closed));
    const isForeign = command.attempt !== undefined && (known.isShared || known.attempt !== command.attempt);
    const isFinal = closed !== undefined && (command.source !== "r" || closed.source === "r");
    const nothing = newClosing({ ...command, actual: ZERO, hash: command.argumentsHash });
    if (isForeign && closed === undefined) known.givenUp = withLast(known.givenUp, command.attempt);
    if (isForeign || isFinal)
      return answer("DONE", closingDetails(known, closed ?? { ...nothing, source: "-" }));

    const actual = actualOf(command, known);
    const isOwn = ({ bornMicros }: Scope) => known.startMicros >= bornMicros;
    const present = accounts.filter((scope) => scope !== undefined).filter(isOwn);
    const full = this.books.firstFull(present, actual);
    if (full >= 0) return answerer([], atMicros)("FULL", [String(full)]);
    const booked: Closing = { ...nothing, actual };
    known.closed = booked;
    this.books.rememberHold(command, known, { nowMs, atMs: command.nowMs });
    const { startMicros } = known;
    booked.verdict = this.books.verdict(present, startMicros);
    booked.crossings = this.books.cross(present, command.thresholdMillionths, { startMicros, atMicros });
    return answer("OK", closingDetails(known, booked));
  }

  #administer(command: AdministerCommand, nowMs: number): Prediction {
    const known = this.books.known(command.id, nowMs);
    if (known !== undefined) {
      const { accounts, atMicros } = this.#asTheyAre(command.scopes, nowMs);
      const isSame = known.kind === "admin" && known.hash === command.argumentsHash;
      return answerer(accounts, atMicros)(isSame ? "REPLAY" : "CONFLICT");
    }
    const prepared = this.#prepare(command, nowMs, "administer all the same");
    if ("code" in prepared) return prepared;
    const { accounts, atMicros } = prepared;
    for (const scope of accounts) administerScope(scope, command, atMicros);
    this.#commit(accounts, nowMs);
    const { id, argumentsHash: hash, retentionMs, action, detail } = command;
    this.books.remember(id, { kind: "admin", hash }, nowMs + retentionMs);
    if (action !== "unmark") this.log.unshift(`${atMicros} ${action} ${chainOf(command)} ${id} ${detail}`);
    return answerer(accounts, atMicros)("OK");
  }

  /** As nothing changes them; the time is never behind any scope's own last operation. */
  #asTheyAre(scopes: { scope: string }[], nowMs: number) {
    const accounts = scopes.map(({ scope }) => this.scopes.get(scope));
    const afterLast = accounts.map((scope) => (scope === undefined ? 0 : scope.lastMicros + 1));
    return { accounts, atMicros: Math.max(Math.floor(nowMs * 1000), ...afterLast) };
  }

  /** The chain as it would stand at the operation's time, or why it can't be judged. */
  #prepare(
    { scopes, withIndex }: { scopes: ScopeArguments[]; withIndex: boolean },
    nowMs: number,
    whilePaused: "refuse paused scopes" | "record all the same" | "administer all the same",
  ): Prediction | { accounts: Scope[]; atMicros: number } {
    const { accounts: known, atMicros } = this.#asTheyAre(scopes, nowMs);
    if (!withIndex && needsIndex(scopes, known)) return answerer([], atMicros)("INIT");
    const accounts = scopes.map((sent, place) => known[place] ?? newScope(sent, atMicros));
    const answer = answerer(accounts, atMicros);
    const paused = accounts.findIndex(({ isPaused }) => isPaused);
    if (whilePaused === "refuse paused scopes" && paused >= 0) return answer("PAUSED", [String(paused)]);

    const pairs = scopes.map((scope, place) => [accounts[place], sentWindows(scope)] as const);
    if (pairs.some(([, { all }]) => all.some((entry) => !holds(entry, atMicros)))) return answer("TIME");
    const whole = pairs.filter((pair): pair is readonly [Scope, SentWindows] => pair[0] !== undefined);
    if (whole.some(([scope, sent]) => lacksBounds(scope, sent, atMicros))) return answer("WINDOWS");
    const current = whole.map(([scope, sent]) => scopeAt(scope, sent, atMicros));
    for (const [place, scope] of current.entries())
      scope.idleSeconds &&= scopes[place]?.idleSeconds ?? scope.idleSeconds;
    return { atMicros, accounts: current };
  }

  #commit(accounts: Scope[], nowMs: number): void {
    for (const scope of accounts) {
      const { name, idleSeconds } = scope;
      this.scopes.set(name, scope);
      if (idleSeconds === undefined) this.indexed.add(name);
      else this.#goesAtMs.set(name, isKept(scope) ? Number.POSITIVE_INFINITY : nowMs + idleSeconds * 1000);
    }
  }

  /** Accounts that have gone by now, for good. */
  purge(nowMs: number): string[] {
    const gone = [...this.#goesAtMs].filter(([, atMs]) => atMs <= nowMs).map(([name]) => name);
    for (const name of gone) {
      this.#goesAtMs.delete(name);
      this.scopes.delete(name);
    }
    return gone;
  }
}

function answerer(accounts: (Scope | undefined)[], atMicros: number) {
  return (code: ReplyCode, details: string[] = []): Prediction => ({ code, atMicros, details, accounts });
}
