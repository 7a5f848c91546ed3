/** The rules are held against bookkeeping that knows no wheel and no bases: a plain list of all calls, added up. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAccount } from "../../src/ledger/account.ts";
import { createStore } from "../../src/ledger/backed-store.ts";
import { parseHistory } from "../../src/ledger/history.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import type { Amounts, CloseAnswer, RecordAnswer, ReserveAnswer } from "../../src/ledger/store.ts";
import { CORNER_CASES } from "./corner-cases.ts";
import {
  outcomeOf,
  PROPERTY_TIMEOUT_MS,
  perform,
  propertyRuns,
  type Sent,
  START_MS,
  type Step,
  sequences,
} from "./random-steps.ts";

/** A call as its caller knows it. */
interface ListedCall {
  id: string;
  scopes: string[];
  startMicros: number;
  expiryMinute: number;
  held: Amounts;
  closed: Amounts | undefined;
}

/** Writes down what an answer says has happened. */
function writeDown(
  calls: ListedCall[],
  step: Step,
  { sent, answer }: { sent: Sent[]; answer: unknown },
): void {
  if (step.kind === "reserve") {
    const held = answer as ReserveAnswer;
    const own = sent.at(-1);
    if (held.outcome !== "held" || held.replayed || own === undefined) return;
    calls.push({
      ...listed(own, held.startedAtMicros),
      expiryMinute: held.expiresAtMs / 60_000 - 1,
      held: held.held,
    });
  } else if (step.kind === "record") {
    const booked = answer as RecordAnswer;
    const own = sent.at(-1);
    if (booked.outcome !== "booked" || booked.replayed || own === undefined) return;
    calls.push({ ...listed(own, Math.round(booked.nowMs * 1000)), closed: booked.booking.actual });
  } else if (step.kind === "settle" || step.kind === "release") {
    const closed = answer as CloseAnswer | undefined;
    const own = sent[step.target];
    if (closed?.outcome !== "booked" || closed.replayed || own === undefined) return;
    if (closed.unknownToStore) calls.push(listed(own, Math.round(closed.nowMs * 1000)));
    const call = calls.findLast(({ id }) => id === own.id);
    if (call !== undefined) call.closed = closed.booking.actual;
  }
}

function listed({ id, chain }: Sent, startMicros: number): ListedCall {
  const nothing = { nanoUsd: 0, tokens: 0, requests: 0 };
  const scopes = chain.map(({ scope }) => scope);
  return { id, scopes, startMicros, expiryMinute: 0, held: nothing, closed: undefined };
}

function sumOf(calls: ListedCall[], amountsOf: (call: ListedCall) => Amounts | undefined): Amounts {
  const sum = { nanoUsd: 0, tokens: 0, requests: 0 };
  for (const amounts of calls.map(amountsOf)) {
    sum.nanoUsd += amounts?.nanoUsd ?? 0;
    sum.tokens += amounts?.tokens ?? 0;
    sum.requests += amounts?.requests ?? 0;
  }
  return sum;
}

/** Every open window counts the calls since its base; history counts them all. */
function compare(backend: MemoryBackend, namespace: string, calls: ListedCall[]): void {
  for (const [scope, fields] of backend.namespace(namespace).accounts) {
    const { windows, sweptMinute, lastMicros } = parseAccount(scope, fields);
    const own = calls.filter(({ scopes }) => scopes.includes(scope));
    const settled = ({ closed, held, expiryMinute }: ListedCall) =>
      closed ?? (expiryMinute < sweptMinute ? held : undefined);
    for (const window of windows.filter(({ endSeconds }) => lastMicros < endSeconds * 1e6)) {
      const counted = own.filter(({ startMicros }) => startMicros >= window.baseMicros);
      expect(window.settled, `${scope} ${window.name} settled`).toEqual(sumOf(counted, settled));
      const committed = sumOf(counted, ({ closed, held }) => closed ?? held);
      expect(window.committed, `${scope} ${window.name} committed`).toEqual(committed);
    }
    const rows = [...fields]
      .filter(([field]) => /^[HD]:/.test(field))
      .flatMap(([, text]) => parseHistory(text) ?? []);
    const spentNanoUsd = rows.reduce((sum, row) => sum + row.nanoUsd, 0);
    expect(spentNanoUsd, `${scope} history`).toBe(sumOf(own, settled).nanoUsd);
  }
}

describe("The rules", () => {
  it(
    "count what a plain list of all calls adds up to, over random sequences",
    async () => {
      const property = fc.asyncProperty(sequences, async (steps) => {
        let nowMs = START_MS;
        const namespace = "list";
        const backend = new MemoryBackend({ now: () => nowMs });
        const caller = { store: createStore(backend), sent: [] as Sent[], namespace };
        const calls: ListedCall[] = [];
        for (const [place, [step, jumpMs]] of steps.entries()) {
          const answer = await outcomeOf(perform({ ...caller, place }, step));
          writeDown(calls, step, { sent: caller.sent, answer });
          compare(backend, namespace, calls);
          nowMs += jumpMs;
        }
      });
      await fc.assert(property, propertyRuns(CORNER_CASES));
    },
    PROPERTY_TIMEOUT_MS,
  );
});
