/** Three masters of one Redis Cluster on loopback, without replicas. */
import { setTimeout as delay } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import { freePort, startRedisServer } from "./redis-server.ts";

export interface RedisCluster {
  /** Where its nodes listen. */
  ports: number[];
  /** A client of ioredis with its defaults; `stop` disconnects it. */
  client: Cluster;
  /** Moves the slot of a key to the next node, key by key, as a resharding does. */
  moveSlotOf(key: string): Promise<void>;
  stop(): Promise<void>;
}

interface Node {
  port: number;
  busPort: number;
  admin: Redis;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const MASTERS = 3;

export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: MASTERS }, startNode));
  for (const [place, node] of nodes.entries()) {
    const [from = 0, next = 0] = [place, place + 1].map((edge) => Math.floor((edge * SLOTS) / MASTERS));
    await node.admin.cluster("ADDSLOTSRANGE", from, next - 1);
    for (const { port, busPort } of nodes)
      await node.admin.call("CLUSTER", "MEET", "127.0.0.1", port, busPort);
  }
  await Promise.all(nodes.map(untilWhole));
  const ports = nodes.map(({ port }) => port);
  const client = new Cluster(ports.map((port) => ({ host: "127.0.0.1", port })));
  client.on("error", () => {});
  return {
    ports,
    client,
    moveSlotOf: async (key) => moveSlot(nodes, await client.cluster("KEYSLOT", key)),
    stop: async () => {
      client.disconnect();
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

async function startNode(): Promise<Node> {
  const busPort = await freePort();
  // The bus would else listen 10,000 ports above, which is no port for many a free one.
  const args = ["--cluster-enabled", "yes", "--cluster-port", String(busPort)];
  const server = await startRedisServer({ args });
  const admin = new Redis(server.url);
  const stop = async () => {
    admin.disconnect();
    await server.stop();
  };
  return { port: server.port, busPort, admin, stop };
}

/** Until a node knows of all slots and of all nodes. */
async function untilWhole({ admin }: Node): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (performance.now() < deadlineMs) {
    const info = String(await admin.cluster("INFO"));
    if (info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${MASTERS}`)) return;
    await delay(20);
  }
  throw new Error("the cluster did not come up");
}

async function moveSlot(nodes: Node[], slot: number): Promise<void> {
  const owners = await Promise.all(nodes.map((node) => ownsSlot(node, slot)));
  const place = owners.indexOf(true);
  const [from, to] = [nodes[place], nodes[(place + 1) % nodes.length]];
  if (from === undefined || to === undefined) throw new Error(`no node has slot ${slot}`);
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  await to.admin.cluster("SETSLOT", slot, "IMPORTING", fromId);
  await from.admin.cluster("SETSLOT", slot, "MIGRATING", toId);
  for (;;) {
    const keys = await from.admin.cluster("GETKEYSINSLOT", slot, 1);
    const [key] = Array.isArray(keys) ? keys.map(String) : [];
    if (key === undefined) break;
    await from.admin.migrate("127.0.0.1", to.port, key, 0, 5000);
  }
  for (const node of [to, from]) await node.admin.cluster("SETSLOT", slot, "NODE", toId);
}

async function idOf({ admin }: Node): Promise<string> {
  return String(await admin.cluster("MYID"));
}

/** By the line that a node writes of itself: `… myself,master … connected 0-5460 12000`. */
async function ownsSlot({ admin }: Node, slot: number): Promise<boolean> {
  const lines = String(await admin.cluster("NODES")).split("\n");
  const own = lines.find((line) => line.includes("myself"))?.split(" ") ?? [];
  return own.slice(8).some((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return from !== undefined && to !== undefined && slot >= from && slot <= to;
  });
}
