/** Random sequences: operations with retries, conflicts, late and double settles, changed lists, jumps in time, lost and doubled requests, callers at once. */
import fc from "fast-check";
import type { Budget } from "../../src/ledger/budgets.ts";
import { canonicalLimits } from "../../src/ledger/limits.ts";
import type { Amounts, ChainLink } from "../../src/ledger/store.ts";

/** A minute and a half before midnight: short sequences cross minutes, an hour and a day. */
export const START_MS = Date.UTC(2026, 10, 25, 23, 58, 30);

/** Time jumps between operations, in milliseconds: within a minute mostly, over minutes, hours, days, a month, and back. */
const jumps = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  { weight: 6, arbitrary: fc.integer({ min: 10_000, max: 200_000 }) },
  { weight: 4, arbitrary: fc.integer({ min: 600_000, max: 7_200_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 20, max: 800 }).map((hours) => hours * 3_600_000) },
  { weight: 1, arbitrary: fc.constant(410 * 86_400_000) },
  { weight: 2, arbitrary: fc.constant(-200_000) },
);

const amounts: fc.Arbitrary<Amounts> = fc.record({
  nanoUsd: fc.oneof(
    { weight: 7, arbitrary: fc.integer({ min: 0, max: 200_000_000 }) },
    { weight: 1, arbitrary: fc.constant(100_000_000_000_001) },
  ),
  tokens: fc.integer({ min: 0, max: 300 }),
  requests: fc.integer({ min: 0, max: 2 }),
});

const budget: fc.Arbitrary<Budget> = fc.record(
  {
    window: fc.constantFrom("minute", "hour", "day", "week", "month", "total"),
    usd: fc.constantFrom("0.5", "1", "200000"),
    tokens: fc.constantFrom(1_000, 3_000),
    requests: fc.constantFrom(4, 9),
    soft: fc.boolean(),
    timeZone: fc.constantFrom("UTC", "America/New_York", "Australia/Lord_Howe"),
  },
  { requiredKeys: ["window", "usd", "soft"] },
);

/** The 31st, and a weekday that is no Monday. */
const anchored: fc.Arbitrary<Budget> = budget.map((plain) =>
  plain.window === "week" || plain.window === "month" ? { ...plain, anchor: "2026-01-31" } : plain,
);

/** No window and metric twice: one budget for each kind of window, zone and softness. */
const budgets = (maxLength: number) =>
  fc.uniqueArray(fc.oneof({ weight: 4, arbitrary: budget }, { weight: 1, arbitrary: anchored }), {
    maxLength,
    selector: ({ window, soft, timeZone = "UTC", anchor }) => {
      const zone = window === "minute" || window === "total" ? "UTC" : timeZone;
      return `${window} ${soft} ${zone} ${anchor}`;
    },
  });

export const limits = fc.oneof(
  fc.constant(undefined),
  budgets(3).map((declared) => canonicalLimits(declared)),
);
const link: fc.Arbitrary<ChainLink> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ scope: fc.constantFrom("user:1", "user:2", "team:a", "org:acme"), limits }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      scope: fc.constant("run:1"),
      limits,
      forgetAfterIdleSeconds: fc.constantFrom(undefined, 259_200, 400_000),
    }),
  },
);

const chain = fc.uniqueArray(link, { minLength: 1, maxLength: 3, selector: ({ scope }) => scope });
const kinds = fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 10 });
/** More than an hour keeps apart; and two of which one's name ends with the other's. */
const model = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 19 }).map((number) => `openai/model-${number}`) },
  { weight: 1, arbitrary: fc.constantFrom("openai/model-0", "azure-openai/model-0") },
);
/** An operation that was sent before, counted back from the last. */
const target = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -6, max: -1 }) },
  { weight: 1, arbitrary: fc.integer({ min: -40, max: -7 }) },
);
const alertThresholds = fc.constantFrom<number[]>([], [0.5, 0.8, 1]);
/** An operation that was sent before is sent again: by another attempt, or as one more try of the same. */
const reuse = fc.option(fc.record({ target, isSameAttempt: fc.boolean() }), { freq: 2 });

