/** read: accounts as they stand, and on request the history of one. Writes nothing. */
import { type AccountFields, parseAccount } from "../account.ts";
import { ABSENT_ACCOUNT, type HoursRead, type RawAccount, type ReadCommand } from "../commands.ts";
import { keptHistoryFields } from "../history.ts";
import { MAX_HOLD_MINUTES, minuteOf, wheelField } from "../wheel.ts";
import { type LedgerState, noWrites, type Outcome, refusal } from "./state.ts";

/** A scope that nobody has used reads as absent; one that the index lists and that has vanished is lost. */
export function read(
  state: LedgerState,
  { scopes, history, withIndex }: ReadCommand,
  nowMicros: number,
): Outcome {
  const accounts: RawAccount[] = [];
  const details: string[] = [];
  for (const [index, { scope, idleSeconds }] of scopes.entries()) {
    const fields = state.account(scope);
    if (fields !== undefined) {
      accounts.push(rawAccount(scope, fields, nowMicros));
      if (history !== undefined) details.push(...historyOf(scope, fields, history));
    } else if (idleSeconds !== undefined) accounts.push(ABSENT_ACCOUNT);
    else if (!withIndex) return refusal("INIT", nowMicros, []);
    else if (state.isIndexed(scope)) return refusal("LOST", nowMicros, [], [index]);
    else accounts.push(ABSENT_ACCOUNT);
  }
  return { reply: { code: "OK", atMicros: nowMicros, details, accounts }, writes: noWrites() };
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

/** Fields of history and their texts, in turn. */
function historyOf(scope: string, fields: AccountFields, hours: HoursRead): string[] {
  const { lastMicros } = parseAccount(scope, fields);
  return keptHistoryFields(hours, lastMicros).flatMap((field) => {
    const text = fields.get(field);
    return text === undefined ? [] : [field, text];
  });
}
