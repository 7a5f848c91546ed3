/** The Lua is held against the rules in TypeScript: same commands, same answers, and every stored byte the same. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { createStore } from "../../src/ledger/backed-store.ts";
import type { Budget } from "../../src/ledger/budgets.ts";
import { canonicalLimits } from "../../src/ledger/limits.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import type { Amounts, ChainLink, Store } from "../../src/ledger/store.ts";
import { RedisBackend } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { dumpMemory, dumpRedis } from "../support/state-dump.ts";

const START_MS = Date.UTC(2026, 10, 25, 23, 58, 30);
const RUNS = Number(process.env.LEDGER_RUNS ?? 150);

/** Time jumps between operations, in milliseconds: within a minute mostly, over minutes, hours, days, a month, and back. */
const jumps = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 10_000, max: 200_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 600_000, max: 7_200_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20, max: 800 }).map((hours) => hours * 3_600_000) },
  { weight: 1, arbitrary: fc.constant(-200_000) },
);

const amounts: fc.Arbitrary<Amounts> = fc.record({
  nanoUsd: fc.oneof(fc.integer({ min: 0, max: 400_000_000 }), fc.constant(100_000_000_000_001)),
  tokens: fc.integer({ min: 0, max: 500 }),
  requests: fc.integer({ min: 0, max: 2 }),
});

const budget: fc.Arbitrary<Budget> = fc.record(
  {
    window: fc.constantFrom("minute", "hour", "day", "week", "month", "total"),
    usd: fc.constantFrom("0.5", "1", "200000"),
    tokens: fc.constantFrom(1_000, 3_000),
    requests: fc.constantFrom(4, 9),
    soft: fc.boolean(),
  },
  { requiredKeys: ["window", "usd", "soft"] },
);

const link: fc.Arbitrary<ChainLink> = fc.record({
  scope: fc.constantFrom("user:1", "user:2", "team:a", "org:acme"),
  limits: fc.oneof(
    fc.constant(undefined),
    fc
      .uniqueArray(budget, { maxLength: 3, selector: ({ window, soft }) => `${window} ${soft}` })
      .map((budgets) => canonicalLimits(budgets)),
  ),
});

const chain = fc.uniqueArray(link, { minLength: 1, maxLength: 3, selector: ({ scope }) => scope });
const kinds = fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 10 });
const model = fc.integer({ min: 0, max: 19 }).map((number) => `openai/model-${number}`);
const target = fc.nat({ max: 30 });
const alertThresholds = fc.constantFrom<number[]>([], [0.5, 0.8, 1]);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("reserve" as const),
      chain,
      amounts,
      unknownTokens: fc.boolean(),
      expiresInSeconds: fc.constantFrom(1, 50, 600, 93_600),
      reuse: fc.option(target),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      target,
      actual: fc.option(amounts, { nil: undefined }),
      source: fc.constantFrom("reported" as const, "estimated" as const),
      model,
      kinds,
      alertThresholds,
      lost: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const), target, own: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("record" as const),
      chain,
      amounts,
      model,
      kinds,
      alertThresholds,
      reuse: fc.option(target),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("check" as const), chain, amounts }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("reset" as const, "pause" as const, "resume" as const, "storeLimits" as const),
      chain,
      budgets: fc.uniqueArray(budget, { maxLength: 2, selector: ({ window, soft }) => `${window} ${soft}` }),
      reuse: fc.option(target),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** An operation that was sent: repeated steps aim at it. */
interface Sent {
  id: string;
  hash: string;
  chain: ChainLink[];
  attempt: string;
}

