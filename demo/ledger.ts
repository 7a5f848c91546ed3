/** Where the demo keeps its ledger: in memory, or in the Redis that the command line or the environment names. */
import { parseArgs } from "node:util";
import { memoryStore, type NodeMeterOptions } from "../src/node.ts";

export interface DemoLedger {
  store: Partial<NodeMeterOptions>;
  /** Without credentials. */
  description: string;
}

/** Keeps the demo's scopes apart from everything else in a Redis. */
const NAMESPACE = "demo";

/** @throws for flags that do not exist. */
export function chooseLedger(args: string[], env: NodeJS.ProcessEnv): DemoLedger {
  const { values } = parseArgs({ args, options: { redis: { type: "string" } } });
  if (values.redis !== undefined) return inRedis({ redisUrl: values.redis }, values.redis);
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
  if (url && token) return inRedis({ redis: { url, token } }, url);
  return { store: { store: memoryStore() }, description: "in this process's memory" };
}

function inRedis(address: Partial<NodeMeterOptions>, url: string): DemoLedger {
  const host = URL.canParse(url) ? new URL(url).host : "Redis";
  return {
    store: { ...address, namespace: NAMESPACE },
    description: `in ${host}, namespace ${NAMESPACE}`,
  };
}
