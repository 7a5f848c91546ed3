/** The store over any backend: operations become commands, replies become answers. */
import { StoreDataError } from "../errors.ts";
import { checkAmounts } from "./checked-command.ts";
import { CommandRunner, type LedgerBackend, type Round, windowsText } from "./command-runner.ts";
import { ABSENT_ACCOUNT, type AdministerCommand, type CloseCommand, type LedgerReply } from "./commands.ts";
import { rowName } from "./history.ts";
import { readHistory } from "./history-reader.ts";
import { bookingOf, crossingsOf, crossingText, heldOf } from "./reply.ts";
import { denialsOf, overrunsOf } from "./stats.ts";
import type {
  AdminAnswer,
  ChainLink,
  CheckAnswer,
  CloseAnswer,
  Operation,
  ReadOperation,
  RecordAnswer,
  RecordOperation,
  ReleaseOperation,
  ReserveAnswer,
  ReserveOperation,
  SettleOperation,
  Standing,
  Store,
} from "./store.ts";
import { viewAccount } from "./view.ts";

/** Ids stay this much longer in the store than callers count on, since clocks differ. */
const CLOCK_MARGIN_MS = 600_000;

export function createStore(backend: LedgerBackend): Store {
  const runner = new CommandRunner(backend);
  return {
    reserve: (operation) => reserve(runner, operation),
    settle: (operation) => settle(runner, operation),
    release: (operation) => release(runner, operation),
    record: (operation) => record(runner, operation),
    check: (operation) => check(runner, operation),
    history: (operation) => readHistory(runner, operation),
    reset: (operation) => administer(runner, operation, "reset", () => ""),
    pause: (operation) => administer(runner, operation, "pause", () => operation.reason ?? ""),
    resume: (operation) => administer(runner, operation, "resume", () => ""),
    storeLimits: (operation) => {
      const names = operation.limits.map((entry) => entry.window);
      return administer(
        runner,
        operation,
        "limits",
        ({ nowMs }) => windowsText(operation.limits, nowMs),
        names,
      );
    },
    unmark: async (operation) => {
      const { crossing } = operation;
      const marked = { ...operation, chain: [{ scope: crossing.scope }] };
      await administer(runner, marked, "unmark", () => crossingText(crossing));
    },
    close: () => runner.close(),
  };
}

async function reserve(runner: CommandRunner, operation: ReserveOperation): Promise<ReserveAnswer> {
  const { namespace, chain, attempt, requested, expiresInSeconds, requiresLimit = false } = operation;
  const reply = await runner.run(namespace, chain, (round) => ({
    kind: "reserve",
    ...baseOf(operation, round),
    attempt,
    requested,
    requiresLimit,
    expiresInMicros: expiresInSeconds * 1_000_000,
  }));
  const standing = standingOf(chain, reply);
  switch (reply.code) {
    case "OK":
    case "REPLAY":
      return { ...standing, outcome: "held", replayed: reply.code === "REPLAY", ...heldOf(reply) };
    case "DENIED":
      return { ...standing, outcome: "denied", denials: denialsOf(standing.accounts, requested) };
    case "PAUSED":
      return { ...standing, outcome: "paused", ...pauseOf(standing, chain[Number(reply.details[0])]?.scope) };
    case "UNLIMITED":
      return { ...standing, outcome: "unlimited" };
    case "CLOSED":
      return { ...standing, outcome: "closed", booking: bookingOf(reply, chain).booking };
    case "EXPIRED":
      return { ...standing, outcome: "expired", held: heldOf(reply).held };
    case "CONFLICT":
      return { ...standing, outcome: "conflict" };
    case "GONE":
      return { ...standing, outcome: "gone" };
    default:
      throw unexpected(reply);
  }
}

async function settle(runner: CommandRunner, operation: SettleOperation): Promise<CloseAnswer> {
  const answer = await closeCall(runner, operation, {
    kind: "settle",
    source: operation.source === "reported" ? "r" : "e",
    actual: operation.actual,
    row: operation.model ?? rowName(undefined, undefined),
    kinds: operation.tokenKinds ?? [],
    thresholdMillionths: millionths(operation.alertThresholds),
    attempt: undefined,
  });
  if (answer.outcome !== "unknown" || operation.bookIfUnknown === undefined) return answer;
  const booked = await bookLost(runner, operation, operation.bookIfUnknown.reserveHash);
  return booked ?? settle(runner, { ...operation, bookIfUnknown: undefined });
}

function release(runner: CommandRunner, operation: ReleaseOperation): Promise<CloseAnswer> {
  return closeCall(runner, operation, {
    kind: "release",
    source: "-",
    actual: undefined,
    row: "-",
    kinds: [],
    thresholdMillionths: [],
    attempt: operation.attempt,
  });
}

type Closing = Omit<CloseCommand, "scopes" | "id" | "argumentsHash" | "retentionMs" | "withIndex" | "nowMs">;

async function closeCall(
  runner: CommandRunner,
  operation: Operation,
  closing: Closing,
): Promise<CloseAnswer> {
  const { namespace, chain } = operation;
  const reply = await runner.run(namespace, chain, (round) => ({
    ...closing,
    ...baseOf(operation, round),
    nowMs: round.nowMs,
  }));
  const standing = standingOf(chain, reply);
  switch (reply.code) {
    case "OK":
    case "REPLAY": {
      const { booking } = bookingOf(reply, chain);
      const crossings = crossingsOf(reply, chain);
      const replayed = reply.code === "REPLAY";
      return { ...standing, outcome: "booked", replayed, booking, crossings, unknownToStore: false };
    }
    case "DONE":
      return { ...standing, outcome: "done", booking: bookingOf(reply, chain).booking };
    case "UNKNOWN":
      return { ...standing, outcome: "unknown" };
    case "CONFLICT":
      return { ...standing, outcome: "conflict" };
    default:
      throw unexpected(reply);
  }
}

