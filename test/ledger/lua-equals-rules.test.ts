/**
 * Three ledgers, held against each other over random sequences of callers at once: the Lua answers and keeps, byte by
 * byte, what the rules in TypeScript do, and both what the naive ledger adds up from a plain list of all operations.
 */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { CORNER_CASES } from "./corner-cases.ts";
import { play } from "./play.ts";
import { playedMemory, playedRedis } from "./played-ledgers.ts";
import { PROPERTY_TIMEOUT_MS, propertyRuns, sequences } from "./random-steps.ts";

describe("The scripts in Redis, the rules, and a plain list of all operations added up", () => {
  const client = new Redis(inject("redisUrl"));
  const transport = tcpTransport(inject("redisUrl"));
  afterAll(async () => {
    await transport.close?.();
    await client.quit();
  });

  it(
    "agree on every answer and everything that is kept",
    async () => {
      const property = fc.asyncProperty(sequences, async (beats) => {
        const byTheRules = await play(playedMemory(), beats);
        const inRedis = await play(playedRedis(transport, client), beats);
        expect(inRedis).toEqual(byTheRules);
      });
      await fc.assert(property, propertyRuns(CORNER_CASES));
    },
    PROPERTY_TIMEOUT_MS,
  );
});
