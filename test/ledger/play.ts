/** Plays a random sequence on a ledger: three callers at once, each command held against the naive ledger. */
import { deepEqual, equal } from "node:assert/strict";
import { createStore } from "../../src/ledger/backed-store.ts";
import type { CheckAnswer, HistoryAnswer, ReserveAnswer, Store } from "../../src/ledger/store.ts";
import type { StateDump } from "../support/state-dump.ts";
import { compareState, toldDenials, toldSpent } from "./naive-comparison.ts";
import { aimAtHold, outcomeOf, perform, type Sent } from "./perform-step.ts";
import { type Beat, type Sequence, START_MS, type Step } from "./random-steps.ts";
import { type Clock, type PlayedLedger, type Sender, UnreliableWire } from "./unreliable-wire.ts";

/** How far the callers' own clocks are off, in milliseconds. */
const CALLERS_OFF_MS = [0, 86_400_000, -130_000];

interface Caller extends Sender {
  store: Store;
}

/**
 * Every answer in order, and what the ledger keeps at the end.
 *
 * @throws AssertionError where a reply or the state is not what the naive ledger predicts.
 */
export async function play(
  ledger: PlayedLedger,
  beats: Sequence,
): Promise<{ answers: unknown[]; dump: StateDump }> {
  const clock: Clock = { nowMs: START_MS };
  const wire = new UnreliableWire(ledger, clock);
  const callers = CALLERS_OFF_MS.map((offMs, number) => newCaller(wire, { offMs, number }));
  const sent: Sent[] = [];
  const answers: unknown[] = [];
  for (const [number, beat] of beats.entries()) {
    await wire.beginBeat(number);
    answers.push(await playBeat(beat, { wire, callers, sent, number }));
    if (beat.jumpMs < 0) await wire.forgetForGood();
    clock.nowMs += beat.jumpMs;
  }
  await wire.forgetForGood();
  const dump = await ledger.dump();
  compareState(wire.naive, dump, clock.nowMs);
  return { answers, dump };
}

function newCaller(wire: UnreliableWire, { offMs, number }: { offMs: number; number: number }): Caller {
  const caller: Caller = {
    store: createStore({
      now: () => wire.clock.nowMs + offMs,
      execute: async (_namespace, command) => {
        await wire.turns.wait(number);
        return wire.send(command, caller);
      },
    }),
    fate: { original: "answered", copyAfterBeats: null },
    step: undefined,
    expected: undefined,
  };
  return caller;
}

/** The calls of a beat begin together; its order says whose round is next. */
async function playBeat(
  { calls, order, gapMs }: Beat,
  { wire, callers, sent, number }: { wire: UnreliableWire; callers: Caller[]; sent: Sent[]; number: number },
): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const [place, { caller: callerNumber, step, fate }] of calls.entries()) {
    const caller = callers[callerNumber];
    if (caller === undefined) throw new Error(`There is no caller ${callerNumber}.`);
    Object.assign(caller, { fate, step, expected: undefined });
    const name = `${number}.${callerNumber}`;
    const retentionSeconds = number % 3 === 0 ? 900 : 86_400;
    const sender = { store: caller.store, namespace: wire.namespace, sent, name, retentionSeconds };
    await wire.turns.begin(async () => {
      if (step.kind === "loseId") return wire.loseId(aimAtHold(sent, step.target)?.id);
      answers[place] = await outcomeOf(perform(sender, step));
      wire.noteFailure(() => compareAnswer(step, answers[place], caller.expected));
    });
  }
  for (let turn = 0; wire.turns.waiting().length > 0; turn += 1) {
    const waiting = wire.turns.waiting();
    const next = waiting[(order[turn % order.length] ?? 0) % waiting.length];
    if (next !== undefined) await wire.turns.goOn(next);
    wire.clock.nowMs += gapMs;
  }
  if (wire.failure !== undefined) throw wire.failure;
  return answers;
}

const OUTCOMES: Partial<Record<string, string>> = { OK: "held", REPLAY: "held" };

function compareAnswer(step: Step, answer: unknown, expected: Sender["expected"]): void {
  if (expected === undefined || typeof answer !== "object" || answer === null || "error" in answer) return;
  if (step.kind === "check") {
    deepEqual(toldDenials((answer as CheckAnswer).denials), expected.denials, "denials of a check");
  } else if (step.kind === "history") {
    deepEqual(toldSpent(answer as HistoryAnswer, step.by), expected.spent, "spend that a reader was told");
  } else if (step.kind === "reserve") {
    const reserved = answer as ReserveAnswer;
    equal(reserved.outcome, OUTCOMES[expected.code] ?? expected.code.toLowerCase(), "outcome of a reserve");
    if (reserved.outcome === "denied") deepEqual(toldDenials(reserved.denials), expected.denials, "denials");
  }
}
