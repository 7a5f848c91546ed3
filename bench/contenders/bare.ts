/** The least that a script can cost: `EVALSHA` of one `INCRBY`. */

import { closeConnections, openConnections } from "./connections.ts";
import { at, type Contender, warmConnections } from "./contender.ts";

const INCRBY = "return redis.call('INCRBY', KEYS[1], ARGV[1])";

export async function bareScript(redisUrl: string, connections: number): Promise<Contender> {
  const clients = await openConnections(redisUrl, connections);
  const sha1 = String(await at(clients, 0).script("LOAD", INCRBY));
  const call = async (connection: number) => {
    const sum = await at(clients, connection).evalsha(sha1, 1, "bare", "1000");
    if (typeof sum !== "number") throw new Error("INCRBY did not answer a number.");
  };
  return {
    name: "bare EVALSHA of one INCRBY",
    call,
    warm: () => warmConnections(connections, call),
    close: () => closeConnections(clients),
  };
}
