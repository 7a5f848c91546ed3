/** What the naive ledger notes of a hold, a record and an id, and how a store tells it. */
import type { CloseCommand } from "../../src/ledger/commands.ts";
import type { Amounts } from "../../src/ledger/store.ts";
import { type Call, type Closing, type Known, type Triple, ZERO } from "./naive-books.ts";

/** So many attempts that were given up are remembered under an id, the last ones. */
const GIVEN_UP = 16;

export function chainOf({ scopes }: { scopes: { scope: string }[] }): string[] {
  return scopes.map(({ scope }) => scope);
}

/** Attempts under an id for which nobody waits. */
export function givenUpOf(known: Known): string[] {
  if (known.kind === "admin") return [];
  return known.kind === "gone" ? known.attempts : known.givenUp;
}

export function withLast(attempts: string[], attempt: string | undefined): string[] {
  if (attempt === undefined || attempts.includes(attempt)) return attempts;
  return [...attempts, attempt].slice(-GIVEN_UP);
}

export const tripleOf = ({ nanoUsd, tokens, requests }: Amounts): Triple => [nanoUsd, tokens, requests];

export function newCall(
  command: { argumentsHash: string; scopes: { scope: string }[] },
  kind: Call["kind"],
  times: Pick<Call, "startMicros" | "expiryMinute" | "held">,
): Call {
  const { argumentsHash: hash } = command;
  const nobody = { attempt: "-", givenUp: [], isShared: false };
  return { kind, hash, ...nobody, ...times, chain: chainOf(command), closed: undefined };
}

export function newClosing({
  actual,
  source,
  hash,
  row,
  kinds,
}: Pick<Closing, "actual" | "source" | "hash" | "row" | "kinds">): Closing {
  return { actual, source, hash, verdict: "0", crossings: [], row, kinds };
}

/** What a usage can't say, the requests, stays as it was counted. */
export function actualOf({ source, actual }: CloseCommand, { held, closed }: Call): Triple {
  if (source === "-") return ZERO;
  const [nanoUsd, tokens] = actual === undefined ? held : tripleOf(actual);
  const counted = closed === undefined || closed.source === "-" ? held : closed.actual;
  return [nanoUsd, tokens, counted[2]];
}

export function holdDetails({ startMicros, expiryMinute, held }: Call): string[] {
  return [String(startMicros), String(expiryMinute), held.join()];
}

export function closingDetails({ startMicros, expiryMinute }: Call, closed: Closing): string[] {
  const { actual, source, verdict, crossings } = closed;
  const text = crossings.length === 0 ? "-" : [...crossings].sort().join();
  return [String(startMicros), String(expiryMinute), actual.join(), source, verdict, text];
}
