/** reserve: check and hold in one step, over the whole chain or not at all. */
import { addAmounts } from "../account.ts";
import type { ReserveCommand } from "../commands.ts";
import {
  type CallRecord,
  closingDetails,
  formatRecord,
  holdDetails,
  type OperationRecord,
  timeToLiveMs,
} from "../operation-record.ts";
import type { Amounts, RequestedAmounts } from "../store.ts";
import { addHold, minuteOf } from "../wheel.ts";
import { isFull, isLimited, refuses } from "./judge.ts";
import { openAccounts, prepare, timeOf } from "./prepare.ts";
import {
  forgettableOf,
  type LedgerState,
  noWrites,
  type OpenAccount,
  type Outcome,
  openRecord,
  refusal,
  reply,
  writesOf,
} from "./state.ts";

export function reserve(state: LedgerState, command: ReserveCommand, nowMicros: number): Outcome {
  const known = openRecord(state, command.id);
  const givenUp = givenUpOf(known);
  const isOthersTombstone = known?.kind === "gone" && !givenUp.includes(command.attempt);
  if (known !== undefined && !isOthersTombstone) {
    return answerAgain(state, command, known, nowMicros);
  }
  const prepared = prepare(state, { ...command, refusePaused: true }, nowMicros);
  if (prepared.refused !== undefined) return prepared.refused;
  const { accounts, atMicros } = prepared;

  if (command.requiresLimit && !accounts.some(isLimited)) return refusal("UNLIMITED", atMicros, accounts);
  const held = heldAmounts(command.requested);
  if (accounts.some((open) => refuses(open, command.requested))) return refusal("DENIED", atMicros, accounts);
  const full = accounts.find((open) => isFull(open, held));
  if (full !== undefined) return refusal("FULL", atMicros, [], [full.place]);

  const expiryMinute = minuteOf(atMicros + command.expiresInMicros);
  for (const open of accounts) hold(open, held, expiryMinute, atMicros);
  const record: CallRecord = {
    kind: "hold",
    argumentsHash: command.argumentsHash,
    attempt: command.attempt,
    givenUp,
    shared: false,
    startMicros: atMicros,
    expiryMinute,
    held,
    chain: command.scopes.map(({ scope }) => scope),
    forgettable: forgettableOf(accounts),
    closed: undefined,
  };
  const keptMs = timeToLiveMs(expiryMinute, Math.floor(atMicros / 1000), command.retentionMs);
  return {
    reply: reply("OK", atMicros, accounts, holdDetails(record)),
    writes: writesOf(accounts, { id: command.id, record, timeToLiveMs: keptMs }, atMicros),
  };
}

/** What a hold sets aside: what is not known beforehand holds nothing. */
export function heldAmounts(requested: RequestedAmounts): Amounts {
  return { nanoUsd: requested.nanoUsd ?? 0, tokens: requested.tokens ?? 0, requests: requested.requests };
}

/** Attempts of this id that nobody waits for any more. */
function givenUpOf(known: OperationRecord | undefined): string[] {
  if (known === undefined || known.kind === "admin") return [];
  return known.kind === "gone" ? known.attempts : known.givenUp;
}

/** A known id gets the same decision, with the state that the hold is in now. */
function answerAgain(
  state: LedgerState,
  command: ReserveCommand,
  known: OperationRecord,
  nowMicros: number,
): Outcome {
  const accounts = openAccounts(state, command.scopes);
  const atMicros = timeOf(accounts, nowMicros);
  if (givenUpOf(known).includes(command.attempt)) return refusal("GONE", atMicros, accounts);
  const isSame = known.kind === "hold" && known.argumentsHash === command.argumentsHash;
  if (!isSame) return refusal("CONFLICT", atMicros, accounts);
  if (known.closed !== undefined)
    return refusal("CLOSED", atMicros, accounts, closingDetails(known, known.closed));
  if (minuteOf(atMicros) > known.expiryMinute)
    return refusal("EXPIRED", atMicros, accounts, holdDetails(known));

  const again = reply("REPLAY", atMicros, accounts, holdDetails(known));
  if (known.shared || known.attempt === command.attempt) return { reply: again, writes: noWrites() };
  const keptMs = timeToLiveMs(known.expiryMinute, Math.floor(atMicros / 1000), command.retentionMs);
  const text = formatRecord({ ...known, shared: true });
  const operation = { id: command.id, text, timeToLiveMs: keptMs };
  return { reply: again, writes: { ...noWrites(), operation } };
}

function hold(open: OpenAccount, held: Amounts, expiryMinute: number, atMicros: number): void {
  const { account } = open;
  for (const window of account.windows) window.committed = addAmounts(window.committed, held);
  const longer = account.windows.filter((window) => window.name !== "minute");
  const newestBaseMicros = Math.max(0, ...longer.map((window) => window.baseMicros));
  const segments = open.segments(expiryMinute);
  addHold(segments, atMicros, newestBaseMicros, held);
  open.setSegments(expiryMinute, segments);
}
