import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis as UpstashRedis } from "@upstash/redis";
import { Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, it, onTestFinished } from "vitest";
import { StoreDataError, StoreUnavailableError } from "../../src/errors.ts";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import type { ScriptTransport } from "../../src/redis/transport.ts";
import { startBridge } from "../support/bridge.ts";
import { startOwnTime } from "../support/own-time.ts";
import {
  freePort,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from "../support/redis-server.ts";
import { expectRefused, SECRET } from "../support/refusals.ts";
import { ECHO, script } from "../support/scripts.ts";
import { type TcpProxyOptions, tcpProxy } from "../support/tcp-proxy.ts";

interface Options {
  storeTimeoutMs?: number;
}

/** A transport to the Redis at this address; what it opens is closed when the test is over. */
type Reach = (redisUrl: string, options?: Options) => Promise<ScriptTransport> | ScriptTransport;

const overTcp: Reach = (redisUrl, options) => {
  const transport = tcpTransport(redisUrl, options);
  onTestFinished(() => transport.close?.());
  return transport;
};

const overIoredis: Reach = (redisUrl, options) => {
  const client = new Ioredis(redisUrl);
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return tcpTransport(client, options);
};

const overNodeRedis: Reach = (redisUrl, options) => {
  const client = createClient({ url: redisUrl });
  client.on("error", () => {});
  client.connect().catch(() => {});
  onTestFinished(() => client.destroy());
  return tcpTransport(client, options);
};

const overRest: Reach = async (redisUrl, options) => restTransport(await bridgeTo(redisUrl), options);

const overUpstashClient: Reach = async (redisUrl, options) =>
  restTransport(new UpstashRedis(await bridgeTo(redisUrl)), options);

async function bridgeTo(redisUrl: string) {
  const bridge = await startBridge(redisUrl);
  onTestFinished(() => bridge.close());
  return bridge;
}

async function redisWith(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedisServer(options);
  onTestFinished(() => server.stop());
  return server;
}

async function proxyTo(port: number, options?: TcpProxyOptions) {
  const proxy = await tcpProxy(port, options);
  onTestFinished(() => proxy.close());
  return proxy;
}

const EVERY_WAY: [name: string, reach: Reach][] = [
  ["a redis:// address", overTcp],
  ["an ioredis client with its defaults", overIoredis],
  ["a node-redis client with its defaults", overNodeRedis],
  ["a REST address", overRest],
  ["an @upstash/redis client with its defaults", overUpstashClient],
];

describe.each(EVERY_WAY)("A store that fails, over %s", (way, reach) => {
  it("is refused within 1.5 s when nobody listens, by default", async () => {
    const transport = await reach(`redis://127.0.0.1:${await freePort()}`);
    const endOwnTime = startOwnTime();
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /within 1000 ms/);
    expect(endOwnTime()).toBeLessThan(1500);
  });

  it("is refused when it was killed, and works again once it is back", async () => {
    const server = await redisWith();
    const transport = await reach(server.url, { storeTimeoutMs: 400 });
    expect(await transport.run(ECHO, ["k"], ["before"])).toEqual(["before"]);
    await server.stop();
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /within 400 ms/);
    await redisWith({ port: server.port });
    await expect
      .poll(() => transport.run(ECHO, ["k"], ["after"]).catch(() => undefined), { timeout: 10_000 })
      .toEqual(["after"]);
  });

  it("is refused at the deadline while it hangs, and works again when it goes on", async () => {
    const server = await redisWith();
    const transport = await reach(server.url, { storeTimeoutMs: 400 });
    await transport.run(ECHO, ["k"], ["before"]);
    server.pause();
    const [startMs, endOwnTime] = [performance.now(), startOwnTime()];
    const hanging = [
      transport.run(ECHO, [SECRET], [SECRET]),
      transport.run(ECHO, [SECRET], ["2"]),
      transport.time(),
    ];
    for (const call of hanging) {
      await expectRefused(call, StoreUnavailableError, /did not answer within 400 ms.*may be sent again/);
    }
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(395);
    expect(endOwnTime()).toBeLessThan(1200);
    server.resume();
    await expect
      .poll(() => transport.run(ECHO, ["k"], ["after"]).catch(() => undefined), { timeout: 10_000 })
      .toEqual(["after"]);
  });

  it("is waited for within the deadline while it loads its data", async () => {
    const folder = mkdtempSync(join(tmpdir(), "redis-loading-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const before = await redisWith({ folder });
    await before.command("EVAL \"for i = 1, 3000 do redis.call('SET', i, i) end\" 0");
    await before.command("SAVE");
    await before.stop();
    const slow = ["--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024"];
    const server = await redisWith({ folder, args: slow, until: "listening" });
    expect(await server.command("PING")).toMatch(/^-LOADING/);
    const hasty = await reach(server.url, { storeTimeoutMs: 300 });
    await expectRefused(
      hasty.run(ECHO, [SECRET], [SECRET]),
      StoreUnavailableError,
      // ioredis' defaults hold calls back until the server is ready.
      way.includes("ioredis") ? /did not answer/ : /is loading its data/,
    );
    const patient = await reach(server.url, { storeTimeoutMs: 20_000 });
    expect(await patient.run(ECHO, ["k"], ["loaded"])).toEqual(["loaded"]);
  });

  it("is waited for within the deadline while another script keeps it busy", async () => {
    const server = await redisWith({ args: ["--busy-reply-threshold", "50"] });
    const transport = await reach(server.url);
    await transport.run(ECHO, ["k"], ["before"]);
    const endless = server.command('EVAL "while true do end" 0').catch(() => "-ERR");
    await expect.poll(() => server.command("PING")).toMatch(/^-BUSY/);
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /keeps Redis busy/);
    const waiting = transport.run(ECHO, ["k"], ["after"]);
    await server.command("SCRIPT KILL");
    expect(await waiting).toEqual(["after"]);
    expect(await endless).toMatch(/^-ERR/);
  });

  it("says that it is full, and still runs what frees memory", async () => {
    const server = await redisWith({ args: ["--maxmemory", "1"] });
    const transport = await reach(server.url);
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /store is full/);
    const freeing = script(
      "redis.call('HDEL', KEYS[1], 'f') redis.call('SET', KEYS[1], 1) return {'agl1','end'}",
    );
    expect(await transport.run(freeing, ["k"], [])).toEqual([]);
  });

  it("says that it takes no writes: a replica, or too few replicas", async () => {
    const replica = await redisWith({
      args: ["--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "yes"],
    });
    await expectRefused(
      (await reach(replica.url)).run(ECHO, [SECRET], [SECRET]),
      StoreUnavailableError,
      /takes no writes: use the address of the primary/,
    );
    const lonely = await redisWith({ args: ["--min-replicas-to-write", "1"] });
    await expectRefused(
      (await reach(lonely.url, { storeTimeoutMs: 200 })).run(ECHO, [SECRET], [SECRET]),
      StoreUnavailableError,
      /fewer replicas than it requires/,
    );
  });

  it("says that its password is another, and does not say which was tried", async () => {
    const server = await redisWith({ password: "right-password" });
    const transport = await reach(`redis://:${SECRET}@127.0.0.1:${server.port}`, { storeTimeoutMs: 500 });
    const refused = /refused the token, the password or their permissions/;
    await expectRefused(transport.run(ECHO, ["k"], ["v"]), StoreUnavailableError, refused);
    await expectRefused(transport.run(ECHO, ["k"], ["v"]), StoreUnavailableError, refused);
  });

  it("is sent the very same call again when the connection is cut before the answer", async () => {
    const server = await redisWith();
    let cuts = 2;
    const proxy = await proxyTo(server.port, { isCut: (data) => data.includes("agl1") && cuts-- > 0 });
    const transport = await reach(`redis://127.0.0.1:${proxy.port}`, { storeTimeoutMs: 3000 });
    const counting = script("return { 'agl1', '=' .. redis.call('INCR', KEYS[1]), '=' .. ARGV[1], 'end' }");
    const [runs, argument] = await transport.run(counting, ["runs"], ["the id"]);
    expect(argument).toBe("the id");
    expect(Number(runs)).toBeGreaterThan(1);
  });
});

