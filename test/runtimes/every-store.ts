/** The benches of a runtime that has sockets: memory, TCP and REST. */
import { Redis } from "ioredis";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { memoryBench, redisBench } from "../ledger/benches.ts";
import { type Benches, tellOutcomes } from "./outcomes.ts";

/** Where the stores are, as the runtime's environment says. */
export interface Addresses {
  redisUrl: string;
  restUrl: string;
  restToken: string;
}

export async function tellOutcomesOfEveryStore(runtime: string, addresses: Addresses): Promise<void> {
  const { redisUrl, restUrl: url, restToken: token } = addresses;
  const tcp = tcpTransport(redisUrl);
  const rest = restTransport({ url, token });
  const behind = new Redis(redisUrl);
  const benches: Benches = {
    memory: memoryBench,
    "Redis over TCP": () => redisBench(tcp, behind),
    "Redis over REST": () => redisBench(rest, { url, token }),
  };
  await tellOutcomes(runtime, benches, (line) => console.log(line));
  behind.disconnect();
  await tcp.close?.();
}
