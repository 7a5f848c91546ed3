/** A Redis with an append-only file, killed under load and restarted: what callers were told is what the ledger has. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Hold, type NodeMeterOptions, StoreUnavailableError, UsageMeter } from "../../src/node.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { freePort, type RedisServer, startRedisServer } from "../support/redis-server.ts";

/** Milliseconds from each kill to the restart: at once, within the deadline, and after it. */
const DOWN_MS = [0, 500, 2_400];
const DEADLINE_MS = 2_000;
const CLIENTS = 3;
/** Of each client, before each kill and after the last. */
const CALLS_BETWEEN = 25;

let folder: string;
let port: number;
let redis: RedisServer;
let bridge: TestBridge;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "redis-killed-"));
  port = await freePort();
  redis = await start();
  bridge = await startBridge(redis.url);
});
afterAll(async () => {
  await bridge.close();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

/** `everysec` puts writes off while the disk is busy, and answers all the same: a kill then loses what was acknowledged. */
const DURABLE = ["--appendonly", "yes", "--appendfsync", "always"];
const start = () => startRedisServer({ port, folder, args: DURABLE });

/** One caller, one call at a time, and what it was told. */
class Client {
  readonly meter: UsageMeter;
  /** Since the last kill. */
  calls = 0;
  failures = 0;
  readonly settled: { hold: Hold; costNanoUsd: number }[] = [];
  readonly recorded: { id: string; costNanoUsd: number }[] = [];
  /** Nobody knows whether they were applied. */
  readonly unknownReserves: string[] = [];
  readonly unknownSettles: { hold: Hold; costNanoUsd: number }[] = [];
  readonly unknownRecords: { id: string; costNanoUsd: number }[] = [];
  #isRunning = true;

  constructor(options: NodeMeterOptions) {
    this.meter = new UsageMeter({
      ...options,
      agentId: "a",
      monthlyBudgetUsd: 1000,
      storeTimeoutMs: DEADLINE_MS,
    });
  }

  async run(): Promise<void> {
    while (this.#isRunning) {
      const costNanoUsd = 1 + Math.floor(Math.random() * 1000);
      await (Math.random() < 0.3 ? this.#record(costNanoUsd) : this.#reserveAndSettle(costNanoUsd));
      this.calls += 1;
    }
  }

  stop(): void {
    this.#isRunning = false;
  }

  async #record(costNanoUsd: number): Promise<void> {
    const call = { id: crypto.randomUUID(), costNanoUsd };
    const isDone = await this.#succeeds(this.meter.record({ id: call.id, costUsd: usd(costNanoUsd) }));
    (isDone ? this.recorded : this.unknownRecords).push(call);
  }

  async #reserveAndSettle(costNanoUsd: number): Promise<void> {
    const id = crypto.randomUUID();
    let hold: Hold | undefined;
    const reserve = this.meter.reserve({ id, estimatedCostUsd: usd(2000) }).then((made) => {
      hold = made;
    });
    await this.#succeeds(reserve);
    if (hold === undefined) return void this.unknownReserves.push(id);
    const isDone = await this.#succeeds(hold.settle({ costUsd: usd(costNanoUsd) }));
    (isDone ? this.settled : this.unknownSettles).push({ hold, costNanoUsd });
  }

  async #succeeds(call: Promise<unknown>): Promise<boolean> {
    try {
      await call;
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(StoreUnavailableError);
      this.failures += 1;
      return false;
    }
  }
}

const usd = (nanoUsd: number): string => (nanoUsd / 1e9).toFixed(9);

describe("Redis killed under load and restarted", () => {
  it("keeps every acknowledged operation, over TCP and REST, and fails one call a client at most", async () => {
    const addresses: NodeMeterOptions[] = [{ redisUrl: redis.url }, { redis: bridge }];
    const clients = addresses.flatMap((address) =>
      Array.from({ length: CLIENTS }, () => new Client(address)),
    );
    const running = clients.map((client) => client.run());

    const failures: number[][] = [];
    await calls(clients);
    for (const downMs of DOWN_MS) {
      await redis.stop();
      await delay(downMs);
      redis = await start();
      await calls(clients);
      failures.push(clients.map((client) => client.failures));
      for (const client of clients) client.failures = 0;
    }
    for (const client of clients) client.stop();
    await Promise.all(running);
    await Promise.all(clients.map(({ meter }) => meter.flush()));

    for (const ofOneKill of failures) expect(Math.max(...ofOneKill)).toBeLessThanOrEqual(1);
    // The longest one did hit calls.
    expect(Math.max(...(failures.at(-1) ?? []))).toBe(1);
    for (const client of clients) await expectAcknowledged(client);
    const booked = await Promise.all(clients.map(finishUnknown));
    const [first] = clients;
    expect(await first?.meter.getUsage()).toMatchObject({
      nanoUsdSpent: booked.reduce((sum, nanoUsd) => sum + nanoUsd, 0),
      usdHeld: 0,
    });
    await Promise.all(clients.map(({ meter }) => meter.close()));
  });
});

/** Resolves when each client has made some more calls. */
async function calls(clients: Client[]): Promise<void> {
  for (const client of clients) client.calls = 0;
  while (clients.some((client) => client.calls < CALLS_BETWEEN)) await delay(5);
}

/** The ledger knows each operation that its caller was told of, with its amount. */
async function expectAcknowledged({ meter, recorded, settled }: Client): Promise<void> {
  for (const { id, costNanoUsd } of recorded) {
    expect(await meter.record({ id, costUsd: usd(costNanoUsd) })).toMatchObject({
      costNanoUsd,
      replayed: true,
    });
  }
  for (const { hold, costNanoUsd } of settled) {
    expect(await hold.settle({ costUsd: usd(costNanoUsd) })).toMatchObject({ costNanoUsd, replayed: true });
  }
}

/** Sends again what got no answer, applied or not; then all that a client spent is known. In nano-USD. */
async function finishUnknown(client: Client): Promise<number> {
  const { meter, recorded, settled, unknownRecords, unknownReserves, unknownSettles } = client;
  for (const { id, costNanoUsd } of unknownRecords) await meter.record({ id, costUsd: usd(costNanoUsd) });
  for (const { hold, costNanoUsd } of unknownSettles) await hold.settle({ costUsd: usd(costNanoUsd) });
  for (const id of unknownReserves) await meter.hold(id).release().catch(expectUnknownHold);
  const spent = [...recorded, ...settled, ...unknownRecords, ...unknownSettles];
  return spent.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0);
}

function expectUnknownHold(error: unknown): void {
  expect(error).toMatchObject({ code: "UNKNOWN_HOLD" });
}
