/** The cases of a runtime that has sockets: over memory, TCP and REST. */
import { Redis } from "ioredis";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { memoryBench, redisBench } from "../ledger/benches.ts";
import { type Benches, tellOutcomes } from "./outcomes.ts";

/** @param environment has the addresses that runtime.suite.ts gives. */
export async function tellOutcomesOfEveryStore(
  runtime: string,
  environment: Record<string, string | undefined>,
): Promise<void> {
  const { REDIS_URL = "", REST_URL: url = "", REST_TOKEN: token = "", UPSTREAM_URL = "" } = environment;
  const tcp = tcpTransport(REDIS_URL);
  const rest = restTransport({ url, token });
  const behind = new Redis(REDIS_URL);
  const benches: Benches = {
    memory: memoryBench,
    "Redis over TCP": () => redisBench(tcp, behind),
    "Redis over REST": () => redisBench(rest, { url, token }),
  };
  await tellOutcomes(runtime, benches, UPSTREAM_URL);
  behind.disconnect();
  await tcp.close?.();
}