describe("A connection that an address holds open", () => {
  it("is replaced when its other end has vanished", async () => {
    const server = await redisWith();
    const proxy = await proxyTo(server.port);
    const transport = await overTcp(`redis://127.0.0.1:${proxy.port}`, { storeTimeoutMs: 200 });
    expect(await transport.run(ECHO, ["k"], ["before"])).toEqual(["before"]);
    proxy.freeze();
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /did not answer/);
    await expect
      .poll(() => transport.run(ECHO, ["k"], ["after"]).catch(() => undefined), { timeout: 3000 })
      .toEqual(["after"]);
  });

  it("is replaced when it leads to a primary that became a replica", async () => {
    const primary = await redisWith();
    const demoted = await redisWith();
    const proxy = await proxyTo(demoted.port);
    const transport = await overTcp(`redis://127.0.0.1:${proxy.port}`);
    await transport.run(ECHO, ["k"], ["before"]);
    await demoted.command("REPLICAOF 127.0.0.1 1");
    proxy.leadTo(primary.port);
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /takes no writes/);
    await expect
      .poll(() => transport.run(ECHO, ["k"], ["after"]).catch(() => undefined), { timeout: 3000 })
      .toEqual(["after"]);
  });
});

describe("A store that fails in the middle", () => {
  it("does not send a script's text once the deadline has passed", async () => {
    const sent: string[] = [];
    const noScript = Object.assign(new Error("NOSCRIPT No matching script."), { name: "UpstashError" });
    let forget: (reason: Error) => void = () => {};
    const late = new Promise<unknown>((_, reject) => {
      forget = reject;
    });
    const transport = restTransport(
      {
        evalsha: () => late,
        eval: async (source) => sent.push(source),
        time: async () => ["1", "2"],
      },
      { storeTimeoutMs: 20 },
    );
    await expectRefused(transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /did not answer/);
    forget(noScript);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([]);
  });

  it("reports a cluster's node as what it is, and a broken script as data", async () => {
    const server = await redisWith({ args: ["--cluster-enabled", "yes"] });
    const transport = await overTcp(server.url, { storeTimeoutMs: 200 });
    await expectRefused(
      transport.run(ECHO, [SECRET], [SECRET]),
      StoreUnavailableError,
      /cluster is changing|down/,
    );
    await server.command("CLUSTER ADDSLOTSRANGE 0 16383");
    await expect
      .poll(() => transport.run(ECHO, ["k"], ["up"]).catch(() => undefined), { timeout: 10_000 })
      .toEqual(["up"]);
    const twoSlots = script("return redis.call('MGET', KEYS[1], KEYS[2])");
    await expectRefused(
      transport.run(twoSlots, [SECRET, "b"], []),
      StoreUnavailableError,
      /one node of a Redis cluster/,
    );
    await expectRefused(
      transport.run(script("return redis.call('NOSUCH')"), ["k"], []),
      StoreDataError,
      /failed in the store/,
    );
  });
});
