/** Random concurrent reserves against one Redis: no admission past a limit, and no spend lost or counted twice. */
import { Redis } from "ioredis";
import type { Store } from "../../src/ledger/store.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { startRedisServer } from "../../test/support/redis-server.ts";
import { audit } from "./audit.ts";
import { soakClock } from "./clock.ts";
import { Journal } from "./journal.ts";
import { randomOf } from "./random.ts";
import { type CallCounts, makeRandomCalls } from "./random-calls.ts";
import { scopesOf } from "./scopes.ts";

export interface RandomReservesOptions {
  reserves: number;
  seed: number;
  /** Calls under way at a time; they share a connection. */
  callers: number;
  /** Told now and then how far it is. */
  progress?: (counts: Readonly<CallCounts>) => void;
  /** Stands between the callers and the store: a test breaks the store here. */
  through?: (store: Store) => Store;
}

export interface RandomReservesResult {
  counts: CallCounts;
  seconds: number;
  overAdmissions: number;
  /** Of those: seen in their own answers, and in the sum of what callers know. */
  overAdmissionsSeen: Journal["overAdmissions"];
  problemCount: number;
  /** The first of them, in words. */
  problems: string[];
}

const PROGRESS_MS = 2_000;
/** Longer than any hold lives. */
const UNTIL_ALL_EXPIRED_MS = 27 * 3_600_000;

export async function randomReserves(options: RandomReservesOptions): Promise<RandomReservesResult> {
  const server = await startRedisServer();
  try {
    return await runAgainst(server.url, options);
  } finally {
    await server.stop();
  }
}

async function runAgainst(
  redisUrl: string,
  { reserves, seed, callers, progress, through = (store) => store }: RandomReservesOptions,
): Promise<RandomReservesResult> {
  const random = randomOf(seed);
  const clock = soakClock(random);
  const scopes = scopesOf(reserves);
  const journal = new Journal();
  const counts: CallCounts = {
    reserves: 0,
    held: 0,
    denied: 0,
    settled: 0,
    released: 0,
    leftToExpire: 0,
    late: 0,
    doubled: 0,
  };
  const transport = tcpTransport(redisUrl, { storeTimeoutMs: 30_000 });
  const store = through(redisStore(transport, { localClock: clock.nowMs }));
  const client = new Redis(redisUrl);
  const startMs = performance.now();
  const timer = setInterval(() => progress?.(counts), PROGRESS_MS);
  try {
    const namespace = "soak";
    await makeRandomCalls(
      { store, namespace, scopes, clock, random, journal, counts },
      { reserves, callers },
    );
    clock.advance(UNTIL_ALL_EXPIRED_MS);
    await audit(journal, { store, client, namespace, links: scopes.links.values() });
  } finally {
    clearInterval(timer);
    await store.close?.();
    await client.quit();
  }
  const { overAdmissions: overAdmissionsSeen, problemCount, problems } = journal;
  const overAdmissions = overAdmissionsSeen.byAnswer + overAdmissionsSeen.byCallers;
  const seconds = (performance.now() - startMs) / 1000;
  return { counts, seconds, overAdmissions, overAdmissionsSeen, problemCount, problems };
}
