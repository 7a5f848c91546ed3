/** How often a store is asked: once an operation on a warm path, whatever the caller's clock says. */
import { describe, expect, it } from "vitest";
import { createStore } from "../../src/ledger/backed-store.ts";
import type { LedgerBackend } from "../../src/ledger/command-runner.ts";
import { canonicalLimits } from "../../src/ledger/limits.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import type { ChainLink, Store } from "../../src/ledger/store.ts";

const DAY_MS = 86_400_000;

/** A ledger that is asked through a wire: it notes each command and what had passed of its operation before. */
function watched(options: { callerAheadMs?: number; latencyMs?: number } = {}) {
  let serverMs = Date.UTC(2026, 10, 25, 10, 20, 30);
  const memory = new MemoryBackend({ now: () => serverMs });
  const asked: { kind: string; elapsedMs: number }[] = [];
  const backend: LedgerBackend = {
    now: () => serverMs + (options.callerAheadMs ?? 0),
    async execute(namespace, command, elapsedMs) {
      asked.push({ kind: command.kind, elapsedMs });
      if (options.latencyMs !== undefined)
        await new Promise((resolve) => setTimeout(resolve, options.latencyMs));
      return memory.execute(namespace, command);
    },
  };
  const advance = (milliseconds: number) => {
    serverMs += milliseconds;
  };
  return { store: createStore(backend), asked, advance };
}

let reserves = 0;
function reserve(store: Store, chain: ChainLink[]) {
  reserves += 1;
  return store.reserve({
    namespace: "rounds",
    chain,
    id: `r${reserves}`,
    argumentsHash: "h",
    retentionSeconds: 900,
    attempt: `a${reserves}`,
    requested: { nanoUsd: 1, tokens: 1, requests: 1 },
    expiresInSeconds: 60,
  });
}

const limited: ChainLink[] = [
  {
    scope: "user:1",
    limits: canonicalLimits([
      { window: "minute", usd: 1 },
      { window: "day", usd: 5 },
    ]),
  },
  { scope: "org:acme", limits: canonicalLimits([{ window: "month", usd: 9 }]) },
];

describe("A store is asked", () => {
  it("once for each reserve of a known chain, and once more for a new account", async () => {
    const { store, asked } = watched();
    for (const expected of [2, 3, 4]) {
      await reserve(store, limited);
      expect(asked.length).toBe(expected);
    }
  });

  it("once by a caller whose clock is a day ahead or behind, as soon as it has heard the store's", async () => {
    for (const callerAheadMs of [DAY_MS, -DAY_MS]) {
      const { store, asked } = watched({ callerAheadMs });
      await reserve(store, limited);
      const first = asked.length;
      await reserve(store, limited);
      await reserve(store, limited);
      expect(asked.length).toBe(first + 2);
    }
  });

  it("once when windows have ended, by callers with a list and by callers without", async () => {
    const { store, asked, advance } = watched();
    await reserve(store, limited);
    const others: ChainLink[] = limited.map(({ scope }) => ({ scope }));
    await reserve(store, others);
    for (const chain of [others, limited]) {
      advance(2 * DAY_MS);
      const before = asked.length;
      const answer = await reserve(store, chain);
      expect(answer.outcome).toBe("held");
      // The caller's clock is the store's here: it knows the new bounds beforehand.
      expect(asked.length).toBe(before + 1);
    }
  });

  it("within one deadline: later rounds know what the earlier ones have used of it", async () => {
    const { store, asked } = watched({ latencyMs: 30 });
    await reserve(store, limited);
    expect(asked.map(({ kind }) => kind)).toEqual(["reserve", "reserve"]);
    expect(asked[0]?.elapsedMs).toBeLessThan(25);
    expect(asked[1]?.elapsedMs).toBeGreaterThanOrEqual(29);
  });
});
