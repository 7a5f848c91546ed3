/** An administrator's operations on one scope: reset, pause, resume, stored limits, and taking an alert's mark off. */
import { HAS_STORED_LIMITS, PAUSED, parseList } from "../account.ts";
import type { AdministerCommand } from "../commands.ts";
import { noLimits } from "../limits.ts";
import type { AdminRecord } from "../operation-record.ts";
import { clear, newWindow, openAccounts, prepare, timeOf } from "./prepare.ts";
import {
  type LedgerState,
  type OpenAccount,
  type Outcome,
  openRecord,
  refusal,
  reply,
  writesOf,
} from "./state.ts";

export function administer(state: LedgerState, command: AdministerCommand, nowMicros: number): Outcome {
  const known = openRecord(state, command.id);
  if (known !== undefined) {
    const accounts = openAccounts(state, command.scopes);
    const isSame = known.kind === "admin" && known.argumentsHash === command.argumentsHash;
    return refusal(isSame ? "REPLAY" : "CONFLICT", timeOf(accounts, nowMicros), accounts);
  }
  const prepared = prepare(state, { ...command, recreateLost: command.action === "reset" }, nowMicros);
  if (prepared.refused !== undefined) return prepared.refused;
  const { accounts, atMicros } = prepared;
  for (const open of accounts) apply(open, command, atMicros);

  const record: AdminRecord = { kind: "admin", argumentsHash: command.argumentsHash, atMicros };
  const operation = { id: command.id, record, timeToLiveMs: command.retentionMs };
  const writes = writesOf(accounts, operation, atMicros);
  if (command.action !== "unmark") {
    const scope = accounts[0]?.scope ?? "";
    writes.log.push(`${atMicros} ${command.action} ${scope} ${command.id} ${command.detail}`);
  }
  return { reply: reply("OK", atMicros, accounts), writes };
}

function apply(open: OpenAccount, command: AdministerCommand, atMicros: number): void {
  const { account } = open;
  switch (command.action) {
    case "reset":
      for (const window of account.windows) clear(window, atMicros);
      return;
    case "pause":
      account.flags |= PAUSED;
      open.pauseReason = command.detail === "" ? undefined : command.detail;
      return;
    case "resume":
      account.flags &= ~PAUSED;
      open.pauseReason = undefined;
      return;
    case "limits":
      storeLimits(open, command.detail, atMicros);
      return;
    case "unmark":
      unmark(open, command.detail);
      return;
    default:
      command.action satisfies never;
  }
}

/** Stored limits replace all that were stored before; a window that only they need is counted from now on. */
function storeLimits(open: OpenAccount, list: string, atMicros: number): void {
  const { account } = open;
  const limits = parseList(list) ?? [];
  for (const window of account.windows) window.stored = undefined;
  for (const { hard, soft, ...bounds } of limits) {
    const known = account.windows.find((window) => window.name === bounds.name);
    const fresh = {
      ...newWindow({ ...bounds, hard: noLimits(), soft: noLimits() }, atMicros),
      listed: false,
    };
    const window = known ?? { ...fresh, sentSinceRoll: false };
    window.stored = { hard, soft };
    if (known === undefined) account.windows.push(window);
  }
  account.flags = limits.length > 0 ? account.flags | HAS_STORED_LIMITS : account.flags & ~HAS_STORED_LIMITS;
}

/** `window:letter:millionths:base`, as in a crossing. */
function unmark(open: OpenAccount, crossing: string): void {
  const [name, letter, millionths, base] = crossing.split(":");
  const window = open.account.windows.find((candidate) => candidate.name === name);
  if (window === undefined || String(window.baseMicros) !== base) return;
  window.fired = window.fired.filter((mark) => mark !== `${letter}${millionths}`);
}
