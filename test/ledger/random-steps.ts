/** Random sequences of operations over a store: retries, conflicts, late and double settles, resets, changed lists, jumps in time. */
import fc from "fast-check";
import type { Budget } from "../../src/ledger/budgets.ts";
import { canonicalLimits } from "../../src/ledger/limits.ts";
import type { Amounts, ChainLink, Store } from "../../src/ledger/store.ts";

/** A minute and a half before midnight: short sequences cross minutes, an hour and a day. */
export const START_MS = Date.UTC(2026, 10, 25, 23, 58, 30);

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
      expiresInSeconds: fc.constantFrom<number>(1, 50, 600, 93_600),
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
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** An operation that was sent: repeated steps aim at it. */
export interface Sent {
  id: string;
  hash: string;
  chain: ChainLink[];
  attempt: string;
}

/** Who sends a step: to which store, and what was sent before. */
export interface Caller {
  store: Store;
  namespace: string;
  /** Steps that aim at an earlier operation find it here. */
  sent: Sent[];
  /** The step's place in its sequence, which names its operation. */
  place: number;
}

/** Sends a step to a store. Undefined for a step that aims at nothing. */
export async function perform({ store, namespace, sent, place }: Caller, wanted: Step): Promise<unknown> {
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

/** Steps, each with the milliseconds that pass after it. */
export type Sequence = [Step, number][];
export const sequences: fc.Arbitrary<Sequence> = fc.array(fc.tuple(step, jumps), {
  minLength: 5,
  maxLength: 40,
});

/** An answer, or what was thrown, to be compared. */
export function outcomeOf(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch((error: unknown) => ({
    code: (error as { code?: string }).code,
    error: String(error),
  }));
}

const RUNS = Number(process.env.LEDGER_RUNS ?? 150);

/** A hundred milliseconds a sequence: ten times what a busy machine takes. */
export const PROPERTY_TIMEOUT_MS = 60_000 + RUNS * 100;

/** `LEDGER_RUNS` sequences from `LEDGER_SEED`, the known ones first; a failure prints the seed that replays it. */
export function propertyRuns(examples: Sequence[]): fc.Parameters<[Sequence]> {
  const seed = process.env.LEDGER_SEED;
  return {
    numRuns: RUNS + examples.length,
    examples: examples.map((sequence): [Sequence] => [sequence]),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}
