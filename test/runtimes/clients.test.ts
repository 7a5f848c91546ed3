/** Clients of ioredis, node-redis and `@upstash/redis` handed to a meter in Bun and Deno, over TLS too. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Finished, packageCommand, runToEnd } from "../examples/child-process.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../support/loopback-certificate.ts";
import { freePort, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import type { ClientOutcome } from "./clients.ts";

const RUN_DEADLINE_MS = 30_000;
const RUNNER = "test/runtimes/clients.ts";

const denoFlags = ["--no-lock", "--node-modules-dir=manual", "--allow-net", "--allow-env"];

let folder: string;
let redis: RedisServer;
let tlsUrl: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "redis-tls-"));
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  writeFileSync(certificate, LOOPBACK_CERTIFICATE);
  writeFileSync(key, LOOPBACK_KEY);
  const tlsPort = await freePort();
  const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
  redis = await startRedisServer({
    args: ["--tls-port", String(tlsPort), "--tls-auth-clients", "no", ...files],
  });
  tlsUrl = `rediss://localhost:${tlsPort}`;
});
afterAll(async () => {
  await redis?.stop();
  rmSync(folder, { recursive: true });
});

describe.each([
  { runtime: "Bun", command: [packageCommand("bun"), "run", RUNNER] },
  { runtime: "Deno", command: [packageCommand("deno"), "run", ...denoFlags, RUNNER] },
])("In $runtime, a meter", ({ command }) => {
  let finished: Finished;
  let outcomes: ClientOutcome[];

  beforeAll(async () => {
    const env = {
      REDIS_URL: redis.url,
      REST_URL: inject("restUrl"),
      REST_TOKEN: inject("restToken"),
      TLS_URL: tlsUrl,
      AUTHORITY: LOOPBACK_CERTIFICATE,
      DENO_NO_UPDATE_CHECK: "1",
    };
    finished = await runToEnd(command, env, RUN_DEADLINE_MS);
    const wholeLines = finished.stdout.split("\n").slice(0, -1);
    outcomes = wholeLines.map((line): ClientOutcome => JSON.parse(line));
  }, RUN_DEADLINE_MS + 10_000);

  it("runs to the program's end, and prints nothing of its own", () => {
    expect(finished).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it.each([
    "ioredis",
    "ioredis over TLS",
    "node-redis",
    "node-redis with RESP3",
    "node-redis over TLS",
    "@upstash/redis",
  ])("holds and settles a call through a client of %s", (client) => {
    expect(outcomeOf(client)).toEqual({ client, spentAndHeld: [0.1, 0] });
  });

  it("refuses a rediss:// address whose certificate nothing vouches for, and says so", () => {
    const { error } = outcomeOf("an address whose certificate nothing vouches for");
    expect(error).toMatch(/^STORE_UNAVAILABLE: .*can't be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
  });

  function outcomeOf(client: string): ClientOutcome {
    const outcome = outcomes.find((each) => each.client === client);
    if (outcome === undefined) throw new Error(`The runtime told nothing of it.\n${finished.stderr}`);
    return outcome;
  }
});
