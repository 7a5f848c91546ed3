/** The ledgers that sequences are played on: in memory, and in a Redis whose clock the sequence moves. */
import type { Redis } from "ioredis";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import { accountKey, operationKey } from "../../src/redis/keys.ts";
import { RedisBackend } from "../../src/redis/redis-store.ts";
import type { ScriptTransport } from "../../src/redis/transport.ts";
import { clearRedis, dumpMemory, dumpRedis } from "../support/state-dump.ts";
import type { PlayedLedger } from "./unreliable-wire.ts";

export function playedMemory(): PlayedLedger {
  const namespace = "played";
  let backend = new MemoryBackend({});
  return {
    namespace,
    outlivesTime: false,
    open(clock) {
      backend = new MemoryBackend({ now: () => clock.nowMs });
      return backend;
    },
    async lose({ ids, scopes }) {
      const state = backend.namespace(namespace);
      for (const id of ids) state.operations.delete(id);
      // An idle account goes when somebody looks for it.
      for (const scope of scopes) state.account(scope);
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
    outlivesTime: true,
    open: (clock) => new RedisBackend(transport, { localClock: () => clock.nowMs }),
    async lose({ ids, scopes }) {
      const keys = ids.map((id) => operationKey(namespace, id));
      keys.push(...scopes.map((scope) => accountKey(namespace, scope)));
      if (keys.length > 0) await client.del(keys);
    },
    async dump() {
      const dump = await dumpRedis(client, namespace);
      await clearRedis(client, namespace);
      return dump;
    },
  };
}
