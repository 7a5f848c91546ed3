/** The conformance suite over memory, TCP and REST. */
import { Redis } from "ioredis";
import { afterAll, describe, inject, it } from "vitest";
import { createStore } from "../../src/ledger/backed-store.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import { accountKey } from "../../src/redis/keys.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { type Bench, START_MS, STORE_CASES } from "./store-cases.ts";

const redisUrl = inject("redisUrl");
const client = new Redis(redisUrl);
const tcp = tcpTransport(redisUrl);
const rest = restTransport({ url: inject("restUrl"), token: inject("restToken") });

afterAll(async () => {
  await tcp.close?.();
  await client.quit();
});

let benches = 0;

function clockBench() {
  let nowMs = START_MS;
  benches += 1;
  const namespace = `suite-${process.pid}-${benches}`;
  return {
    namespace,
    nowMs: () => nowMs,
    advance: (milliseconds: number) => {
      nowMs += milliseconds;
    },
  };
}

function memoryBench(): Bench {
  const clock = clockBench();
  const backend = new MemoryBackend({ now: clock.nowMs });
  const { accounts } = backend.namespace(clock.namespace);
  return {
    ...clock,
    store: createStore(backend),
    tamper: async (scope, field, text) => void accounts.get(scope)?.set(field, text),
    loseAccount: async (scope) => void accounts.delete(scope),
    fields: async (scope) => Object.fromEntries(accounts.get(scope) ?? []),
  };
}

function redisBench(transport: typeof tcp): Bench {
  const clock = clockBench();
  const key = (scope: string) => accountKey(clock.namespace, scope);
  return {
    ...clock,
    store: redisStore(transport, { localClock: clock.nowMs }),
    tamper: async (scope, field, text) => void (await client.hset(key(scope), field, text)),
    loseAccount: async (scope) => void (await client.del(key(scope))),
    fields: (scope) => client.hgetall(key(scope)),
  };
}

describe.each([
  ["memory", memoryBench],
  ["Redis over TCP", () => redisBench(tcp)],
  ["Redis over REST", () => redisBench(rest)],
])("The ledger in %s", (_name, makeBench) => {
  for (const { promise, name, run } of STORE_CASES) {
    describe(promise, () => {
      it(name, () => run(makeBench()));
    });
  }
});
