/** The store's conformance suite over every client that users hand in, with the settings that they have. */
import { Redis as UpstashRedis } from "@upstash/redis";
import { Redis as Ioredis } from "ioredis";
import { createClient, createClientPool, createCluster, RESP_TYPES } from "redis";
import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import type { ScriptTransport } from "../../src/redis/transport.ts";
import { type Behind, redisBench } from "../ledger/benches.ts";
import { STORE_CASES } from "../ledger/cases/index.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";

const redisUrl = inject("redisUrl");
const address = { url: inject("restUrl"), token: inject("restToken") };
let cluster: RedisCluster;
const open: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(async () => {
  await Promise.all(open.map((close) => close()));
  await cluster.stop();
});

/** What is opened here is closed at the end. */
function opened<C>(client: C, close: (client: C) => unknown): C {
  open.push(() => close(client));
  return client;
}

/** Deadlines have tests of their own: none passes here on a machine that is busy with much else. */
const PATIENT = { storeTimeoutMs: 15_000 };

/** The client's transport, and a way behind the store's back to the same Redis. */
type Reach = () => Promise<{ transport: ScriptTransport; behind: Behind }>;

const CLIENTS: Record<string, Reach> = {
  "ioredis with its defaults": async () => {
    const client = opened(new Ioredis(redisUrl), (redis) => redis.disconnect());
    return { transport: tcpTransport(client, PATIENT), behind: address };
  },
  "ioredis with auto-pipelining, RESP2 and a prefix for keys": async () => {
    const client = new Ioredis(redisUrl, { enableAutoPipelining: true, protocol: 2, keyPrefix: "app:" });
    opened(client, (redis) => redis.disconnect());
    return { transport: tcpTransport(client, PATIENT), behind: client };
  },
  "ioredis' Cluster with its defaults": async () => ({
    transport: tcpTransport(cluster.client, PATIENT),
    behind: cluster.client,
  }),
  "node-redis with its defaults": async () => {
    const client = opened(createClient({ url: redisUrl }), (redis) => redis.destroy());
    await client.connect();
    return { transport: tcpTransport(client, PATIENT), behind: address };
  },
  "node-redis with RESP2, asked for bytes": async () => {
    const client = opened(createClient({ url: redisUrl, RESP: 2 }), (redis) => redis.destroy());
    await client.connect();
    const inBytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    return { transport: tcpTransport(inBytes, PATIENT), behind: address };
  },
  "a pool of node-redis": async () => {
    const pool = opened(createClientPool({ url: redisUrl }), (redis) => redis.destroy());
    await pool.connect();
    return { transport: tcpTransport(pool, PATIENT), behind: address };
  },
  "a cluster of node-redis": async () => {
    const rootNodes = cluster.ports.map((port) => ({ url: `redis://127.0.0.1:${port}` }));
    const client = opened(createCluster({ rootNodes }), (redis) => redis.destroy());
    await client.connect();
    return { transport: tcpTransport(client, PATIENT), behind: cluster.client };
  },
  "@upstash/redis with its defaults": async () => ({
    transport: restTransport(new UpstashRedis(address), PATIENT),
    behind: address,
  }),
  "@upstash/redis without auto-pipelining": async () => ({
    transport: restTransport(new UpstashRedis({ ...address, enableAutoPipelining: false }), PATIENT),
    behind: address,
  }),
  "@upstash/redis without deserialisation, base64 and retries": async () => {
    const settings = {
      automaticDeserialization: false,
      responseEncoding: false as const,
      retry: false as const,
    };
    return {
      transport: restTransport(new UpstashRedis({ ...address, ...settings }), PATIENT),
      behind: address,
    };
  },
  "Upstash's text of the scripts first, over REST": async () => ({
    transport: restTransport(address, { ...PATIENT, server: "upstash" }),
    behind: address,
  }),
  "Upstash's text of the scripts first, over TCP": async () => {
    const transport = tcpTransport(redisUrl, { ...PATIENT, server: "upstash" });
    open.push(() => transport.close?.());
    return { transport, behind: address };
  },
};

describe.each(Object.entries(CLIENTS))("The ledger over %s", (_, reach) => {
  let reached: Awaited<ReturnType<Reach>>;
  beforeAll(async () => {
    reached = await reach();
  });
  for (const { promise, name, run } of STORE_CASES) {
    describe(promise, () => {
      it(name, () => run(redisBench(reached.transport, reached.behind)));
    });
  }
});
