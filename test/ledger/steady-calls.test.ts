/**
 * The scripts go a short way where nothing has changed since the last operation. Here the lists of all scopes stay as
 * they are and time passes slowly, so that most operations go it: they answer and keep what the rules do, byte by byte.
 */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import type { ChainLink } from "../../src/ledger/store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { CORNER_CASES } from "./corner-cases.ts";
import { play } from "./play.ts";
import { playedMemory, playedRedis } from "./played-ledgers.ts";
import {
  type Beat,
  limits,
  PROPERTY_TIMEOUT_MS,
  propertyRuns,
  type Sequence,
  type Step,
  sequences,
} from "./random-steps.ts";

const SCOPES = ["user:1", "user:2", "team:a", "org:acme", "run:1"];

type Lists = ChainLink["limits"][];

function steadyStep(step: Step, lists: Lists): Step {
  if (!("chain" in step)) return step;
  const chain = step.chain.map(({ scope }) => ({ scope, limits: lists[SCOPES.indexOf(scope)] }));
  return { ...step, chain };
}

function steadyBeat(beat: Beat, lists: Lists): Beat {
  const calls = beat.calls.map((call) => ({ ...call, step: steadyStep(call.step, lists) }));
  return { ...beat, calls, jumpMs: Math.abs(beat.jumpMs) % 3_000 };
}

const steadySequences: fc.Arbitrary<Sequence> = fc
  .tuple(sequences, fc.array(limits, { minLength: SCOPES.length, maxLength: SCOPES.length }))
  .map(([beats, lists]) => beats.map((beat) => steadyBeat(beat, lists)));

describe("Calls between which nothing changes", () => {
  const client = new Redis(inject("redisUrl"));
  const transport = tcpTransport(inject("redisUrl"));
  afterAll(async () => {
    await transport.close?.();
    await client.quit();
  });

  it(
    "are answered and kept by the short way as by the rules",
    async () => {
      const property = fc.asyncProperty(steadySequences, async (beats) => {
        const byTheRules = await play(playedMemory(), beats);
        const inRedis = await play(playedRedis(transport, client), beats);
        expect(inRedis).toEqual(byTheRules);
      });
      await fc.assert(property, propertyRuns(CORNER_CASES));
    },
    PROPERTY_TIMEOUT_MS,
  );
});