/** Books a settle whose hold the store has lost; undefined when the store knows the id after all. */
async function bookLost(
  runner: CommandRunner,
  operation: SettleOperation,
  reserveHash: string,
): Promise<CloseAnswer | undefined> {
  const { namespace, chain, actual } = operation;
  if (actual === undefined) return undefined;
  const reply = await runner.run(namespace, chain, (round) => ({
    kind: "record",
    ...baseOf(operation, round),
    argumentsHash: reserveHash,
    closeHash: operation.argumentsHash,
    asHold: true,
    source: operation.source === "reported" ? "r" : "e",
    actual,
    row: operation.model ?? rowName(undefined, undefined),
    kinds: operation.tokenKinds ?? [],
    thresholdMillionths: millionths(operation.alertThresholds),
  }));
  if (reply.code === "CONFLICT") return undefined;
  if (reply.code !== "OK") throw unexpected(reply);
  const { booking } = bookingOf(reply, chain);
  const crossings = crossingsOf(reply, chain);
  return {
    ...standingOf(chain, reply),
    outcome: "booked",
    replayed: false,
    booking,
    crossings,
    unknownToStore: true,
  };
}

async function record(runner: CommandRunner, operation: RecordOperation): Promise<RecordAnswer> {
  const { namespace, chain, actual } = operation;
  const reply = await runner.run(namespace, chain, (round) => ({
    kind: "record",
    ...baseOf(operation, round),
    closeHash: operation.argumentsHash,
    asHold: false,
    source: "r",
    actual,
    row: operation.model ?? rowName(undefined, undefined),
    kinds: operation.tokenKinds ?? [],
    thresholdMillionths: millionths(operation.alertThresholds),
  }));
  const standing = standingOf(chain, reply);
  if (reply.code === "CONFLICT") return { ...standing, outcome: "conflict" };
  if (reply.code !== "OK" && reply.code !== "REPLAY") throw unexpected(reply);
  return {
    ...standing,
    outcome: "booked",
    replayed: reply.code === "REPLAY",
    ...bookingOf(reply, chain),
    denials: overrunsOf(standing.accounts, actual),
    crossings: crossingsOf(reply, chain),
  };
}

async function check(
  runner: CommandRunner,
  { namespace, chain, requested }: ReadOperation,
): Promise<CheckAnswer> {
  checkAmounts(requested);
  const reply = await runner.run(namespace, chain, ({ scopes, withIndex }) => ({
    kind: "read",
    scopes,
    history: undefined,
    withIndex,
  }));
  const standing = standingOf(chain, reply);
  const pausedScope = standing.accounts.find((account) => account.paused)?.scope;
  const pause = pausedScope === undefined ? undefined : pauseOf(standing, pausedScope);
  return {
    ...standing,
    denials: denialsOf(standing.accounts, requested),
    ...(pause === undefined ? {} : { pausedScope: pause.scope }),
    ...(pause?.reason === undefined ? {} : { pauseReason: pause.reason }),
  };
}

async function administer(
  runner: CommandRunner,
  operation: Operation,
  action: AdministerCommand["action"],
  detailOf: (round: Round) => string,
  furtherWindows: string[] = [],
): Promise<AdminAnswer> {
  // Limits declared by code stay as they are recorded: an administrator sends none.
  const leaf = operation.chain
    .slice(0, 1)
    .map(({ scope, forgetAfterIdleSeconds }) => ({ scope, forgetAfterIdleSeconds }));
  const reply = await runner.run(
    operation.namespace,
    leaf,
    (round) => ({ kind: "administer", ...baseOf(operation, round), action, detail: detailOf(round) }),
    furtherWindows,
  );
  const standing = standingOf(leaf, reply);
  if (reply.code === "CONFLICT") return { ...standing, outcome: "conflict" };
  if (reply.code !== "OK" && reply.code !== "REPLAY") throw unexpected(reply);
  return { ...standing, outcome: "applied", replayed: reply.code === "REPLAY" };
}

function baseOf(operation: Operation, { scopes, withIndex }: Round) {
  const { id, argumentsHash, retentionSeconds } = operation;
  return { id, argumentsHash, scopes, withIndex, retentionMs: retentionSeconds * 1000 + CLOCK_MARGIN_MS };
}

function standingOf(chain: ChainLink[], reply: LedgerReply): Standing {
  const accounts = chain.map(({ scope, limits }, index) => {
    const raw = reply.accounts[index] ?? ABSENT_ACCOUNT;
    return viewAccount(scope, raw, limits, reply.atMicros);
  });
  return { nowMs: reply.atMicros / 1000, accounts };
}

function pauseOf(standing: Standing, scope: string | undefined): { scope: string; reason?: string } {
  const paused = standing.accounts.find((account) => account.scope === scope);
  if (paused === undefined)
    throw new StoreDataError("The store's answer names a paused scope outside the chain.");
  return paused.pauseReason === undefined
    ? { scope: paused.scope }
    : { scope: paused.scope, reason: paused.pauseReason };
}

const millionths = (thresholds: number[]): number[] =>
  thresholds.map((threshold) => Math.round(threshold * 1e6));

function unexpected(reply: LedgerReply): StoreDataError {
  return new StoreDataError(`The store answered ${reply.code}, which does not belong to this operation.`);
}
