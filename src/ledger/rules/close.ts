/** settle and release: replace a hold by what was used, or give it back; late and repeated ones correct or replay. */
import { addAmounts, zeroAmounts } from "../account.ts";
import type { CloseCommand } from "../commands.ts";
import { addRow, EXPIRED_ROW, historyField, historyRow, takeRow } from "../history.ts";
import {
  type CallRecord,
  type Closing,
  closingDetails,
  formatRecord,
  type OperationRecord,
  type Tombstone,
  timeToLiveMs,
  withGivenUp,
} from "../operation-record.ts";
import type { Amounts } from "../store.ts";
import { MINUTE_MICROS, takeHold } from "../wheel.ts";
import { crossingsOf, isFull, isOverrun } from "./judge.ts";
import { openAccounts } from "./prepare.ts";
import {
  type LedgerState,
  noWrites,
  type OpenAccount,
  type Outcome,
  openRecord,
  refusal,
  reply,
  writesOf,
} from "./state.ts";

/** A tombstone outlives every retry of its reserve. */
const TOMBSTONE_MS = 1_500_000;

export function close(state: LedgerState, command: CloseCommand): Outcome {
  const atMicros = command.nowMs * 1000;
  const accounts = openAccounts(state, command.scopes);
  const known = openRecord(state, command.id);
  if (known === undefined || known.kind === "gone")
    return giveUp(command, known, refusal("UNKNOWN", atMicros, accounts));
  const chain = command.scopes.map(({ scope }) => scope).join(",");
  if (known.kind !== "hold" || known.chain.join(",") !== chain)
    return refusal("CONFLICT", atMicros, accounts);

  const isForeign = command.attempt !== undefined && (known.shared || known.attempt !== command.attempt);
  const { closed } = known;
  if (closed !== undefined) {
    const isReplay = closed.source === command.source && closed.argumentsHash === command.argumentsHash;
    const details = closingDetails(known, closed);
    if (isReplay) return refusal("REPLAY", atMicros, accounts, details);
    const isCorrection = command.source === "r" && closed.source !== "r";
    if (!isCorrection || isForeign) return refusal("DONE", atMicros, accounts, details);
  } else if (isForeign) {
    const details = closingDetails(known, released(command));
    return giveUp(command, known, refusal("DONE", atMicros, accounts, details));
  }
  const lost = known.chain.findIndex(
    (scope, place) => accounts[place] === undefined && !known.forgettable.includes(scope),
  );
  if (lost >= 0) return refusal("LOST", atMicros, accounts, [lost]);
  return book(command, known, accounts, atMicros);
}

/** The library's own release is remembered, in a tombstone or in another attempt's hold: its reserve may yet arrive. */
function giveUp(
  { id, attempt }: CloseCommand,
  known: CallRecord | Tombstone | undefined,
  outcome: Outcome,
): Outcome {
  if (attempt === undefined) return outcome;
  const writing = (record: OperationRecord, timeToLiveMs: number | undefined): Outcome => {
    const operation = { id, text: formatRecord(record), timeToLiveMs };
    return { ...outcome, writes: { ...noWrites(), operation } };
  };
  if (known !== undefined && known.kind !== "gone")
    return writing({ ...known, givenUp: withGivenUp(known.givenUp, attempt) }, undefined);
  return writing({ kind: "gone", attempts: withGivenUp(known?.attempts ?? [], attempt) }, TOMBSTONE_MS);
}

function released(command: CloseCommand): Closing {
  const { argumentsHash } = command;
  const nothing = { verdict: "0", crossings: "-", row: "-", kinds: [] };
  return { actual: zeroAmounts(), source: "-", argumentsHash, ...nothing };
}

