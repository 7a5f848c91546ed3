/** `agentlimit/node`: everything of `agentlimit`, and a meter that reaches Redis over TCP or TLS and can be closed. */
export * from "./index.ts";
export { type NodeMeterOptions, UsageMeter } from "./meter/node-meter.ts";
export type { NodeRedisClient } from "./redis/node-redis.ts";
export type { IoredisClient } from "./redis/tcp.ts";
