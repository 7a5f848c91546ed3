import { spawnSync } from "node:child_process";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { InvalidOptionsError, StoreUnavailableError } from "../../src/errors.ts";
import { ioredisOptions, tcpTransport } from "../../src/redis/tcp.ts";
import { freePort, type RedisServerOptions, startRedisServer } from "../support/redis-server.ts";
import { expectRefused, SECRET } from "../support/refusals.ts";
import { ECHO } from "../support/scripts.ts";

async function redisWith(options: RedisServerOptions = {}) {
  const server = await startRedisServer(options);
  onTestFinished(() => server.stop());
  return server;
}

function open(url: string, storeTimeoutMs?: number) {
  const transport = tcpTransport(url, { storeTimeoutMs });
  onTestFinished(() => transport.close?.());
  return transport;
}

describe("A redis:// address", () => {
  it("leads to its user and database, with a password of any characters", async () => {
    const server = await redisWith({ password: "admin" });
    await server.command("ACL SETUSER meter on >p@ss:w/rd%? ~* &* +@all");
    const password = encodeURIComponent("p@ss:w/rd%?");
    const transport = open(`redis://meter:${password}@127.0.0.1:${server.port}/3`);
    expect(await transport.run(ECHO, ["k"], ["v"])).toEqual(["v"]);
    const third = new Redis(`${server.url}/3`);
    onTestFinished(() => third.disconnect());
    expect(await third.get("k")).toBe("v");
    await expectRefused(
      open(`redis://meter:${SECRET}@127.0.0.1:${server.port}/3`).run(ECHO, ["k"], []),
      StoreUnavailableError,
      /refused the token, the password or their permissions/,
    );
  });

  it("never leads to another database than it names: one that is not there refuses each call", async () => {
    const server = await redisWith();
    const transport = open(`${server.url}/99`, 300);
    for (const _ of [1, 2]) {
      await expectRefused(transport.run(ECHO, [SECRET], []), StoreUnavailableError, /has no database/);
    }
    expect(await server.command("DBSIZE")).toBe(":0");
  });

  it("leads to an IPv6 address in brackets", async () => {
    const server = await redisWith({ args: ["--bind", "127.0.0.1", "::1"] });
    expect(await open(`redis://[::1]:${server.port}`).run(ECHO, ["k"], ["v"])).toEqual(["v"]);
  });

  it("is read whole", () => {
    expect(ioredisOptions("redis://localhost", 1)).toMatchObject({
      host: "localhost",
      port: 6379,
      db: 0,
      family: 0,
    });
    expect(ioredisOptions("redis://[::1]:7000/2?family=6", 1)).toMatchObject({
      host: "::1",
      port: 7000,
      db: 2,
      family: 6,
    });
    expect(ioredisOptions("redis://:a%40b@h", 1)).toMatchObject({ password: "a@b" });
    expect(ioredisOptions("redis://:a@h", 1)).not.toHaveProperty("username");
    expect(ioredisOptions("redis://h", 1)).not.toHaveProperty("tls");
    expect(ioredisOptions("rediss://h", 1)).toMatchObject({ host: "h", port: 6379, tls: {} });
  });

  it.each([
    "",
    "localhost:6379",
    `https://:${SECRET}@localhost`,
    `redis://:${SECRET}@`,
    `redis://:${SECRET}@localhost/first`,
    `redis://:${SECRET}@localhost:port`,
    `redis://:${SECRET}%zz@localhost`,
    `redis://:${SECRET}@localhost?family=ipv6`,
  ])("that makes no sense is a typed error that does not repeat it: %j", (url) => {
    expect(() => tcpTransport(url)).toThrow(InvalidOptionsError);
    expect(() => tcpTransport(url)).not.toThrow(new RegExp(SECRET));
  });
});

describe("A process that has closed its transport", () => {
  it.each(["alive", "dead"])("ends by itself, with a Redis that is %s, and prints nothing", async (state) => {
    const url = state === "alive" ? (await redisWith()).url : `redis://127.0.0.1:${await freePort()}`;
    const source = `
      import { tcpTransport } from ${JSON.stringify(new URL("../../src/redis/tcp.ts", import.meta.url).href)};
      const transport = tcpTransport(${JSON.stringify(url)}, { storeTimeoutMs: 300 });
      const time = await transport.time().catch((error) => error.code);
      if ((typeof time === "number") !== ${state === "alive"}) throw new Error(String(time));
      await transport.close();
    `;
    const run = spawnSync(process.execPath, ["--input-type=module", "--eval", source], {
      timeout: 10_000,
      encoding: "utf8",
    });
    expect([run.stdout, run.stderr, run.status]).toEqual(["", "", 0]);
  });
});
