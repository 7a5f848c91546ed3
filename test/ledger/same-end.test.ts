/** Requests that arrive twice and answers that get lost leave no trace: a ledger ends as if nothing of it had happened. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { play } from "./play.ts";
import { playedMemory, playedRedis } from "./played-ledgers.ts";
import { ANSWERED, type Beat, type Fate, type Sequence, type Step, sequences } from "./random-steps.ts";
import type { PlayedLedger } from "./unreliable-wire.ts";

const client = new Redis(inject("redisUrl"));
const transport = tcpTransport(inject("redisUrl"));
afterAll(async () => {
  await transport.close?.();
  await client.quit();
});

const LEDGERS: [name: string, numRuns: number, make: () => PlayedLedger][] = [
  ["memory", 100, playedMemory],
  ["Redis", 25, () => playedRedis(transport, client)],
];

/** The same operations one after the other, with one fate for all: whatever is sent again, the clock shows the same. */
function withFate(beats: Sequence, fate: Fate): Sequence {
  return beats.map((beat) => {
    const calls = beat.calls.slice(0, 1).map((call) => ({ ...call, fate }));
    return { ...beat, calls, gapMs: 0 };
  });
}

interface GivenUp {
  /** When the request arrives, past its release; null: never. */
  arrivesAfterBeats: number | null;
  /** Whether the next attempt of the same id comes before that release. */
  nextComes: "before" | "after";
}

/**
 * The same, and to each reserve belongs an earlier attempt of the same id that its caller gives up. All within the minutes
 * for which that is remembered; an id that the ledger loses is left out, since what was given up is lost with it.
 */
function withGivenUpAttempts(beats: Sequence, { arrivesAfterBeats, nextComes }: GivenUp): Sequence {
  return withFate(beats, ANSWERED).flatMap((beat) => {
    const alone = (step: Step, fate = ANSWERED): Beat => {
      return { ...beat, calls: [{ caller: 0, step, fate }], jumpMs: Math.abs(beat.jumpMs) % 3_000 };
    };
    const giveUp = (target: number) => alone({ kind: "release", target, own: true });
    const step = beat.calls[0]?.step;
    if (step === undefined || step.kind === "loseId") return [];
    if (step.kind !== "reserve") return [alone(step)];
    const first = alone(
      { ...step, reuse: null },
      { original: "request lost", copyAfterBeats: arrivesAfterBeats },
    );
    const next = alone({ ...step, reuse: { target: -1, isSameAttempt: false } });
    return nextComes === "after" ? [first, giveUp(-1), next] : [first, next, giveUp(-2)];
  });
}

describe.each(LEDGERS)("A ledger in %s", (_name, numRuns, make) => {
  it("answers and ends as ever when every request arrives twice", async () => {
    const property = fc.asyncProperty(sequences, async (beats) => {
      const smooth = await play(make(), withFate(beats, ANSWERED));
      const doubled = await play(make(), withFate(beats, { ...ANSWERED, copyAfterBeats: 0 }));
      expect(doubled).toEqual(smooth);
    });
    await fc.assert(property, { numRuns });
  });

  it("ends as ever when every first answer gets lost and its request is sent again", async () => {
    const property = fc.asyncProperty(sequences, async (beats) => {
      const smooth = await play(make(), withFate(beats, ANSWERED));
      const resent: Fate = { original: "answer lost, sent again", copyAfterBeats: null };
      expect((await play(make(), withFate(beats, resent))).dump).toEqual(smooth.dump);
    });
    await fc.assert(property, { numRuns });
  });

  it.each(["before", "after"] as const)(
    "ends as if a reserve had never arrived that comes past its release, with the next attempt sent %s that",
    async (nextComes) => {
      const property = fc.asyncProperty(
        sequences,
        fc.integer({ min: 3, max: 8 }),
        async (beats, arrivesAfterBeats) => {
          const never = withGivenUpAttempts(beats, { arrivesAfterBeats: null, nextComes });
          const late = withGivenUpAttempts(beats, { arrivesAfterBeats, nextComes });
          expect((await play(make(), late)).dump).toEqual((await play(make(), never)).dump);
        },
      );
      await fc.assert(property, { numRuns });
    },
  );
});
