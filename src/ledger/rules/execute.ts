/** The rules of the ledger, pure: a state, a command and a time give a reply and the writes that go with it. */

import { type AccountFields, parseAccount } from "../account.ts";
import { ABSENT_ACCOUNT, type LedgerCommand, type RawAccount, type ReadCommand } from "../commands.ts";
import { MAX_HOLD_MINUTES, minuteOf, wheelField } from "../wheel.ts";
import { administer } from "./administer.ts";
import { close } from "./close.ts";
import { record } from "./record.ts";
import { reserve } from "./reserve.ts";
import { type LedgerState, noWrites, type Outcome, refusal } from "./state.ts";

/** @throws StoreDataError when stored data is not of this layout. */
export function execute(state: LedgerState, command: LedgerCommand, nowMicros: number): Outcome {
  switch (command.kind) {
    case "reserve":
      return reserve(state, command, nowMicros);
    case "settle":
    case "release":
      return close(state, command);
    case "record":
      return record(state, command, nowMicros);
    case "administer":
      return administer(state, command, nowMicros);
    case "read":
      return read(state, command, nowMicros);
    default:
      return command satisfies never;
  }
}

/** A scope that nobody has used reads as absent; one that the index lists and that has vanished is lost. */
function read(state: LedgerState, { scopes, withIndex }: ReadCommand, nowMicros: number): Outcome {
  const accounts: RawAccount[] = [];
  for (const [index, { scope, idleSeconds }] of scopes.entries()) {
    const fields = state.account(scope);
    if (fields !== undefined) accounts.push(rawAccount(scope, fields, nowMicros));
    else if (idleSeconds !== undefined) accounts.push(ABSENT_ACCOUNT);
    else if (!withIndex) return refusal("INIT", nowMicros, []);
    else if (state.isIndexed(scope)) return refusal("LOST", nowMicros, [], [index]);
    else accounts.push(ABSENT_ACCOUNT);
  }
  return { reply: { code: "OK", atMicros: nowMicros, details: [], accounts }, writes: noWrites() };
}

function rawAccount(scope: string, fields: AccountFields, nowMicros: number): RawAccount {
  const { sweptMinute, lastMicros } = parseAccount(scope, fields);
  const get = (field: string) => fields.get(field);
  const end = Math.min(minuteOf(nowMicros), minuteOf(lastMicros) + MAX_HOLD_MINUTES + 2);
  const due: [number, string][] = [];
  for (let minute = sweptMinute; minute < end; minute += 1) {
    const segments = get(wheelField(minute));
    if (segments !== undefined) due.push([minute, segments]);
  }
  return { w: get("w"), o: get("o"), c: get("c"), s: get("s"), pauseReason: get("pr"), due };
}
