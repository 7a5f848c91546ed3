/** Stores with a clock that the test moves, and a way behind their backs; for every runtime. */
import { Redis } from "@upstash/redis/cloudflare";
import { createStore } from "../../src/ledger/backed-store.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import { accountKey } from "../../src/redis/keys.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import type { ScriptTransport } from "../../src/redis/transport.ts";
import { type Bench, START_MS } from "./cases/bench.ts";

export function memoryBench(): Bench {
  const clock = movingClock();
  const backend = new MemoryBackend({ now: clock.nowMs });
  const { accounts } = backend.namespace(clock.namespace);
  return {
    ...clock,
    store: createStore(backend),
    tamper: async (scope, field, text) => {
      accounts.get(scope)?.set(field, text);
    },
    loseAccount: async (scope) => {
      accounts.delete(scope);
    },
    fields: async (scope) => Object.fromEntries(accounts.get(scope) ?? []),
  };
}

/** The same Redis for the tampering: its address over REST, or a client. */
export type Behind = { url: string; token: string } | BehindClient;

interface BehindClient {
  hset(key: string, fields: Record<string, string>): Promise<unknown>;
  del(key: string): Promise<unknown>;
  hgetall(key: string): Promise<unknown>;
}

/** A store over a transport. */
export function redisBench(transport: ScriptTransport, behind: Behind): Bench {
  const clock = movingClock();
  const client: BehindClient =
    "hset" in behind
      ? behind
      : new Redis({ ...behind, automaticDeserialization: false, enableTelemetry: false });
  const key = (scope: string) => accountKey(clock.namespace, scope);
  return {
    ...clock,
    store: redisStore(transport, { localClock: clock.nowMs }),
    tamper: async (scope, field, text) => {
      await client.hset(key(scope), { [field]: text });
    },
    loseAccount: async (scope) => {
      await client.del(key(scope));
    },
    fields: async (scope) => {
      const answer: unknown = await client.hgetall(key(scope));
      return Array.isArray(answer) ? pairs(answer) : { ...(answer as Record<string, string> | null) };
    },
  };
}

function pairs(flat: unknown[]): Record<string, string> {
  const entries = flat.flatMap((field, place) => (place % 2 === 0 ? [[field, flat[place + 1]]] : []));
  return Object.fromEntries(entries);
}

function movingClock() {
  let nowMs = START_MS;
  return {
    namespace: `suite-${crypto.randomUUID().slice(0, 8)}`,
    nowMs: () => nowMs,
    advance: (milliseconds: number) => {
      nowMs += milliseconds;
    },
  };
}
