/** Random sequences in which the lists of all scopes stay as they are and time passes slowly: most operations go the short way. */
import fc from "fast-check";
import type { ChainLink } from "../../src/ledger/store.ts";
import { type Beat, limits, type Sequence, type Step, sequences } from "./random-steps.ts";

const SCOPES = ["user:1", "user:2", "team:a", "org:acme", "run:1"];

/** Over a minute's end now and then, never over an hour. */
const MOST_MS = 200_000;

type Lists = ChainLink["limits"][];

export const steadySequences: fc.Arbitrary<Sequence> = fc
  .tuple(sequences, fc.array(limits, { minLength: SCOPES.length, maxLength: SCOPES.length }))
  .map(([beats, lists]) => beats.map((beat) => steadyBeat(beat, lists)));

function steadyBeat(beat: Beat, lists: Lists): Beat {
  const calls = beat.calls.map((call) => ({ ...call, step: steadyStep(call.step, lists) }));
  return { ...beat, calls, jumpMs: Math.abs(beat.jumpMs) % MOST_MS };
}

function steadyStep(step: Step, lists: Lists): Step {
  const steady = (chain: ChainLink[]) =>
    chain.map(({ scope }) => ({ scope, limits: lists[SCOPES.indexOf(scope)] }));
  if (step.kind === "settle" && step.otherChain !== undefined)
    return { ...step, otherChain: steady(step.otherChain) };
  return "chain" in step ? { ...step, chain: steady(step.chain) } : step;
}
