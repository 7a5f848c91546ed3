/** The ledgers that sequences are played on: in memory, and in a Redis whose clock the sequence moves. */
import type { Redis } from "ioredis";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import { operationKey } from "../../src/redis/keys.ts";
import { RedisBackend } from "../../src/redis/redis-store.ts";
import type { ScriptTransport } from "../../src/redis/transport.ts";
import { clearRedis, dumpMemory, dumpRedis } from "../support/state-dump.ts";
import type { PlayedLedger } from "./unreliable-wire.ts";

export function playedMemory(): PlayedLedger {
  const namespace = "played";
  let backend = new MemoryBackend({});
  return {
    namespace,
    keepsIds: false,
    open(clock) {
      backend = new MemoryBackend({ now: () => clock.nowMs });
      return backend;
    },
    async loseIds(ids) {
      for (const id of ids) backend.namespace(namespace).operations.delete(id);
    },
    dump: async () => dumpMemory(backend, namespace),
  };
}

let played = 0;

/** @param client the same Redis, for what happens behind the ledger's back. */
export function playedRedis(transport: ScriptTransport, client: Redis): PlayedLedger {
  played += 1;
  const namespace = `played-${process.pid}-${played}`;
  return {
    namespace,
    keepsIds: true,
    open: (clock) => new RedisBackend(transport, { localClock: () => clock.nowMs }),
    async loseIds(ids) {
      if (ids.length > 0) await client.del(ids.map((id) => operationKey(namespace, id)));
    },
    async dump() {
      const dump = await dumpRedis(client, namespace);
      await clearRedis(client, namespace);
      return dump;
    },
  };
}
