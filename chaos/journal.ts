/** The journal: what callers sent and what they were told, one line each, in a file that outlives its writer. */
import { openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { steadyMicros } from "./clock.ts";

/** Nano-USD, tokens, requests. */
export type Triple = [nanoUsd: number, tokens: number, requests: number];

interface SentBase {
  id: string;
  /** Leaf first. */
  scopes: string[];
  /** Tells the operations under one id apart; a retry has the same. */
  hash: string;
}
export type SentReserve = SentBase & {
  kind: "reserve";
  attempt: string;
  /** Null tokens: not known beforehand. */
  asked: [nanoUsd: number, tokens: number | null, requests: number];
  expiresInSeconds: number;
  limits: "sent" | "recorded";
};
export type SentSettle = SentBase & {
  kind: "settle";
  source: "reported" | "estimated";
  /** Null: what is held. */
  actual: Triple | null;
  model: string;
  tokenKinds: number[];
};
export type SentRelease = SentBase & { kind: "release"; attempt: string | null };
export type SentRecord = SentBase & {
  kind: "record";
  actual: Triple;
  model: string;
  tokenKinds: number[];
  limits: "sent" | "recorded";
};
export type SentChange = SentBase & { kind: "reset" | "pause" | "resume" };
export type SentOperation = SentReserve | SentSettle | SentRelease | SentRecord | SentChange;

/** One window as an answer showed it. */
export type SeenWindow = [scope: string, window: string, settled: Triple, held: Triple];

/** What a caller was told. */
export interface Told {
  outcome: string;
  replayed: boolean;
  /** The ledger's time of the answer, in microseconds. */
  ledgerMicros: number;
  startMicros?: number;
  expiresAtMs?: number;
  held?: Triple;
  booking?: { actual: Triple; source: string };
  /** Each as `scope window metric threshold base`. */
  crossings: string[];
  /** Of admissions and denials. */
  windows: SeenWindow[];
}

/** An operation from its caller's side. Times are microseconds of the steady clock. */
export interface JournaledOperation {
  sent: SentOperation;
  sentAtMicros: number;
  /** Missing: the caller died before an answer came. */
  endedAtMicros?: number;
  told?: Told;
  /** The error's code and message: whether it was applied is not known. */
  failed?: string;
}

type Line =
  | [number: number, atMicros: number, "sent", SentOperation]
  | [number: number, atMicros: number, "told", Told]
  | [number: number, atMicros: number, "failed", string];

export interface JournalWriter {
  /** Written before the operation is sent. Returns its number. */
  sent(operation: SentOperation): number;
  told(number: number, told: Told): void;
  failed(number: number, error: string): void;
  /** How many operations were sent. */
  count(): number;
}

export function journalWriter(folder: string, name: string): JournalWriter {
  const file = openSync(join(folder, `${name}.journal`), "a");
  let numbers = 0;
  // The kernel has the line when this returns: a killed process loses none.
  const write = (line: Line) => writeSync(file, `${JSON.stringify(line)}\n`);
  return {
    sent(operation) {
      numbers += 1;
      write([numbers, steadyMicros(), "sent", operation]);
      return numbers;
    },
    told: (number, told) => void write([number, steadyMicros(), "told", told]),
    failed: (number, error) => void write([number, steadyMicros(), "failed", error]),
    count: () => numbers,
  };
}

/** All operations of all journals of a folder, by the time of their sending. */
export function readJournals(folder: string): JournaledOperation[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".journal"));
  const operations = files.flatMap((name) => readJournal(readFileSync(join(folder, name), "utf8")));
  return operations.sort((a, b) => a.sentAtMicros - b.sentAtMicros);
}

function readJournal(text: string): JournaledOperation[] {
  const operations = new Map<number, JournaledOperation>();
  // After the last line break stands nothing, or what a dying process wrote of a line.
  for (const line of text.split("\n").slice(0, -1)) {
    const [number, atMicros, ...event] = JSON.parse(line) as Line;
    if (event[0] === "sent") {
      operations.set(number, { sent: event[1], sentAtMicros: atMicros });
      continue;
    }
    const operation = operations.get(number);
    if (operation === undefined) throw new Error(`The journal answers ${number}, which it never sent.`);
    operation.endedAtMicros = atMicros;
    if (event[0] === "told") operation.told = event[1];
    else operation.failed = event[1];
  }
  return [...operations.values()];
}
