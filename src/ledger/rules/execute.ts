/** The rules of the ledger, pure: a state, a command and a time give a reply and the writes that go with it. */
import type { LedgerCommand } from "../commands.ts";
import { administer } from "./administer.ts";
import { close } from "./close.ts";
import { read } from "./read.ts";
import { record } from "./record.ts";
import { reserve } from "./reserve.ts";
import type { LedgerState, Outcome } from "./state.ts";

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
