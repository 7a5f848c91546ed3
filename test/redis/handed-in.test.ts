/** What becomes of a client that its user hands in: in whatever state it is, a call ends within its deadline. */
import { Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, it, onTestFinished } from "vitest";
import { InvalidOptionsError, StoreUnavailableError } from "../../src/errors.ts";
import { type IoredisClient, tcpTransport } from "../../src/redis/tcp.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { expectRefused, SECRET } from "../support/refusals.ts";
import { ECHO } from "../support/scripts.ts";

async function redisServer(): Promise<RedisServer> {
  const server = await startRedisServer();
  onTestFinished(() => server.stop());
  return server;
}

function ioredis(server: RedisServer, protocol: 2 | 3 = 3) {
  const client = new Ioredis(server.url, { protocol });
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

/** Not connected yet. */
function nodeRedis(server: RedisServer, RESP: 2 | 3 = 3) {
  const client = createClient({ url: server.url, RESP });
  client.on("error", () => {});
  onTestFinished(() => {
    if (client.isOpen) client.destroy();
  });
  return client;
}

function connectingNodeRedis(server: RedisServer) {
  const client = nodeRedis(server);
  client.connect().catch(() => {});
  return client;
}

const TIMEOUT_MS = 300;

describe.each([
  ["ioredis", ioredis],
  ["node-redis", connectingNodeRedis],
] as const)("A client of %s that is slow to connect", (_, connecting) => {
  it("is waited for within the deadline", async () => {
    const server = await redisServer();
    server.pause();
    const transport = tcpTransport(connecting(server));
    const call = transport.run(ECHO, ["k"], ["v"]);
    setTimeout(() => server.resume(), 100);
    expect(await call).toEqual(["v"]);
  });

  it("is named as the cause at the deadline, and works when it has its connection", async () => {
    const server = await redisServer();
    server.pause();
    const transport = tcpTransport(connecting(server), { storeTimeoutMs: TIMEOUT_MS });
    const refused = /did not answer within 300 ms: the Redis client has no connection/;
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, refused);
    await expectRefused(transport.time(), StoreUnavailableError, refused);
    server.resume();
    await expect
      .poll(() => transport.run(ECHO, ["k"], ["v"]).catch(() => undefined), { timeout: 5000 })
      .toEqual(["v"]);
  });

  it("says so, too, when its server has died", async () => {
    const server = await redisServer();
    const transport = tcpTransport(connecting(server), { storeTimeoutMs: TIMEOUT_MS });
    await transport.run(ECHO, ["k"], ["v"]);
    await server.stop();
    await expectRefused(
      transport.run(ECHO, [SECRET], [SECRET]),
      StoreUnavailableError,
      /within 300 ms: .*the Redis client has no connection/,
    );
  });
});

describe("A client that its owner has closed", () => {
  it("of ioredis is a typed error that says so", async () => {
    const client = ioredis(await redisServer());
    const transport = tcpTransport(client, { storeTimeoutMs: TIMEOUT_MS });
    await transport.run(ECHO, ["k"], ["v"]);
    await client.quit();
    const refused = /within 300 ms: .*the Redis client was closed/;
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, refused);
  });

  it("of node-redis is a typed error that says so, as is one that was never connected", async () => {
    const client = nodeRedis(await redisServer());
    const transport = tcpTransport(client, { storeTimeoutMs: TIMEOUT_MS });
    const refused = /within 300 ms: .*await its connect\(\) first, and close it last/;
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, refused);
    await client.connect();
    expect(await transport.run(ECHO, ["k"], ["v"])).toEqual(["v"]);
    await client.close();
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, refused);
  });

  it("is closed by nobody else: a transport that is closed leaves it open", async () => {
    const server = await redisServer();
    const [first, second] = [ioredis(server), nodeRedis(server)];
    await second.connect();
    for (const client of [first, second]) {
      const transport = tcpTransport(client);
      await transport.run(ECHO, ["k"], ["v"]);
      await transport.close?.();
      await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /was closed/);
      expect(await client.echo("alive")).toBe("alive");
    }
  });
});

describe("A client that is subscribed to channels", () => {
  it("of ioredis or node-redis is refused at once, with what to do", async () => {
    const server = await redisServer();
    const [first, second] = [ioredis(server, 2), nodeRedis(server, 2)];
    await second.connect();
    await first.subscribe("news");
    await second.subscribe("news", () => {});
    for (const client of [first, second]) {
      const transport = tcpTransport(client);
      const refused = /subscribed to channels.*client\.duplicate\(\)/;
      const startMs = performance.now();
      await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, refused);
      await expectRefused(transport.time(), StoreUnavailableError, refused);
      expect(performance.now() - startMs).toBeLessThan(500);
    }
  });
});

describe("What is no client", () => {
  it.each([[{}], [{ evalsha: "text" }], [{ status: "ready" }]])("is refused at once: %j", (client) => {
    const untyped = client as unknown as IoredisClient;
    expect(() => tcpTransport(untyped)).toThrow(InvalidOptionsError);
  });
});
