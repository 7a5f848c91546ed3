/** Redis under TLS: a certificate authority of one's own is named to Node or to the client, never skipped. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { StoreUnavailableError } from "../../src/errors.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../support/loopback-certificate.ts";
import { freePort, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { expectRefused, SECRET } from "../support/refusals.ts";
import { ECHO } from "../support/scripts.ts";

let server: RedisServer;
let folder: string;
let certificate: string;
/** Under a password, as everything that is worth TLS. */
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "redis-tls-"));
  certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  writeFileSync(certificate, LOOPBACK_CERTIFICATE);
  writeFileSync(key, LOOPBACK_KEY);
  const tlsPort = await freePort();
  const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
  const args = ["--tls-port", String(tlsPort), "--tls-auth-clients", "no", ...files];
  server = await startRedisServer({ args, password: "p@ss" });
  url = `rediss://:p%40ss@localhost:${tlsPort}/2?family=4`;
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

function open(target: Parameters<typeof tcpTransport>[0], storeTimeoutMs?: number) {
  const transport = tcpTransport(target, { storeTimeoutMs });
  onTestFinished(() => transport.close?.());
  return transport;
}

describe("A rediss:// address", () => {
  it("is refused where nothing vouches for its certificate, and the error names that", async () => {
    await expectRefused(open(url).run(ECHO, [SECRET], []), StoreUnavailableError, /SELF_SIGNED/);
  });

  it("is refused where the server speaks no TLS", async () => {
    const plain = `rediss://localhost:${server.port}?family=4`;
    await expectRefused(
      open(plain, 300).run(ECHO, [SECRET], []),
      StoreUnavailableError,
      /did not (work|answer)/,
    );
  });

  it("is trusted in a process whose NODE_EXTRA_CA_CERTS names the authority", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", METERED, url], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
      stdio: ["ignore", "pipe", "inherit"],
    });
    expect(await text(child.stdout)).toBe("0.5");
  });
});

/** What a user writes: nothing of TLS stands in it. */
const METERED = `
  import { UsageMeter } from ${JSON.stringify(new URL("../../src/node.ts", import.meta.url).href)};
  await using meter = new UsageMeter({ redisUrl: process.argv[1], agentId: "a", namespace: "tls" });
  await meter.record({ costUsd: "0.5" });
  process.stdout.write(String((await meter.getUsage()).usdSpent));
`;

describe("A client that was handed in", () => {
  it("brings its own authority: ioredis", async () => {
    const client = new Ioredis(url, { tls: { ca: LOOPBACK_CERTIFICATE } });
    onTestFinished(() => client.disconnect());
    expect(await open(client).run(ECHO, ["k"], ["v"])).toEqual(["v"]);
  });

  it("brings its own authority: node-redis", async () => {
    const client = createClient({
      url: url.replace("?family=4", ""),
      socket: { tls: true, ca: LOOPBACK_CERTIFICATE },
    });
    onTestFinished(() => client.destroy());
    await client.connect();
    expect(await open(client).run(ECHO, ["k"], ["v"])).toEqual(["v"]);
  });
});
