/** The Lua is held against the rules in TypeScript: same commands, same answers, and every stored byte the same. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { createStore } from "../../src/ledger/backed-store.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import { operationKey } from "../../src/redis/keys.ts";
import { RedisBackend } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { clearRedis, dumpMemory, dumpRedis } from "../support/state-dump.ts";
import { CORNER_CASES } from "./corner-cases.ts";
import {
  outcomeOf,
  PROPERTY_TIMEOUT_MS,
  perform,
  propertyRuns,
  type Sent,
  START_MS,
  sequences,
} from "./random-steps.ts";

describe("The scripts in Redis", () => {
  const redisUrl = inject("redisUrl");
  const client = new Redis(redisUrl);
  const transport = tcpTransport(redisUrl);
  afterAll(async () => {
    await transport.close?.();
    await client.quit();
  });

  it(
    "answer and store exactly what the rules say, over random sequences",
    async () => {
      let nowMs = START_MS;
      let runs = 0;
      const property = fc.asyncProperty(sequences, async (steps) => {
        nowMs = START_MS;
        runs += 1;
        const namespace = `lua-${process.pid}-${runs}`;
        const memory = new MemoryBackend({ now: () => nowMs });
        const redis = new RedisBackend(transport, { localClock: () => nowMs });
        const inMemory = { store: createStore(memory), sent: [] as Sent[] };
        const inRedis = { store: createStore(redis), sent: [] as Sent[] };
        for (const [place, [step, jumpMs]] of steps.entries()) {
          const expected = await outcomeOf(perform({ ...inMemory, namespace, place }, step));
          const answer = await outcomeOf(perform({ ...inRedis, namespace, place }, step));
          expect(answer, `step ${place}: ${step.kind}`).toEqual(expected);
          nowMs += jumpMs;
          await forgetExpired(memory, namespace);
        }
        expect(await dumpRedis(client, namespace)).toEqual(dumpMemory(memory, namespace));
        await clearRedis(client, namespace);
      });
      await fc.assert(property, propertyRuns(CORNER_CASES));

      /** The test's clock jumps, the server's does not: what the model has forgotten, the server forgets now. */
      async function forgetExpired(memory: MemoryBackend, namespace: string): Promise<void> {
        const { operations } = memory.namespace(namespace);
        for (const [id, { expiresAtMs }] of operations) {
          if (expiresAtMs > nowMs) continue;
          operations.delete(id);
          await client.del(operationKey(namespace, id));
        }
      }
    },
    PROPERTY_TIMEOUT_MS,
  );
});
