/** The meter in Node: over TCP and TLS too, and closed when its work is done. */
import { InvalidOptionsError } from "../errors.ts";
import type { Store } from "../ledger/store.ts";
import { UsageMeter as FetchMeter } from "../meter.ts";
import type { NodeRedisClient } from "../redis/node-redis.ts";
import { type IoredisClient, tcpTransport } from "../redis/tcp.ts";
import { isSocketClient, storeOf, storeOver } from "./connect.ts";
import { METER_OPTION_NAMES, type MeterOptions } from "./options.ts";
import { refuseUnknownNames } from "./settings.ts";

type SocketClient = IoredisClient | NodeRedisClient;

/** The options of {@link UsageMeter} in Node: one more way to a store. */
export interface NodeMeterOptions extends Omit<MeterOptions, "redis"> {
  /** `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. */
  redisUrl?: string;
  /** Also a client of ioredis or node-redis, clusters too, which stays its owner's to connect and to close. */
  redis?: MeterOptions["redis"] | SocketClient;
}

/**
 * The meter of `agentlimit`, over `redis://` and `rediss://` too.
 *
 * @example
 * ```ts
 * await using meter = new UsageMeter({ redisUrl: "redis://localhost:6379", agentId: "my-agent", monthlyBudgetUsd: 100 });
 * ```
 */
export class UsageMeter extends FetchMeter {
  /** Undefined for a store that was handed in: that one is its owner's to close. */
  readonly #ownStore: Store | undefined;

  /** @throws InvalidOptionsError, InvalidScopeError, InvalidBudgetError; a store that can't be reached is found by the first call. */
  constructor(options: NodeMeterOptions) {
    refuseUnknownNames(options, [...METER_OPTION_NAMES, "redisUrl"], "UsageMeter");
    const { redisUrl: _redisUrl, redis: _redis, ...others } = options;
    const ownStore = options.store === undefined || hasAddress(options) ? connect(options) : undefined;
    super({ ...others, ...(ownStore === undefined ? {} : { store: ownStore }) });
    this.#ownStore = ownStore;
  }

  /** Waits for settles under way, then ends the connections that this meter opened. Children share them. */
  async close(): Promise<void> {
    await this.flush();
    await this.#ownStore?.close?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function hasAddress({ redisUrl, redis }: NodeMeterOptions): boolean {
  return redisUrl !== undefined || redis !== undefined;
}

function connect(options: NodeMeterOptions): Store {
  const { redisUrl, redis, store } = options;
  const ways = [redisUrl, redis, store].filter((way) => way !== undefined);
  if (ways.length > 1)
    throw new InvalidOptionsError("Give one of `redisUrl`, `redis` and `store`: a meter has one ledger.");
  if (redisUrl !== undefined && typeof redisUrl !== "string")
    throw new InvalidOptionsError("`redisUrl` is a text such as redis://localhost:6379.");
  const target = redisUrl ?? (isSocket(redis) ? redis : undefined);
  return target === undefined
    ? storeOf({ ...options, redis: isSocket(redis) ? undefined : redis })
    : storeOver(options, (transportOptions) => tcpTransport(target, transportOptions));
}

function isSocket(redis: NodeMeterOptions["redis"]): redis is SocketClient {
  return typeof redis === "object" && redis !== null && isSocketClient(redis);
}
