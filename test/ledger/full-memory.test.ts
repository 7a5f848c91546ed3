/** A Redis without memory left refuses what would hold money, and takes what was spent. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoreUnavailableError } from "../../src/errors.ts";
import type { Store } from "../../src/ledger/store.ts";
import { prefix } from "../../src/redis/keys.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { dumpRedis } from "../support/state-dump.ts";

const namespace = "full";
const chain = [{ scope: "user:1" }];
const amounts = { nanoUsd: 5_000_000, tokens: 10, requests: 1 };

let server: RedisServer;
let client: Redis;
let store: Store;

beforeAll(async () => {
  server = await startRedisServer();
  client = new Redis(server.url);
  store = redisStore(tcpTransport(server.url));
});

afterAll(async () => {
  await store.close?.();
  await client.quit();
  await server.stop();
});

function operation(id: string) {
  return { namespace, chain, id, argumentsHash: "h", retentionSeconds: 900 };
}

function reserve(id: string) {
  const hold = { attempt: id, requested: amounts, expiresInSeconds: 600 };
  return store.reserve({ ...operation(id), ...hold });
}

/** A release that frees only what this attempt made. */
async function giveUp(id: string, attempt: string): Promise<string> {
  return (await store.release({ ...operation(id), attempt })).outcome;
}

describe("A Redis whose memory is full", () => {
  it("refuses to hold, changes nothing then, and books settles, releases and records", async () => {
    for (const id of ["settled", "released"]) expect((await reserve(id)).outcome).toBe("held");
    await client.config("SET", "maxmemory", "1");
    const before = await dumpRedis(client, namespace);

    await expect(reserve("refused")).rejects.toBeInstanceOf(StoreUnavailableError);
    expect(await dumpRedis(client, namespace)).toEqual(before);

    const spent = { ...amounts, nanoUsd: 2_000_000 };
    const alertThresholds: number[] = [];
    const settled = await store.settle({
      ...operation("settled"),
      source: "reported",
      actual: spent,
      alertThresholds,
    });
    expect(settled.outcome).toBe("booked");
    expect((await store.release(operation("released"))).outcome).toBe("booked");
    expect((await store.record({ ...operation("recorded"), actual: spent, alertThresholds })).outcome).toBe(
      "booked",
    );

    const { accounts } = await store.check({ namespace, chain, requested: amounts });
    const month = accounts[0]?.windows.find(({ window }) => window === "month");
    expect(month).toMatchObject({ settled: { nanoUsd: 4_000_000 }, held: { nanoUsd: 0 } });
    expect(await client.exists(`${prefix(namespace)}i:refused`)).toBe(0);
  });

  it("remembers which attempts were given up, and each hold as long as before", async () => {
    await client.config("SET", "maxmemory", "0");
    expect((await reserve("stands")).outcome).toBe("held");
    const key = `${prefix(namespace)}i:stands`;
    await client.pexpire(key, 86_400_000);
    await client.config("SET", "maxmemory", "1");

    expect(await giveUp("stands", "late")).toBe("done");
    expect(await giveUp("never-held", "late")).toBe("unknown");
    expect(await client.pttl(key)).toBeGreaterThan(80_000_000);
    for (const id of ["stands", "never-held"]) {
      const late = { ...operation(id), attempt: "late", requested: amounts, expiresInSeconds: 600 };
      expect((await store.reserve(late)).outcome, id).toBe("gone");
    }
    expect(await giveUp("stands", "stands")).toBe("booked");
  });
});
