/** Everything that a store keeps of one namespace, in one form, so that two stores can be compared byte by byte. */
import type { Redis } from "ioredis";
import type { MemoryBackend } from "../../src/ledger/memory-store.ts";
import { prefix } from "../../src/redis/keys.ts";

export interface StateDump {
  accounts: Record<string, Record<string, string>>;
  operations: Record<string, string>;
  index: Record<string, string>;
  log: string[];
}

export function dumpMemory(backend: MemoryBackend, namespace: string): StateDump {
  const state = backend.namespace(namespace);
  const accounts = [...state.accounts].map(([scope, fields]) => [scope, Object.fromEntries(fields)]);
  const remembered = [...state.operations].filter(([, { expiresAtMs }]) => expiresAtMs > backend.now());
  const operations = remembered.map(([id, { text }]) => [id, text]);
  return {
    accounts: Object.fromEntries(accounts),
    operations: Object.fromEntries(operations),
    index: Object.fromEntries(state.index),
    log: [...state.log],
  };
}

/** Leaves nothing of a namespace: a dump looks through every key of the server. */
export async function clearRedis(client: Redis, namespace: string): Promise<void> {
  const keys = await client.keys(`${prefix(namespace)}*`);
  if (keys.length > 0) await client.unlink(keys);
}

export async function dumpRedis(client: Redis, namespace: string): Promise<StateDump> {
  const start = prefix(namespace);
  const keys = await client.keys(`${start}*`);
  const dump: StateDump = { accounts: {}, operations: {}, index: {}, log: [] };
  for (const key of keys) {
    const name = key.slice(start.length);
    if (name.startsWith("s:")) dump.accounts[name.slice(2)] = await client.hgetall(key);
    if (name.startsWith("i:")) dump.operations[name.slice(2)] = (await client.get(key)) ?? "";
    if (name === "meta") dump.index = await client.hgetall(key);
    if (name === "log") dump.log = await client.lrange(key, 0, -1);
  }
  return dump;
}
