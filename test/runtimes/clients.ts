/** Holds and settles a call through each client that a user may hand in, and tells what came of it; run by clients.test.ts. */
import { Redis as Upstash } from "@upstash/redis";
import { Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { AgentLimitError, type NodeMeterOptions, UsageMeter } from "../../src/node.ts";

/** What came of one client: what the meter says is spent and held, or its error. */
export interface ClientOutcome {
  client: string;
  spentAndHeld?: [number, number];
  error?: string;
}

const { REDIS_URL = "", REST_URL = "", REST_TOKEN = "", TLS_URL = "", AUTHORITY = "" } = process.env;

const ioredis = new Ioredis(REDIS_URL);
const ioredisTls = new Ioredis(TLS_URL, { tls: { ca: AUTHORITY } });
const nodeRedis = await createClient({ url: REDIS_URL, RESP: 2 }).connect();
const nodeRedis3 = await createClient({ url: REDIS_URL, RESP: 3 }).connect();
const nodeRedisTls = await createClient({ url: TLS_URL, socket: { tls: true, ca: AUTHORITY } }).connect();

await tell("ioredis", { redis: ioredis });
await tell("ioredis over TLS", { redis: ioredisTls });
await tell("node-redis", { redis: nodeRedis });
await tell("node-redis with RESP3", { redis: nodeRedis3 });
await tell("node-redis over TLS", { redis: nodeRedisTls });
await tell("@upstash/redis", { redis: new Upstash({ url: REST_URL, token: REST_TOKEN }) });
await tell("an address whose certificate nothing vouches for", { redisUrl: TLS_URL });

for (const client of [ioredis, ioredisTls]) client.disconnect();
for (const client of [nodeRedis, nodeRedis3, nodeRedisTls]) client.destroy();

async function tell(client: string, way: NodeMeterOptions): Promise<void> {
  const outcome: ClientOutcome = { client, ...(await outcomeOf(way)) };
  console.log(JSON.stringify(outcome));
}

async function outcomeOf(way: NodeMeterOptions): Promise<Omit<ClientOutcome, "client">> {
  const namespace = `clients-${crypto.randomUUID().slice(0, 8)}`;
  const meter = new UsageMeter({ ...way, namespace, agentId: "a", monthlyBudgetUsd: 1 });
  try {
    const hold = await meter.reserve({ estimatedCostUsd: "0.5" });
    await hold.settle({ costUsd: "0.1" });
    const { usdSpent, usdHeld } = await meter.getUsage();
    return { spentAndHeld: [usdSpent, usdHeld] };
  } catch (error) {
    return { error: error instanceof AgentLimitError ? `${error.code}: ${error.message}` : String(error) };
  } finally {
    await meter.close();
  }
}