function book(
  command: CloseCommand,
  known: CallRecord,
  opened: (OpenAccount | undefined)[],
  atMicros: number,
): Outcome {
  const accounts = opened.filter((open) => open !== undefined).filter((open) => !isMadeSince(open, known));
  const actual = actualOf(command, known);
  const full = accounts.find((open) => isFull(open, actual));
  if (full !== undefined) return refusal("FULL", atMicros, [], [full.place]);

  for (const open of accounts) {
    if (known.closed !== undefined) correct(open, known, known.closed, actual);
    else if (known.expiryMinute < open.account.sweptMinute) closeLate(open, known, actual);
    else closeHeld(open, known, actual);
    if (command.source !== "-") {
      const row = historyRow(command.row, command.source, actual, command.kinds);
      changeHistory(open, known.startMicros, (rows) => addRow(rows, row));
    }
  }
  const isEstimate = command.source === "e";
  const closed: Closing = {
    ...released(command),
    actual,
    source: command.source,
    verdict: accounts.some((open) => isOverrun(open, known.startMicros)) ? "1" : "0",
    crossings: crossingsOf(
      accounts,
      { startMicros: known.startMicros, atMicros },
      command.thresholdMillionths,
    ),
    row: isEstimate ? command.row : "-",
    kinds: isEstimate ? command.kinds : [],
  };
  const record: CallRecord = { ...known, closed };
  const keptMs = timeToLiveMs(known.expiryMinute, command.nowMs, command.retentionMs);
  return {
    reply: reply("OK", atMicros, opened, closingDetails(record, closed)),
    writes: writesOf(accounts, { id: command.id, record, timeToLiveMs: keptMs }, atMicros),
  };
}

/** An account that was idle has gone with what it counted: the one that was made anew since has no part in the call. */
function isMadeSince({ scope, account }: OpenAccount, { startMicros, forgettable }: CallRecord): boolean {
  const isOnceForgettable = forgettable.includes(scope) && account.idleSeconds === undefined;
  return isOnceForgettable || startMicros < account.bornMicros;
}

/** Usage says nothing of requests: those that the hold, or the first booking, counted were made. */
function actualOf({ source, actual }: CloseCommand, { held, closed }: CallRecord): Amounts {
  if (source === "-") return zeroAmounts();
  const counted = closed === undefined || closed.source === "-" ? held : closed.actual;
  return { ...(actual ?? held), requests: counted.requests };
}

function closeHeld(open: OpenAccount, known: CallRecord, actual: Amounts): void {
  for (const window of countingWindows(open, known.startMicros)) {
    window.committed = addAmounts(addAmounts(window.committed, actual), known.held, -1);
    window.settled = addAmounts(window.settled, actual);
  }
  const segments = open.segments(known.expiryMinute);
  takeHold(segments, known.startMicros, known.held);
  open.setSegments(known.expiryMinute, segments);
}

/** The sweep has charged the hold: what it charged is replaced. */
function closeLate(open: OpenAccount, known: CallRecord, actual: Amounts): void {
  replaceSettled(open, known, known.held, actual);
  const charged = historyRow(EXPIRED_ROW, "e", known.held);
  changeHistory(open, known.expiryMinute * MINUTE_MICROS, (rows) => takeRow(rows, charged));
}

function correct(open: OpenAccount, known: CallRecord, first: Closing, actual: Amounts): void {
  replaceSettled(open, known, first.actual, actual);
  if (first.source === "-") return;
  const row = historyRow(first.row, first.source, first.actual, first.kinds);
  changeHistory(open, known.startMicros, (rows) => takeRow(rows, row));
}

function replaceSettled(open: OpenAccount, known: CallRecord, before: Amounts, after: Amounts): void {
  for (const window of countingWindows(open, known.startMicros)) {
    window.committed = addAmounts(addAmounts(window.committed, after), before, -1);
    window.settled = addAmounts(addAmounts(window.settled, after), before, -1);
  }
}

/** A hold counts in a window if and only if it began no earlier than the window's base. */
function countingWindows(open: OpenAccount, startMicros: number) {
  return open.account.windows.filter((window) => startMicros >= window.baseMicros);
}

function changeHistory(
  open: OpenAccount,
  atMicros: number,
  change: (rows: ReturnType<OpenAccount["history"]>) => void,
): void {
  const field = historyField(atMicros, open.account.lastMicros);
  const rows = open.history(field);
  change(rows);
  if (rows.length > 0) open.setHistory(field, rows);
}
