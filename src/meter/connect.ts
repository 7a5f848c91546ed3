/** Which store a meter keeps its ledger in. Never memory unless it was handed in: a budget must not be forgotten by a restart. */
import { InvalidOptionsError } from "../errors.ts";
import type { Store } from "../ledger/store.ts";
import { checkStoreTimeout } from "../redis/delivery.ts";
import { isNodeRedis } from "../redis/node-redis.ts";
import { redisStore } from "../redis/redis-store.ts";
import { type RedisClient, type RestAddress, restTransport } from "../redis/rest.ts";
import type { ScriptTransport } from "../redis/transport.ts";
import type { MeterOptions } from "./options.ts";

type StoreOptions = Pick<MeterOptions, "store" | "redis" | TransportOption>;
type TransportOption = "storeTimeoutMs" | "server" | "clock";

/**
 * The store that the options name, else the one of Upstash's two variables. Makes no call.
 *
 * @throws InvalidOptionsError where there is none, or more than one; and for an option of transports that makes no
 * sense, be there a transport or not.
 */
export function storeOf(options: StoreOptions): Store {
  const { store, redis } = options;
  checkTransportOptions(options);
  if (store !== undefined && redis !== undefined)
    throw new InvalidOptionsError("Give `redis` or `store`, not both: a meter has one ledger.");
  if (store !== undefined) return checkedStore(store);
  const target = redis === undefined ? addressFromEnvironment() : checkedTarget(redis);
  return storeOver(options, (transportOptions) => restTransport(target, transportOptions));
}

/**
 * A store over a transport that is made with the options of all transports.
 *
 * @throws InvalidOptionsError for one of these.
 */
export function storeOver(
  options: Pick<MeterOptions, TransportOption>,
  connect: (options: Pick<MeterOptions, "storeTimeoutMs" | "server">) => ScriptTransport,
): Store {
  checkTransportOptions(options);
  const { storeTimeoutMs, server, clock } = options;
  const localClock = clock === "local" ? Date.now : undefined;
  return redisStore(connect({ storeTimeoutMs, server }), { localClock });
}

function checkTransportOptions({ storeTimeoutMs, server, clock }: Pick<MeterOptions, TransportOption>): void {
  if (storeTimeoutMs !== undefined) checkStoreTimeout(storeTimeoutMs);
  if (server !== undefined && server !== "upstash" && server !== "redis")
    throw new InvalidOptionsError('`server` is "upstash" or "redis".');
  if (clock !== undefined && clock !== "server" && clock !== "local")
    throw new InvalidOptionsError('`clock` is "server" or "local".');
}

/** Whether it is a client that speaks to Redis itself, as those of ioredis and node-redis do, and not to a REST API. */
export function isSocketClient(client: object): boolean {
  return isNodeRedis(client) || "defineCommand" in client || ("status" in client && "sendCommand" in client);
}

function checkedStore(store: Store): Store {
  if (typeof store === "object" && store !== null && typeof store.reserve === "function") return store;
  throw new InvalidOptionsError("`store` is a store, such as memoryStore().");
}

function checkedTarget(redis: RedisClient | RestAddress): RedisClient | RestAddress {
  if (typeof redis !== "object" || redis === null)
    throw new InvalidOptionsError("`redis` is a client of @upstash/redis, or { url, token }.");
  if (isSocketClient(redis))
    throw new InvalidOptionsError(
      "This is no client of @upstash/redis: clients of ioredis and node-redis need the UsageMeter of agentlimit/node.",
    );
  if ("send_command" in redis)
    throw new InvalidOptionsError(
      "This client of node-redis is too old: from version 5 on they may be handed in.",
    );
  return redis;
}

function addressFromEnvironment(): RestAddress {
  const url = environmentVariable("UPSTASH_REDIS_REST_URL");
  const token = environmentVariable("UPSTASH_REDIS_REST_TOKEN");
  if (url !== undefined && token !== undefined) return { url, token };
  throw new InvalidOptionsError(
    "A meter needs a store: `redis: { url, token }` or a client of @upstash/redis; or the environment variables UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN; or `store: memoryStore()`, which forgets everything when the process ends. With agentlimit/node also `redisUrl`.",
  );
}

/** Undefined where the runtime has no environment, or does not show it. */
function environmentVariable(name: string): string | undefined {
  try {
    const value = globalThis.process?.env?.[name];
    return value === "" ? undefined : value;
  } catch {
    return undefined;
  }
}
