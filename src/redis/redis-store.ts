/** The ledger in Redis: commands become keys and arguments of scripts, their answers become replies. */
import { StoreDataError } from "../errors.ts";
import { formatAmounts } from "../ledger/account.ts";
import { createStore } from "../ledger/backed-store.ts";
import type { LedgerBackend } from "../ledger/command-runner.ts";
import type {
  LedgerCommand,
  LedgerReply,
  RawAccount,
  ReplyCode,
  ScopeArguments,
} from "../ledger/commands.ts";
import { formatKinds } from "../ledger/history.ts";
import type { Store } from "../ledger/store.ts";
import { accountKey, indexKey, logKey, operationKey } from "./keys.ts";
import { SCRIPTS } from "./scripts.ts";
import type { ScriptTransport } from "./transport.ts";

export interface RedisStoreOptions {
  /**
   * Decides instead of the server's clock, in milliseconds since 1970. Only for a server whose scripts may not ask for
   * the time and whose TIME command is refused too: a clock that runs wrong rolls budgets early or freezes them.
   */
  localClock?: (() => number) | undefined;
}

/** A store over a Redis that a transport reaches. */
export function redisStore(transport: ScriptTransport, options: RedisStoreOptions = {}): Store {
  return createStore(new RedisBackend(transport, options));
}

/** How long a reading of a server's clock is good, where scripts may not ask for the time. */
const CLOCK_TRUST_MS = 300_000;

/** Executes commands as scripts. */
export class RedisBackend implements LedgerBackend {
  readonly now: () => number;
  readonly #transport: ScriptTransport;
  readonly #localClock: (() => number) | undefined;
  /** Set once a server has refused TIME inside a script: what its clock showed at a moment of this process. */
  #clock: { serverMicros: number; measuredAtMs: number } | undefined;

  constructor(transport: ScriptTransport, { localClock }: RedisStoreOptions = {}) {
    this.now = localClock ?? Date.now;
    this.#localClock = localClock;
    this.#transport = transport;
  }

  async execute(namespace: string, command: LedgerCommand, elapsedMs: number): Promise<LedgerReply> {
    const startMs = performance.now() - elapsedMs;
    const elapsed = () => performance.now() - startMs;
    const run = async () => {
      const args = [await this.#clockArgument(elapsed), ...argumentsOf(command)];
      const script = SCRIPTS[scriptOf(command)];
      return parseReply(await this.#transport.run(script, keysOf(namespace, command), args, elapsed()));
    };
    const reply = await run();
    if (reply.code !== "CLOCK") return reply;
    await this.#measureClock(elapsed());
    return run();
  }

  async close(): Promise<void> {
    await this.#transport.close?.();
  }

  /** Empty while the server's scripts may ask for the time themselves. */
  async #clockArgument(elapsed: () => number): Promise<string> {
    if (this.#localClock !== undefined) return String(Math.floor(this.#localClock() * 1000));
    if (this.#clock === undefined) return "";
    if (performance.now() - this.#clock.measuredAtMs > CLOCK_TRUST_MS) await this.#measureClock(elapsed());
    const { serverMicros, measuredAtMs } = this.#clock;
    return String(Math.floor(serverMicros + (performance.now() - measuredAtMs) * 1000));
  }

  async #measureClock(elapsedMs: number): Promise<void> {
    const before = performance.now();
    const serverMicros = await this.#transport.time(elapsedMs);
    this.#clock = { serverMicros, measuredAtMs: (before + performance.now()) / 2 };
  }
}

function scriptOf(command: LedgerCommand): keyof typeof SCRIPTS {
  return command.kind === "settle" || command.kind === "release" ? "close" : command.kind;
}

function keysOf(namespace: string, command: LedgerCommand): string[] {
  const keys = command.scopes.map(({ scope }) => accountKey(namespace, scope));
  if (command.kind !== "read") keys.push(operationKey(namespace, command.id));
  if (command.kind === "administer") keys.push(logKey(namespace));
  if (command.withIndex) keys.push(indexKey(namespace));
  return keys;
}

function argumentsOf(command: LedgerCommand): string[] {
  const chain = command.scopes.map(({ scope }) => scope).join(",");
  if (command.kind === "read") {
    const { firstHour = "-", lastHour = "-" } = command.history ?? {};
    return [chain, "", "0", String(firstHour), String(lastHour), ...command.scopes.map(idleText)];
  }
  const base = [chain, command.argumentsHash, String(command.retentionMs)];
  switch (command.kind) {
    case "reserve": {
      const { nanoUsd, tokens, requests } = command.requested;
      const requested = [nanoUsd ?? "-", tokens ?? "-", requests].map(String);
      return [
        ...base,
        command.attempt,
        ...requested,
        String(command.expiresInMicros),
        command.requiresLimit ? "1" : "0",
        ...listsOf(command.scopes),
      ];
    }
    case "settle":
    case "release": {
      const actual = command.actual === undefined ? "-" : formatAmounts(command.actual);
      const { nowMs, source, row, kinds, thresholdMillionths, attempt = "-" } = command;
      const thresholds = thresholdsText(thresholdMillionths);
      return [...base, String(nowMs), source, actual, row, formatKinds(kinds), thresholds, attempt];
    }
    case "record": {
      const { asHold, source, actual, closeHash, row, kinds, thresholdMillionths, scopes } = command;
      const booked = [
        asHold ? "hold" : "record",
        source,
        formatAmounts(actual),
        closeHash,
        row,
        formatKinds(kinds),
      ];
      return [...base, ...booked, thresholdsText(thresholdMillionths), ...listsOf(scopes)];
    }
    case "administer":
      return [...base, command.action, command.detail, command.id, ...listsOf(command.scopes)];
    default:
      return command satisfies never;
  }
}

function listsOf(scopes: ScopeArguments[]): string[] {
  return scopes.flatMap((scope) => [scope.list ?? "-", scope.bounds ?? "-", idleText(scope)]);
}

function idleText({ idleSeconds }: Pick<ScopeArguments, "idleSeconds">): string {
  return idleSeconds === undefined ? "-" : String(idleSeconds);
}

function thresholdsText(millionths: number[]): string {
  return millionths.length === 0 ? "-" : millionths.join(",");
}

/** Values: code, time, number of details, details, then of each account `w o c s pr`, the number of due minutes, those. */
function parseReply(values: string[]): LedgerReply {
  const next = reader(values);
  const code = next() as ReplyCode;
  const atMicros = Number(next());
  const details = Array.from({ length: Number(next()) }, next);
  const accounts: RawAccount[] = [];
  while (!next.isDone()) {
    const [w, o, c, s, pauseReason] = Array.from({ length: 5 }, () => next() || undefined);
    const due = Array.from({ length: Number(next()) }, (): [number, string] => [Number(next()), next()]);
    accounts.push({ w, o, c, s, pauseReason, due });
  }
  return { code, atMicros, details, accounts };
}

function reader(values: string[]): (() => string) & { isDone(): boolean } {
  let place = 0;
  const next = (): string => {
    const value = values[place];
    if (value === undefined) throw new StoreDataError("The store's answer ends before it is whole.");
    place += 1;
    return value;
  };
  return Object.assign(next, { isDone: () => place >= values.length });
}
