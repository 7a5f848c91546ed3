/** 64 concurrent callers: in eight processes on one budget and on chains of three, and across the end of a minute. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { NodeMeterOptions } from "../../src/node.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { freshNamespace } from "../meter/stores.ts";
import type { ProcessOrder } from "../support/caller-process.ts";
import {
  HOLD_NANO_USD as CROSSING_HOLD,
  type Crossing,
  crossMinute,
  HOLDS_A_MINUTE,
} from "./minute-crossing.ts";

const PROCESSES = 8;
const HOLD_NANO_USD = 2_500_000;
const DAY_MS = 86_400_000;

const run = promisify(execFile);
const STORE_TIMEOUT_MS = 20_000;
const transport = tcpTransport(inject("redisUrl"), { storeTimeoutMs: STORE_TIMEOUT_MS });
const store = redisStore(transport);
afterAll(() => store.close?.());

/** @returns what the callers of one process were told that they spent, in nano-USD. */
async function callersOf(order: ProcessOrder): Promise<number> {
  const script = fileURLToPath(new URL("../support/caller-process.ts", import.meta.url));
  const { stdout } = await run(process.execPath, [script, JSON.stringify(order)]);
  return Number(stdout);
}

/** What the ledger has of a scope: its counters, and its history added up. */
async function ledgerOf(namespace: string, scope: string) {
  const requested = { nanoUsd: 0, tokens: 0, requests: 0 };
  const { accounts } = await store.check({ namespace, chain: [{ scope }], requested });
  const total = accounts[0]?.windows.find(({ window }) => window === "total");
  const range = { fromMs: Date.now() - DAY_MS, toMs: Date.now() + DAY_MS };
  const { periods } = await store.history({ namespace, scope, by: "hour", ...range });
  const entries = periods.flatMap((period) => period.entries);
  const inHistory = entries.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0);
  return { settled: total?.settled.nanoUsd, held: total?.held.nanoUsd, inHistory };
}

const WIRES: [string, NodeMeterOptions][] = [
  ["TCP", { redisUrl: inject("redisUrl") }],
  ["REST", { redis: { url: inject("restUrl"), token: inject("restToken") } }],
];

const ONE_BUDGET = () => [{ scope: "team:search", usd: 0.6 }];
/** Four users of two teams of one organisation; what they may spend in all is more than it may. */
const CHAIN_OF_THREE = (place: number) => [
  { scope: "org:acme", usd: 0.6 },
  { scope: `team:${place % 2}`, usd: 0.35 },
  { scope: `user:${place % 4}`, usd: 0.17 },
];

/** A minute's end has to be waited for: that goes on beside the other tests. */
let crossings: Promise<Crossing>[] = [];
beforeAll(async () => {
  const nowMs = (await transport.time()) / 1000;
  crossings = WIRES.map(([, address]) => {
    const options = { ...address, namespace: freshNamespace(), storeTimeoutMs: STORE_TIMEOUT_MS };
    return crossMinute(options, nowMs);
  });
  for (const crossing of crossings) crossing.catch(() => {});
});

describe.each(WIRES)("Eight processes of eight callers over %s", (_wire, address) => {
  it.each([
    ["one budget", ONE_BUDGET],
    ["chains of three", CHAIN_OF_THREE],
  ])(
    "on %s: no admission passes a limit, and what callers were told is counters and history",
    async (_name, chainOf) => {
      const namespace = freshNamespace();
      const meter = { ...address, namespace, storeTimeoutMs: STORE_TIMEOUT_MS };
      const orders = Array.from({ length: PROCESSES }, (_, place): ProcessOrder => {
        return { meter, chain: chainOf(place), holdNanoUsd: HOLD_NANO_USD };
      });
      const told = await Promise.all(orders.map(callersOf));

      const limits = new Map(orders.flatMap(({ chain }) => chain.map(({ scope, usd }) => [scope, usd])));
      for (const [scope, usd] of limits) {
        const own = told.filter((_, place) => orders[place]?.chain.some((link) => link.scope === scope));
        const spent = own.reduce((sum, nanoUsd) => sum + nanoUsd, 0);
        expect(await ledgerOf(namespace, scope)).toEqual({ settled: spent, held: 0, inHistory: spent });
        expect(spent).toBeLessThanOrEqual(usd * 1e9);
      }
      const toldInAll = told.reduce((sum, nanoUsd) => sum + nanoUsd, 0);
      expect(toldInAll).toBeGreaterThan(0.6e9 - HOLD_NANO_USD);
    },
    120_000,
  );
});

describe("A minute's end under load, by the server's own TIME", () => {
  it.each(WIRES.map(([wire], place): [string, number] => [wire, place]))(
    "gives each minute its limit and no more, over %s",
    async (_wire, place) => {
      const crossing = await crossings[place];
      const [first = 0, second, ...further] = crossing?.admitted ?? [];
      expect(first).toBeGreaterThan(0);
      expect(first).toBeLessThanOrEqual(HOLDS_A_MINUTE);
      expect([second, further]).toEqual([HOLDS_A_MINUTE, []]);
      expect(crossing?.mostNanoUsd).toBe(HOLDS_A_MINUTE * CROSSING_HOLD);
      expect(crossing?.spentNanoUsd).toBe((first + HOLDS_A_MINUTE) * CROSSING_HOLD);
      expect(crossing?.heldNanoUsd).toBe(0);
    },
    120_000,
  );
});
