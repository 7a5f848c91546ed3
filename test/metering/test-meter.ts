/** A meter for the metered fetch alone: one scope, one dollar limit, all in memory. It counts; it does not persist. */
import { setTimeout } from "node:timers/promises";
import { BudgetExceededError, StoreUnavailableError } from "../../src/errors.ts";
import type { UsageStats } from "../../src/ledger/budgets.ts";
import { nanoUsdRoundedDown, usdFromNano } from "../../src/ledger/money.ts";
import type { CallHold, CallMeter, MeterEvent, Receipt } from "../../src/metering/calls.ts";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { PricedUsage } from "../../src/pricing/usage.ts";

/** A meter as the tests of the metered fetch see it, whatever keeps its ledger. */
export interface TestMeter {
  fetch: typeof globalThis.fetch;
  /** What was told so far, oldest first. */
  events: MeterEvent[];
  /** The ledger after all settles under way. */
  standing(): Promise<Standing>;
  /** From now on every operation of its store fails. */
  breakStore(): Promise<void> | void;
  close(): Promise<void> | void;
}

export interface Standing {
  spentNanoUsd: number;
  heldNanoUsd: number;
  spentTokens: number;
}

export interface TestMeterOptions {
  /** The limit; 1,000 dollars by default. */
  usd?: string;
}

export type MakeTestMeter = (options?: TestMeterOptions) => Promise<TestMeter>;

/** With the meter itself, for fetches with other options. */
export interface MemoryTestMeter extends TestMeter {
  meter: CallMeter;
}

export async function memoryTestMeter({ usd = "1000" }: TestMeterOptions = {}): Promise<MemoryTestMeter> {
  const limitNanoUsd = nanoUsdRoundedDown(usd) ?? 0;
  const held = new Map<string, PricedUsage>();
  const spent = { nanoUsd: 0, tokens: 0 };
  const events: MeterEvent[] = [];
  const pending = new Set<Promise<unknown>>();
  let isBroken = false;

  const heldNanoUsd = () => [...held.values()].reduce((sum, bound) => sum + bound.nanoUsd, 0);
  /** A round trip to the store. */
  const trip = async () => {
    await setTimeout(2);
    if (isBroken) throw new StoreUnavailableError("The store is gone.");
  };
  const take = (id: string): PricedUsage => {
    const bound = held.get(id);
    if (bound === undefined) throw new Error(`The hold ${id} was closed before.`);
    held.delete(id);
    return bound;
  };
  const book = (id: string, source: Receipt["source"], actual: PricedUsage): Receipt => {
    spent.nanoUsd += actual.nanoUsd;
    spent.tokens += actual.tokens;
    const costUsd = usdFromNano(actual.nanoUsd);
    return {
      id,
      costUsd,
      costNanoUsd: actual.nanoUsd,
      source,
      replayed: false,
      overrun: false,
      usage: NO_STATS,
    };
  };

  const meter: CallMeter = {
    async hold(bound, id): Promise<CallHold> {
      await trip();
      if (spent.nanoUsd + heldNanoUsd() + bound.nanoUsd > limitNanoUsd) throw denial(bound.nanoUsd);
      held.set(id, { ...bound, tokens: bound.tokens ?? 0 });
      return {
        id,
        async settleReported(actual) {
          await trip();
          take(id);
          return book(id, "reported", actual);
        },
        async settleEstimated(actual) {
          await trip();
          const bound = take(id);
          return book(id, "estimated", actual ?? bound);
        },
        async release() {
          await trip();
          take(id);
        },
      };
    },
    background(work) {
      pending.add(work);
      void work.finally(() => pending.delete(work));
    },
    covers: () => false,
    emit: (event) => void events.push({ scope: "test", ...event }),
  };

  function denial(requestedNanoUsd: number): BudgetExceededError {
    const limit = usdFromNano(limitNanoUsd);
    const amounts = { limit, spent: usdFromNano(spent.nanoUsd), held: usdFromNano(heldNanoUsd()) };
    return new BudgetExceededError(`Budget exceeded: ${JSON.stringify(amounts)}`, {
      denials: [
        {
          ...amounts,
          scope: "test",
          window: "month",
          metric: "usd",
          remaining: 0,
          percent: 100,
          resetsAt: null,
          soft: false,
          source: "code",
          requested: usdFromNano(requestedNanoUsd),
        },
      ],
    });
  }

  return {
    meter,
    fetch: createMeteredFetch({ meter, prices: createPriceBook() }),
    events,
    async standing() {
      while (pending.size > 0) await Promise.all(pending);
      return { spentNanoUsd: spent.nanoUsd, heldNanoUsd: heldNanoUsd(), spentTokens: spent.tokens };
    },
    breakStore() {
      isBroken = true;
    },
    close() {},
  };
}

const NO_STATS: UsageStats = {
  scope: "test",
  usdSpent: 0,
  nanoUsdSpent: 0,
  usdHeld: 0,
  tokensSpent: 0,
  monthlyBudgetUsd: null,
  monthlyBudgetTokens: null,
  percentUsd: null,
  percentTokens: null,
  remainingUsd: null,
  budgets: [],
};