const reserve = fc.record({
  kind: fc.constant("reserve" as const),
  chain,
  amounts,
  unknownTokens: fc.boolean(),
  requiresLimit: fc.oneof(
    { weight: 9, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  expiresInSeconds: fc.constantFrom<number>(1, 50, 600, 93_600),
  reuse,
});

const step = fc.oneof(
  { weight: 12, arbitrary: reserve },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      target,
      actual: fc.option(amounts, { nil: undefined }),
      source: fc.constantFrom("reported" as const, "estimated" as const),
      model,
      kinds,
      alertThresholds,
      lost: fc.boolean(),
      otherChain: fc.oneof(
        { weight: 19, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: chain },
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("release" as const), target, own: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("record" as const),
      chain,
      amounts,
      model,
      kinds,
      alertThresholds,
      reuse,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("check" as const), chain, amounts }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("history" as const),
      scope: fc.constantFrom("user:1", "run:1"),
      by: fc.constantFrom("hour" as const, "day" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.oneof(
        {
          weight: 3,
          arbitrary: fc.constantFrom("reset" as const, "resume" as const, "storeLimits" as const),
        },
        { weight: 1, arbitrary: fc.constant("pause" as const) },
      ),
      chain,
      budgets: budgets(2),
      reuse,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("loseId" as const), target }) },
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What happens to the requests of an operation on their way. */
export interface Fate {
  original: "answered" | "answer lost, sent again" | "answer lost" | "request lost";
  /** When a copy arrives: at once (0), or that many beats later; null: never. */
  copyAfterBeats: number | null;
}

export const ANSWERED: Fate = { original: "answered", copyAfterBeats: null };

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(ANSWERED) },
  {
    weight: 2,
    arbitrary: fc.record({
      original: fc.constantFrom<Fate["original"][]>(
        "answered",
        "answer lost, sent again",
        "answer lost",
        "request lost",
      ),
      copyAfterBeats: fc.constantFrom(null, 0, 1, 2, 5),
    }),
  },
);

/** Operations that begin together, each by a caller of its own. */
export interface Beat {
  calls: { caller: number; step: Step; fate: Fate }[];
  /** Which of the waiting callers does its next round. */
  order: number[];
  /** What passes between two rounds. */
  gapMs: number;
  /** What passes after the last. */
  jumpMs: number;
}

const call = fc.record({ caller: fc.nat({ max: 2 }), step, fate });
const beat: fc.Arbitrary<Beat> = fc.record({
  calls: fc.oneof(
    { weight: 3, arbitrary: fc.array(call, { minLength: 1, maxLength: 1 }) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(call, { minLength: 2, maxLength: 3, selector: ({ caller }) => caller }),
    },
  ),
  order: fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 6 }),
  gapMs: fc.constantFrom(0, 0, 0, 1, 700, 40_000),
  jumpMs: jumps,
});

/**
 * A reserve that is under way while its caller gives it up, and the next attempt of the same id, which is given up too:
 * before or after that release, and with other operations in between.
 */
const lateReserve: fc.Arbitrary<Beat[]> = fc
  .record({
    reserve,
    arrivesAfterBeats: fc.integer({ min: 2, max: 5 }),
    isNextFirst: fc.boolean(),
    others: fc.array(beat, { maxLength: 2 }),
    pauseMs: fc.integer({ min: 0, max: 3_000 }),
  })
  .map(({ reserve: wanted, arrivesAfterBeats, isNextFirst, others, pauseMs }) => {
    const alone = (own: Step, way: Fate = ANSWERED): Beat => {
      return { calls: [{ caller: 0, step: own, fate: way }], order: [0], gapMs: 0, jumpMs: pauseMs };
    };
    const first: Step = { ...wanted, reuse: null };
    const again: Step = { ...wanted, reuse: { target: -1, isSameAttempt: false } };
    const giveUp = (target: number) => alone({ kind: "release", target, own: true });
    const lost: Fate = { original: "request lost", copyAfterBeats: arrivesAfterBeats };
    const next = isNextFirst ? [alone(again), giveUp(-2)] : [giveUp(-1), alone(again)];
    return [alone(first, lost), ...next, ...others, giveUp(-1)];
  });

export type Sequence = Beat[];
export const sequences: fc.Arbitrary<Sequence> = fc
  .array(
    fc.oneof(
      { weight: 40, arbitrary: beat.map((single) => [single]) },
      { weight: 1, arbitrary: lateReserve },
    ),
    { minLength: 5, maxLength: 40, size: "large" },
  )
  .map((parts) => parts.flat());

const RUNS = Number(process.env.LEDGER_RUNS ?? 1_000);

/** A sequence takes 25 ms, and on a machine that is busy with much else 120. */
export const PROPERTY_TIMEOUT_MS = 60_000 + RUNS * 400;

/** `LEDGER_RUNS` sequences from `LEDGER_SEED`, the known ones first; a failure prints the seed that replays it. */
export function propertyRuns(examples: Sequence[]): fc.Parameters<[Sequence]> {
  const seed = process.env.LEDGER_SEED;
  return {
    numRuns: RUNS + examples.length,
    examples: examples.map((sequence): [Sequence] => [sequence]),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}
