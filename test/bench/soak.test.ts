/** What `npm run soak` would find: its random calls, few of them, over the store and over broken ones. */
import { describe, expect, it } from "vitest";
import type { Growth } from "../../bench/soak/growth.ts";
import { growthLines, isGrowthWithin } from "../../bench/soak/limits.ts";
import { randomReserves } from "../../bench/soak/random-reserves.ts";
import { randomId } from "../../src/ledger/operation-id.ts";
import type { ReserveOperation, Store, WindowLimits } from "../../src/ledger/store.ts";

const even = { median: 1, lowest: 1, highest: 1 };
const fast = { calls: 1000, p50: 100, p999: 300, longest: 500 };
const grown = (what: string, firstCallMicros: number): Growth => ({
  ...{ what, firstCallMicros, fillSeconds: 1, single: even, grown: even, slowdown: even },
  ...{
    serverMicros: { single: 150, grown: 160 },
    filling: fast,
    measured: fast,
    measuredSingle: fast,
    bytesEach: {},
  },
});

describe("A soak tells of the slowest first call on a grown ledger", () => {
  it("that it meets the target, or misses it, and fails by neither", () => {
    const [met, missed] = [grown("many holds", 4_999), grown("a day of holds", 12_124)];
    expect(growthLines([met])).toContainEqual(
      expect.stringMatching(/✔.* The first call .* 4,999 µs \(many holds\): below 5,000 µs\.$/),
    );
    expect(growthLines([missed, met])).toContainEqual(
      expect.stringMatching(/✘.* The first call .* 12,124 µs \(a day of holds\): not below 5,000 µs\.$/),
    );
    expect([met, missed].map(isGrowthWithin)).toEqual([true, true]);
  });
});

const RESERVES = 3_000;

const CALLERS = { seed: 17, callers: 64 };

const runBroken = (through: (store: Store) => Store) =>
  randomReserves({ ...CALLERS, reserves: RESERVES / 2, through });

/** They take seconds of the processor, which a busy machine withholds. */
const TIMEOUT_MS = 120_000;

describe("Random concurrent reserves", { timeout: TIMEOUT_MS }, () => {
  it("admit nothing past a limit, and neither lose nor double what was spent", async () => {
    const { counts, problems, overAdmissions } = await randomReserves({ ...CALLERS, reserves: RESERVES });
    expect({ problems, overAdmissions }).toEqual({ problems: [], overAdmissions: 0 });
    expect(counts.reserves).toBeGreaterThanOrEqual(RESERVES);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(10);
  });

  it("find a store that judges some calls by other limits", async () => {
    let reserves = 0;
    const { overAdmissionsSeen } = await runBroken((store) => ({
      ...store,
      reserve: (operation) => {
        reserves += 1;
        return store.reserve(reserves % 2 === 0 ? withoutLimits(operation) : operation);
      },
    }));
    expect(overAdmissionsSeen.byAnswer).toBeGreaterThan(0);
    expect(overAdmissionsSeen.byCallers).toBeGreaterThan(0);
  });

  it("find a store that counts a settle twice", async () => {
    let settles = 0;
    const { problemCount } = await runBroken((store) => ({
      ...store,
      settle: async (operation) => {
        settles += 1;
        const { actual } = operation;
        if (settles === 100 && actual !== undefined)
          await store.record({ ...operation, actual, id: randomId() });
        return store.settle(operation);
      },
    }));
    expect(problemCount).toBeGreaterThan(0);
  });

  it("find a store that forgets what one scope has spent", async () => {
    let settles = 0;
    const { problemCount } = await runBroken((store) => ({
      ...store,
      settle: async (operation) => {
        settles += 1;
        if (settles === 100) await store.reset({ ...operation, id: randomId() });
        return store.settle(operation);
      },
    }));
    expect(problemCount).toBeGreaterThan(0);
  });
});

function withoutLimits(operation: ReserveOperation): ReserveOperation {
  const none = { nanoUsd: null, tokens: null, requests: null };
  const open = ({ window, soft }: WindowLimits): WindowLimits => ({ window, soft, hard: none });
  return {
    ...operation,
    chain: operation.chain.map(({ scope, limits = [] }) => ({ scope, limits: limits.map(open) })),
  };
}
