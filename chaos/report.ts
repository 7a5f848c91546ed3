/** What a run of chaos has done and found. */
import type { JournaledOperation } from "./journal.ts";
import { type DoneFault, NETWORK_FAULTS } from "./network-faults.ts";
import { SERVER_FAULTS, type ServerFault } from "./server-faults.ts";

export interface ChaosReport {
  seed: number;
  /** How long callers sent. */
  seconds: number;
  operations: number;
  /** Those that met a fault of the network, or of a server while they were under way, and those that nobody answered. */
  faultedOperations: number;
  /** Their callers never learnt what came of them. */
  unansweredOperations: number;
  /** By kind and outcome, such as `reserve held`; `no answer` where none came, `caller died` where nobody waited for one. */
  outcomes: Record<string, number>;
  /** By kind, those of the network also by wire. */
  faults: Record<string, number>;
  accounts: number;
  /** Where journal and ledger differ; empty when the ledger is exact. */
  contradictions: string[];
  /** Kept when there are contradictions. */
  journalFolder: string;
}

export interface ReportInput {
  seed: number;
  seconds: number;
  operations: JournaledOperation[];
  isFaulted: (operation: JournaledOperation) => boolean;
  networkFaults: DoneFault[];
  serverFaults: ServerFault[];
  accounts: number;
  contradictions: string[];
  journalFolder: string;
}

export function reportOf(input: ReportInput): ChaosReport {
  const { seed, seconds, operations, isFaulted, accounts, contradictions, journalFolder } = input;
  const faults: Record<string, number> = {};
  for (const kind of SERVER_FAULTS) faults[kind] = 0;
  for (const wire of ["tcp", "rest"]) for (const kind of NETWORK_FAULTS) faults[`${wire} ${kind}`] = 0;
  for (const { kind } of input.serverFaults) count(faults, kind);
  for (const { wire, kind } of input.networkFaults) count(faults, `${wire} ${kind}`);
  const outcomes: Record<string, number> = {};
  for (const operation of operations) count(outcomes, `${operation.sent.kind} ${outcomeOf(operation)}`);
  return {
    seed,
    seconds,
    operations: operations.length,
    faultedOperations: operations.filter(isFaulted).length,
    unansweredOperations: operations.filter(({ told }) => told === undefined).length,
    outcomes,
    faults,
    accounts,
    contradictions,
    journalFolder,
  };
}

function outcomeOf({ told, failed }: JournaledOperation): string {
  if (told !== undefined) return told.replayed ? `${told.outcome} before` : told.outcome;
  return failed === undefined ? "caller died" : "no answer";
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Tells of an operation whether a fault met it. */
export function faultFinder(
  networkFaults: Pick<DoneFault, "ids" | "atMicros">[],
  serverFaults: ServerFault[],
): (operation: JournaledOperation) => boolean {
  const timesById = new Map<string, number[]>();
  for (const { ids, atMicros } of networkFaults) {
    for (const id of ids) timesById.set(id, [...(timesById.get(id) ?? []), atMicros]);
  }
  return ({ sent, sentAtMicros, endedAtMicros, told }) => {
    if (told === undefined || endedAtMicros === undefined) return true;
    const isMet = (fromMicros: number, toMicros: number) =>
      fromMicros <= endedAtMicros && toMicros >= sentAtMicros;
    if (timesById.get(sent.id)?.some((atMicros) => isMet(atMicros, atMicros))) return true;
    return serverFaults.some(({ fromMicros, toMicros }) => isMet(fromMicros, toMicros));
  };
}

const SHOWN_CONTRADICTIONS = 20;

/** As lines for people. */
export function reportLines(report: ChaosReport): string[] {
  const { seed, seconds, operations, faultedOperations, unansweredOperations, accounts, contradictions } =
    report;
  const verdict =
    contradictions.length === 0
      ? [`Exact: journal and ledger agree to the nano-USD in ${accounts} accounts.`]
      : [
          `NOT EXACT: ${contradictions.length} contradictions between journal and ledger. The journals are in ${report.journalFolder}.`,
          ...contradictions.slice(0, SHOWN_CONTRADICTIONS).map((text) => `  ${text}`),
        ];
  return [
    `${text(operations)} operations in ${Math.round(seconds)} s, ${text(faultedOperations)} of them faulted, ${text(unansweredOperations)} without an answer`,
    "",
    ...table("Outcomes", report.outcomes),
    "",
    ...table("Faults", report.faults),
    "",
    ...verdict,
    `Seed ${seed}: \`npm run chaos -- --seed ${seed}\` draws the same errands and faults again; when the system lets which process run is not in its hands.`,
  ];
}

function table(title: string, counts: Record<string, number>): string[] {
  const rows = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return [title, ...rows.map(([name, number]) => `  ${text(number).padStart(9)}  ${name}`)];
}

const text = (number: number): string => number.toLocaleString("en-US");
