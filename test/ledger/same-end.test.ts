/** Requests that arrive twice and answers that get lost leave no trace: a ledger ends as if nothing of it had happened. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { play } from "./play.ts";
import { playedMemory, playedRedis } from "./played-ledgers.ts";
import { ANSWERED, type Fate, type Sequence, sequences } from "./random-steps.ts";
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
});
