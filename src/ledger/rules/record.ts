/** record: usage reported after the fact, with no hold; always booked. Also books a hold that the store has lost. */
import { addAmounts, zeroAmounts } from "../account.ts";
import type { RecordCommand } from "../commands.ts";
import { addRow, historyField, historyRow } from "../history.ts";
import { type CallRecord, type Closing, closingDetails, type OperationRecord } from "../operation-record.ts";
import { minuteOf } from "../wheel.ts";
import { crossingsOf, isFull, isOverrun } from "./judge.ts";
import { openAccounts, prepare, timeOf } from "./prepare.ts";
import {
  forgettableOf,
  isPaused,
  type LedgerState,
  type OpenAccount,
  type Outcome,
  openRecord,
  refusal,
  reply,
  writesOf,
} from "./state.ts";

export function record(state: LedgerState, command: RecordCommand, nowMicros: number): Outcome {
  const known = openRecord(state, command.id);
  if (known !== undefined && !(command.asHold && known.kind === "gone")) {
    return answerAgain(state, command, known, nowMicros);
  }
  const prepared = prepare(state, command, nowMicros);
  if (prepared.refused !== undefined) return prepared.refused;
  const { accounts, atMicros } = prepared;
  const full = accounts.find((open) => isFull(open, command.actual));
  if (full !== undefined) return refusal("FULL", atMicros, [], [full.place]);

  for (const open of accounts) book(open, command, atMicros);
  const closed: Closing = {
    actual: command.actual,
    source: command.source,
    argumentsHash: command.closeHash,
    verdict: verdictOf(accounts, atMicros),
    crossings: crossingsOf(accounts, { startMicros: atMicros, atMicros }, command.thresholdMillionths),
    row: command.source === "e" ? command.row : "-",
    kinds: command.source === "e" ? command.kinds : [],
  };
  const booked: CallRecord = {
    kind: command.asHold ? "hold" : "record",
    argumentsHash: command.argumentsHash,
    attempt: "-",
    givenUp: [],
    shared: false,
    startMicros: atMicros,
    expiryMinute: minuteOf(atMicros),
    held: zeroAmounts(),
    chain: command.scopes.map(({ scope }) => scope),
    forgettable: forgettableOf(accounts),
    closed,
  };
  const operation = { id: command.id, record: booked, timeToLiveMs: command.retentionMs };
  return {
    reply: reply("OK", atMicros, accounts, closingDetails(booked, closed)),
    writes: writesOf(accounts, operation, atMicros),
  };
}

function answerAgain(
  state: LedgerState,
  command: RecordCommand,
  known: OperationRecord,
  nowMicros: number,
): Outcome {
  const accounts = openAccounts(state, command.scopes);
  const atMicros = timeOf(accounts, nowMicros);
  const isSame = known.kind === "record" && known.argumentsHash === command.argumentsHash && !command.asHold;
  if (!isSame || known.closed === undefined) return refusal("CONFLICT", atMicros, accounts);
  return refusal("REPLAY", atMicros, accounts, closingDetails(known, known.closed));
}

function book(open: OpenAccount, command: RecordCommand, atMicros: number): void {
  for (const window of open.account.windows) {
    window.committed = addAmounts(window.committed, command.actual);
    window.settled = addAmounts(window.settled, command.actual);
  }
  const field = historyField(atMicros, open.account.lastMicros);
  const rows = open.history(field);
  addRow(rows, historyRow(command.row, command.source, command.actual, command.kinds));
  open.setHistory(field, rows);
}

function verdictOf(accounts: OpenAccount[], atMicros: number): string {
  const paused = accounts.findIndex(isPaused);
  if (paused >= 0) return `p${paused}`;
  return accounts.some((open) => isOverrun(open, atMicros)) ? "1" : "0";
}
