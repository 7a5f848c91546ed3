/** What the bench runs against: a Redis of its own, and a bridge in front of it. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { startRedisServer } from "../test/support/redis-server.ts";

export interface Servers {
  redisUrl: string;
  rest: { url: string; token: string };
  /** Asks the server of its own work; makes no calls while something is measured. */
  observer: Redis;
  close(): Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const server = await startRedisServer();
  const bridge = await startBridgeProcess(server.url);
  const observer = new Redis(server.url);
  return {
    redisUrl: server.url,
    rest: bridge.address,
    observer,
    close: async () => {
      await observer.quit();
      bridge.stop();
      await server.stop();
    },
  };
}

async function startBridgeProcess(redisUrl: string) {
  const script = fileURLToPath(new URL("bridge-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script, redisUrl], { stdio: ["pipe", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) {
    const { url, token } = JSON.parse(line) as { url: string; token: string };
    return { address: { url, token }, stop: () => void child.stdin.end() };
  }
  throw new Error("The bridge did not start.");
}
