/** Holds the scripts in Redis against the rules in TypeScript, and both against the naive ledger. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { expect, inject } from "vitest";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { CORNER_CASES } from "./corner-cases.ts";
import { play } from "./play.ts";
import { playedMemory, playedRedis } from "./played-ledgers.ts";
import { propertyRuns, type Sequence } from "./random-steps.ts";

/**
 * Plays each sequence on both, the corner cases first: every answer and everything that is kept has to be the same byte by
 * byte, and what the naive ledger predicts. A failure prints the seed that replays it.
 */
export async function expectSameLedgers(drawn: fc.Arbitrary<Sequence>): Promise<void> {
  const client = new Redis(inject("redisUrl"));
  const transport = tcpTransport(inject("redisUrl"));
  try {
    const property = fc.asyncProperty(drawn, async (beats) => {
      const byTheRules = await play(playedMemory(), beats);
      const inRedis = await play(playedRedis(transport, client), beats);
      expect(inRedis).toEqual(byTheRules);
    });
    await fc.assert(property, propertyRuns(CORNER_CASES));
  } finally {
    await transport.close?.();
    await client.quit();
  }
}
