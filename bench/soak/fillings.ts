/** What a ledger grows by, each made as fast as Redis takes it. */
import { accountKey, indexKey } from "../../src/redis/keys.ts";
import { inParallel, type LedgerServer, NAMESPACE, record, reserve, settle } from "./ledger-server.ts";
import { usedBytes } from "./script-times.ts";

export interface Filled {
  /** Which scope a measured call is for. */
  scope: () => string;
  /** What each of the things filled in takes in the server's memory, by name. */
  bytesEach: Record<string, number>;
}

const HOUR_MS = 3_600_000;
const ACCOUNTS_A_SCRIPT = 10_000;

/**
 * Agents that have each made a call: the first by a real call, the others as copies of its account and of its line in the
 * index, written by a script in the server, since a million real calls would take minutes.
 */
export async function fillAgents({ observer, callers }: LedgerServer, count: number): Promise<Filled> {
  const [store] = callers;
  if (store === undefined) throw new RangeError("A server without callers.");
  const before = await usedBytes(observer);
  await settle(store, agentOf(0), await reserve(store, agentOf(0), 600));
  const copyAccounts = `
    local fields, since = redis.call('HGETALL', KEYS[1]), redis.call('HGET', KEYS[2], ARGV[1])
    for place = tonumber(ARGV[3]), tonumber(ARGV[4]) do
      local scope = ARGV[2] .. string.format('%d', place)
      redis.call('HSET', ARGV[5] .. scope, unpack(fields))
      redis.call('HSET', KEYS[2], scope, since)
    end`;
  const keys = [accountKey(NAMESPACE, agentOf(0)), indexKey(NAMESPACE)];
  for (let first = 1; first < count; first += ACCOUNTS_A_SCRIPT) {
    const last = Math.min(count, first + ACCOUNTS_A_SCRIPT) - 1;
    const args = [agentOf(0), "agent:", first, last, accountKey(NAMESPACE, "")];
    await observer.eval(copyAccounts, keys.length, ...keys, ...args);
  }
  const bytesEach = { agent: ((await usedBytes(observer)) - before) / count };
  return { scope: () => agentOf(Math.floor(Math.random() * count)), bytesEach };
}

/** Live holds of one agent, by real reserves: they expire in any minute of the next 26 hours. */
export async function fillHolds(server: LedgerServer, count: number): Promise<Filled> {
  const spread = () => 660 + Math.floor(Math.random() * (26 * 3_600 - 660));
  return { scope: () => agentOf(0), bytesEach: { hold: await holdBytes(server, count, spread) } };
}

/** Calls of one agent that are settled: what is left of each is its id. */
export async function fillClosedCalls(
  { observer, store, clock }: LedgerServer,
  count: number,
): Promise<Filled> {
  clock.nowMs = Date.now();
  const before = await usedBytes(observer);
  await inParallel(count, async () => settle(store, agentOf(0), await reserve(store, agentOf(0), 600)));
  const bytesEach = { "remembered id": ((await usedBytes(observer)) - before) / count };
  return { scope: () => agentOf(0), bytesEach };
}

/** History of one agent that has called two models in every hour of so many days, by real records. */
export async function fillHistory({ observer, store, clock }: LedgerServer, days: number): Promise<Filled> {
  const end = Date.now();
  const before = await usedBytes(observer);
  for (clock.nowMs = end - days * 24 * HOUR_MS; clock.nowMs < end; clock.nowMs += HOUR_MS) {
    await record(store, agentOf(0), "openai/gpt-4o-mini");
    await record(store, agentOf(0), "anthropic/claude-haiku-4-5");
  }
  const account = await observer.memory("USAGE", accountKey(NAMESPACE, agentOf(0)), "SAMPLES", 0);
  const ids = (await usedBytes(observer)) - before - Number(account);
  return { scope: () => agentOf(0), bytesEach: { account: Number(account), id: ids / (days * 48) } };
}

/** Holds of one agent that were all due, at one minute, before the first measured call. */
export async function fillDueAtOnce(server: LedgerServer, count: number): Promise<Filled> {
  server.clock.nowMs = Date.now() - HOUR_MS;
  await holdBytes(server, count, () => 60);
  return { scope: () => agentOf(0), bytesEach: {} };
}

/** The same, due over all the minutes of 26 hours, as after a day without a call. */
export async function fillDueOverADay(server: LedgerServer, count: number): Promise<Filled> {
  server.clock.nowMs = Date.now() - 27 * HOUR_MS;
  await holdBytes(server, count, () => 1 + Math.floor(Math.random() * 26 * 3_600));
  return { scope: () => agentOf(0), bytesEach: {} };
}

async function holdBytes(
  { observer, store, clock }: LedgerServer,
  count: number,
  expiresInSeconds: () => number,
): Promise<number> {
  const isPast = clock.nowMs < Date.now() - HOUR_MS / 2;
  if (!isPast) clock.nowMs = Date.now();
  const before = await usedBytes(observer);
  await inParallel(count, async () => void (await reserve(store, agentOf(0), expiresInSeconds())));
  return ((await usedBytes(observer)) - before) / count;
}

const agentOf = (place: number): string => `agent:${place}`;
