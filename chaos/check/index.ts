/** The journal against the ledger: what contradicts, as sentences. No rule of the ledger's own code is used here. */
import type { JournaledOperation } from "../journal.ts";
import type { LedgerState } from "../ledger-state.ts";
import { checkAccounts } from "./accounts.ts";
import { checkAdmissions } from "./admissions.ts";
import { checkCalls } from "./calls.ts";

export interface CheckInput {
  operations: JournaledOperation[];
  state: LedgerState;
  isFaulted: (operation: JournaledOperation) => boolean;
}

export function check({ operations, state, isFaulted }: CheckInput): string[] {
  const contradictions: string[] = [];
  const contradict = (text: string) => void contradictions.push(text);
  const applied = checkCalls({ operations, state, isFaulted }, contradict);
  checkAccounts(state, applied, contradict);
  checkAdmissions(operations, applied, contradict);
  return contradictions;
}
