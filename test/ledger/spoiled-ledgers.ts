/** Ledgers whose stored data a test overwrites, and the state that it begins from. */
import type { Redis } from "ioredis";
import { createStore } from "../../src/ledger/backed-store.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import type { Store } from "../../src/ledger/store.ts";
import { prefix } from "../../src/redis/keys.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import type { ScriptTransport } from "../../src/redis/transport.ts";
import { freshNamespace } from "../meter/stores.ts";
import { clearRedis, dumpMemory, dumpRedis, type StateDump } from "../support/state-dump.ts";
import { START_MS } from "./cases/bench.ts";

export interface SpoiledLedger {
  store: Store;
  namespace: string;
  clock: { nowMs: number };
  dump(): Promise<StateDump>;
  /** Makes this the whole state. */
  restore(dump: StateDump): Promise<void>;
}

export function spoiledMemory(): SpoiledLedger {
  const clock = { nowMs: START_MS };
  const backend = new MemoryBackend({ now: () => clock.nowMs });
  const namespace = freshNamespace();
  return {
    ...{ store: createStore(backend), namespace, clock },
    dump: async () => structuredClone(dumpMemory(backend, namespace)),
    async restore({ accounts, operations, index, log }) {
      const state = backend.namespace(namespace);
      for (const map of [state.accounts, state.operations, state.index]) map.clear();
      for (const [scope, fields] of Object.entries(accounts))
        state.accounts.set(scope, new Map(Object.entries(fields)));
      for (const [id, text] of Object.entries(operations))
        state.operations.set(id, { text, expiresAtMs: Number.MAX_SAFE_INTEGER });
      for (const [scope, since] of Object.entries(index)) state.index.set(scope, since);
      state.log.splice(0, state.log.length, ...log);
    },
  };
}

/** @param client the same Redis, for what happens behind the store's back. */
export function spoiledRedis(transport: ScriptTransport, client: Redis): SpoiledLedger {
  const clock = { nowMs: START_MS };
  const namespace = freshNamespace();
  const start = prefix(namespace);
  return {
    ...{ store: redisStore(transport, { localClock: () => clock.nowMs }), namespace, clock },
    dump: () => dumpRedis(client, namespace),
    async restore({ accounts, operations, index, log }) {
      await clearRedis(client, namespace);
      const commands = client.pipeline();
      for (const [scope, fields] of Object.entries(accounts)) commands.hset(`${start}s:${scope}`, fields);
      for (const [id, text] of Object.entries(operations)) commands.set(`${start}i:${id}`, text);
      commands.hset(`${start}meta`, index);
      if (log.length > 0) commands.rpush(`${start}log`, ...log);
      await commands.exec();
    },
  };
}