async function perform(
  store: Store,
  namespace: string,
  wanted: Step,
  sent: Sent[],
  place: number,
): Promise<unknown> {
  const base = { namespace, retentionSeconds: 86_400 };
  const fresh = (links: ChainLink[]): Sent => ({
    id: `id-${place}`,
    hash: `h${place}`,
    chain: links,
    attempt: `a${place}`,
  });
  switch (wanted.kind) {
    case "reserve": {
      const { amounts: asked, unknownTokens, expiresInSeconds, reuse } = wanted;
      const earlier = reuse === null ? undefined : sent[reuse];
      const own = { ...(earlier ?? fresh(wanted.chain)), attempt: `a${place}` };
      sent.push(own);
      const requested = { ...asked, tokens: unknownTokens ? null : asked.tokens };
      const { id, hash, attempt } = own;
      return store.reserve({
        ...base,
        id,
        argumentsHash: hash,
        chain: own.chain,
        attempt,
        requested,
        expiresInSeconds,
      });
    }
    case "settle": {
      const aim = sent[wanted.target];
      if (aim === undefined) return undefined;
      const { actual, source, model: used, kinds: tokenKinds, alertThresholds: thresholds, lost } = wanted;
      const bookIfUnknown = lost && actual !== undefined ? { reserveHash: aim.hash } : undefined;
      return store.settle({
        ...base,
        id: aim.id,
        chain: aim.chain,
        argumentsHash: JSON.stringify(actual ?? 0).length.toString(16),
        source,
        actual,
        model: used,
        tokenKinds,
        alertThresholds: thresholds,
        bookIfUnknown,
      });
    }
    case "release": {
      const aim = sent[wanted.target] ?? fresh([{ scope: "user:1" }]);
      const attempt = wanted.own ? aim.attempt : undefined;
      return store.release({ ...base, id: aim.id, chain: aim.chain, argumentsHash: "release", attempt });
    }
    case "record": {
      const own = (wanted.reuse === null ? undefined : sent[wanted.reuse]) ?? fresh(wanted.chain);
      sent.push(own);
      const { amounts: actual, model: used, kinds: tokenKinds, alertThresholds: thresholds } = wanted;
      const { id, hash } = own;
      const operation = { ...base, id, argumentsHash: hash, chain: own.chain };
      return store.record({ ...operation, actual, model: used, tokenKinds, alertThresholds: thresholds });
    }
    case "check":
      return store.check({ namespace, chain: wanted.chain, requested: wanted.amounts });
    default: {
      const own = (wanted.reuse === null ? undefined : sent[wanted.reuse]) ?? fresh(wanted.chain);
      sent.push(own);
      const operation = { ...base, id: own.id, argumentsHash: own.hash, chain: own.chain };
      if (wanted.kind === "storeLimits") {
        return store.storeLimits({ ...operation, limits: canonicalLimits(wanted.budgets) ?? [] });
      }
      return wanted.kind === "pause"
        ? store.pause({ ...operation, reason: "lunch" })
        : store[wanted.kind](operation);
    }
  }
}

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => ({ code: (error as { code?: string }).code, error: String(error) }));

describe("The scripts in Redis", () => {
  const redisUrl = inject("redisUrl");
  const client = new Redis(redisUrl);
  afterAll(async () => {
    await client.quit();
  });

  it("answer and store exactly what the rules say, over random sequences", async () => {
    let nowMs = START_MS;
    const clock = () => nowMs;
    const transport = tcpTransport(redisUrl);
    let sequence = 0;
    const property = fc.asyncProperty(
      fc.array(fc.tuple(step, jumps), { minLength: 5, maxLength: 40 }),
      async (steps) => {
        sequence += 1;
        nowMs = START_MS;
        const namespace = `lua-${process.pid}-${sequence}`;
        const memory = new MemoryBackend({ now: clock });
        const redis = new RedisBackend(transport, { localClock: clock });
        const stores = [createStore(memory), createStore(redis)].map((store) => ({
          store,
          sent: [] as Sent[],
        }));
        for (const [place, [wanted, jumpMs]] of steps.entries()) {
          const answers: unknown[] = [];
          for (const { store, sent } of stores)
            answers.push(await outcome(perform(store, namespace, wanted, sent, place)));
          expect(answers[1], `step ${place}: ${wanted.kind}`).toEqual(answers[0]);
          nowMs += jumpMs;
          await forgetExpired(memory, namespace);
        }
        expect(await dumpRedis(client, namespace)).toEqual(dumpMemory(memory, namespace));
      },
    );
    try {
      await fc.assert(property, { numRuns: RUNS, seed: Number(process.env.LEDGER_SEED ?? Date.now() % 1e9) });
    } finally {
      await transport.close?.();
    }

    /** The test's clock jumps, the server's does not: what the model has forgotten, the server forgets now. */
    async function forgetExpired(memory: MemoryBackend, namespace: string): Promise<void> {
      for (const [id, { expiresAtMs }] of memory.namespace(namespace).operations) {
        if (expiresAtMs > nowMs) continue;
        memory.namespace(namespace).operations.delete(id);
        await client.del(`agentlimit:{${namespace}}:i:${id}`);
      }
    }
  }, 240_000);
});
