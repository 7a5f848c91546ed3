/** The ledger's own boundary: what a store would keep is checked before it is sent, whoever asks. */
import { InvalidOptionsError, InvalidUsageError } from "../errors.ts";
import type { LedgerCommand } from "./commands.ts";
import { METRICS } from "./limits.ts";
import { MAX_AMOUNT } from "./money.ts";
import { checkChain, parseId, parseNamespace, parseScope, shown } from "./names.ts";
import type { RequestedAmounts } from "./store.ts";
import { MAX_HOLD_MINUTES, MINUTE_MICROS } from "./wheel.ts";

/** Words of an operation's record and of history, which are parted by spaces and semicolons. */
const WORD = /^[^\s;]{1,200}$/;
/** Attempts stand in a record parted by commas; `-` is none. */
const ATTEMPT = /^(?!-$)[^\s;,]{1,200}$/;
const MAX_RETENTION_MS = 1e13;

/**
 * @throws InvalidScopeError for a name outside its alphabet, InvalidUsageError for an amount that is no whole number from 0
 * to 9e15, InvalidOptionsError for a time or a text that can't be kept.
 */
export function checkCommand(namespace: string, command: LedgerCommand): void {
  parseNamespace(namespace);
  checkChain(command.scopes.map(({ scope }) => parseScope(scope)));
  if (command.kind === "read") return;
  parseId(command.id);
  checkWord("argumentsHash", command.argumentsHash);
  checkWhole("retentionMs", command.retentionMs, MAX_RETENTION_MS);
  if (command.kind === "administer") return;
  if (command.kind === "reserve") {
    checkAmounts(command.requested);
    checkAttempt(command.attempt);
    checkWhole("expiresInMicros", command.expiresInMicros, MAX_HOLD_MINUTES * MINUTE_MICROS);
    return;
  }
  if (command.kind !== "record" && command.attempt !== undefined) checkAttempt(command.attempt);
  if (command.actual !== undefined) checkAmounts(command.actual);
  checkWord("model", command.row);
  for (const count of command.kinds) checkAmount("tokenKinds", count);
}

/** @throws InvalidUsageError unless each is a whole number from 0 to 9e15, or null: not known beforehand. */
export function checkAmounts(amounts: RequestedAmounts): void {
  for (const { field } of METRICS) if (amounts[field] !== null) checkAmount(field, amounts[field]);
}

function checkAmount(field: string, value: unknown): void {
  if (isWhole(value, MAX_AMOUNT)) return;
  throw new InvalidUsageError(`${field} has to be a whole number from 0 to 9e15; it is ${told(value)}.`);
}

function checkWhole(field: string, value: unknown, most: number): void {
  if (isWhole(value, most)) return;
  throw new InvalidOptionsError(`${field} has to be a whole number from 0 to ${most}; it is ${told(value)}.`);
}

function checkWord(field: string, value: unknown): void {
  if (typeof value === "string" && WORD.test(value)) return;
  throw new InvalidOptionsError(
    `${field} has to be 1 to 200 characters without spaces; it is ${told(value)}.`,
  );
}

function checkAttempt(value: unknown): void {
  if (typeof value === "string" && ATTEMPT.test(value)) return;
  throw new InvalidOptionsError(
    `attempt has to be 1 to 200 characters without spaces and commas, and not "-"; it is ${told(value)}.`,
  );
}

const told = (value: unknown): string => (typeof value === "number" ? String(value) : shown(value));

function isWhole(value: unknown, most: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most;
}
