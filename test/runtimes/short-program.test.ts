/** "A program ends by itself when its work is done", without `close()`, whatever its runtime and its store do. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { packageCommand, runToEnd } from "../examples/child-process.ts";
import { freePort, type RedisServer, startRedisServer } from "../support/redis-server.ts";

/** A store is given up after 0.4 s, its connection a second later; the rest is for a busy machine. */
const DEADLINE_MS = 10_000;

const denoFlags = ["--no-lock", "--node-modules-dir=manual", "--allow-net", "--allow-env"];

let hung: RedisServer;
beforeAll(async () => {
  hung = await startRedisServer();
  hung.pause();
});
afterAll(() => hung?.stop());

describe.each([
  { runtime: "Node", command: [packageCommand("node")] },
  { runtime: "Bun", command: [packageCommand("bun"), "run"] },
  { runtime: "Deno", command: [packageCommand("deno"), "run", ...denoFlags] },
])("A program in $runtime that closes nothing ends by itself", ({ command }) => {
  it.each([
    { store: "Redis over TCP", url: () => inject("redisUrl"), says: "recorded" },
    { store: "Redis over REST", url: () => inject("restUrl"), says: "recorded" },
    { store: "a Redis that is not there", url: () => nobodyAt("redis"), says: "STORE_UNAVAILABLE" },
    { store: "a Redis that hangs", url: () => hung.url, says: "STORE_UNAVAILABLE" },
    { store: "a REST address that is not there", url: () => nobodyAt("http"), says: "STORE_UNAVAILABLE" },
  ])("after a call to $store", async ({ url, says }) => {
    const env = { STORE_URL: await url(), TOKEN: inject("restToken"), DENO_NO_UPDATE_CHECK: "1" };
    const finished = await runToEnd([...command, "test/runtimes/short-program.ts"], env, DEADLINE_MS);
    expect(finished).toEqual({ exitCode: 0, stdout: `${says}\n`, stderr: "" });
  });
});

async function nobodyAt(protocol: string): Promise<string> {
  return `${protocol}://127.0.0.1:${await freePort()}`;
}
