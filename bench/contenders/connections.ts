/** TCP connections as everybody gets them here: one command in flight each, nothing sent along with another. */
import { Redis } from "ioredis";
import { ioredisOptions } from "../../src/redis/tcp.ts";

export async function openConnections(redisUrl: string, count: number): Promise<Redis[]> {
  const options = { ...ioredisOptions(redisUrl, 10_000), enableAutoPipelining: false };
  const clients = Array.from({ length: count }, () => new Redis(options));
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

export async function closeConnections(clients: Redis[]): Promise<void> {
  await Promise.all(clients.map((client) => client.quit()));
}
