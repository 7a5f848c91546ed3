import { randomUUID } from "node:crypto";
import { Redis as UpstashRedis } from "@upstash/redis";
import { Redis as UpstashEdgeRedis } from "@upstash/redis/cloudflare";
import { Redis as Ioredis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InvalidOptionsError, StoreDataError, StoreUnavailableError } from "../../src/errors.ts";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import type { ScriptTransport } from "../../src/redis/transport.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { expectRefused, SECRET } from "../support/refusals.ts";
import { ECHO, script } from "../support/scripts.ts";

let server: RedisServer;
let bridge: TestBridge;
let admin: Ioredis;

beforeAll(async () => {
  server = await startRedisServer();
  bridge = await startBridge(server.url);
  admin = new Ioredis(server.url);
});

afterAll(async () => {
  admin.disconnect();
  await bridge.close();
  await server.stop();
});

type Options = { storeTimeoutMs?: number; server?: "upstash" | "redis" };
interface Carrier {
  name: string;
  open(options?: Options): { transport: ScriptTransport; end(): Promise<void> | void };
}

/** What answers is asked of; deadlines have a test of their own, so that none passes on a machine that is busy with much else. */
const PATIENT = { storeTimeoutMs: 15_000 };

/** Every way to reach a Redis, with the settings that users have. */
const CARRIERS: Carrier[] = [
  {
    name: "a redis:// address",
    open(options) {
      const transport = tcpTransport(server.url, options);
      return { transport, end: () => transport.close?.() };
    },
  },
  {
    name: "an ioredis client with its defaults",
    open(options) {
      const client = new Ioredis(server.url);
      return { transport: tcpTransport(client, options), end: () => client.disconnect() };
    },
  },
  {
    name: "a REST address",
    open: (options) => ({ transport: restTransport(bridge, options), end() {} }),
  },
  {
    name: "an @upstash/redis client with its defaults",
    open: (options) => ({ transport: restTransport(new UpstashRedis(bridge), options), end() {} }),
  },
  {
    name: "an @upstash/redis/cloudflare client without base64 and pipelines",
    open(options) {
      const client = new UpstashEdgeRedis({
        ...bridge,
        responseEncoding: false,
        enableAutoPipelining: false,
      });
      return { transport: restTransport(client, options), end() {} };
    },
  },
];

describe.each(CARRIERS)("A script over $name", ({ name, open }) => {
  let opened: ReturnType<Carrier["open"]>;
  const run = (...call: Parameters<ScriptTransport["run"]>) => opened.transport.run(...call);
  beforeAll(() => {
    opened = open(PATIENT);
  });
  afterAll(() => opened.end());

  it("brings every value back as the string that the script wrote", async () => {
    const values = [
      "0100",
      "1",
      "-0",
      "1e3",
      "true",
      "null",
      "NaN",
      "",
      " 12",
      '{"a":1}',
      '"quoted"',
      "[1]",
      "OK",
    ];
    const more = ["9007199254740993", "=", "end", "agl1", "grüße 🦊", "a\r\nb", "x".repeat(100_000)];
    expect(await run(ECHO, [randomUUID()], [...values, ...more])).toEqual([...values, ...more]);
    expect(await run(ECHO, [randomUUID()], [])).toEqual([]);
  });

  it("gives each of many calls at once its own answer", async () => {
    const numbers = Array.from({ length: 300 }, (_, index) => String(index));
    const answers = await Promise.all(numbers.map((number) => run(ECHO, [`many:${number}`], [number])));
    expect(answers).toEqual(numbers.map((number) => [number]));
  });

  it("runs by its SHA-1, and by its text when the server has forgotten it", async () => {
    await run(ECHO, ["k"], ["a"]);
    await admin.config("RESETSTAT");
    await run(ECHO, ["k"], ["a"]);
    expect(await callsOf("eval")).toBe(0);
    await admin.script("FLUSH");
    expect(await Promise.all([run(ECHO, ["k"], ["b"]), run(ECHO, ["k"], ["c"])])).toEqual([["b"], ["c"]]);
    expect(await callsOf("eval")).toBeGreaterThan(0);
  });

  it("goes in the plain text, once and for all, where the text for Upstash is refused", async () => {
    const upstash = open({ ...PATIENT, server: "upstash" });
    await admin.script("FLUSH");
    await admin.config("RESETSTAT");
    expect(await upstash.transport.run(ECHO, ["k"], ["a"])).toEqual(["a"]);
    expect([await callsOf("evalsha"), await callsOf("eval")]).toEqual([2, 2]);
    expect(await upstash.transport.run(ECHO, ["k"], ["a"])).toEqual(["a"]);
    expect([await callsOf("evalsha"), await callsOf("eval")]).toEqual([3, 2]);
    await upstash.end();
  });

  it("tells the server's time in microseconds", async () => {
    const before = Date.now() * 1000 - 2_000_000;
    const time = await opened.transport.time();
    expect(Number.isSafeInteger(time)).toBe(true);
    expect(time).toBeGreaterThan(before);
    expect(time).toBeLessThan(before + 10_000_000);
  });

  it.each([
    ["a number", "return 1"],
    ["a text", "return 'agl1'"],
    ["an empty list", "return {}"],
    ["a list without the mark", "return { '=1', 'end' }"],
    ["the mark alone", "return { 'agl1' }"],
    ["a list that a nil cut short", "return { 'agl1', '=1', nil, '=2', 'end' }"],
    ["a value without its prefix", "return { 'agl1', '1', 'end' }"],
    ["a value that is a number", "return { 'agl1', 1, 'end' }"],
    ["a list in the list", "return { 'agl1', { '=1' }, 'end' }"],
  ])("never takes %s for an answer", async (_, source) => {
    await expectRefused(
      run(script(source), [SECRET], [SECRET]),
      StoreDataError,
      /^The store's answer to the script/,
    );
  });

  it("never takes null for an answer", async () => {
    const nothing = run(script("return nil"), [SECRET], [SECRET]);
    await expectRefused(nothing, name.includes("@upstash") ? StoreUnavailableError : StoreDataError, /null/);
  });

  it("says that a script failed, and where, without its arguments", async () => {
    const failing = run(script("local nothing\nerror(ARGV[1] .. nothing.field)"), ["k"], [SECRET]);
    await expectRefused(
      failing,
      StoreDataError,
      /"sample" failed in the store: .*user_script:2: attempt to index/,
    );
    const telling = run(script("error('I was told ' .. ARGV[1])"), [SECRET], [SECRET]);
    await expectRefused(telling, StoreDataError, /I was told …/);
    const notLua = run(script("this is no Lua"), [SECRET], [SECRET]);
    await expectRefused(notLua, StoreDataError, /compiling/);
  });

  it("says that a key holds something else, without naming it", async () => {
    await admin.hset(SECRET, "field", "value");
    await expectRefused(
      run(script("return redis.call('GET', KEYS[1])"), [SECRET], []),
      StoreDataError,
      /WRONGTYPE/,
    );
    await admin.del(SECRET);
  });

  it("is refused with a typed error after close", async () => {
    const closing = open(PATIENT);
    expect(await closing.transport.run(ECHO, ["k"], ["a"])).toEqual(["a"]);
    await closing.transport.close?.();
    await expectRefused(closing.transport.run(ECHO, [SECRET], [SECRET]), StoreUnavailableError, /was closed/);
    await expectRefused(closing.transport.time(), StoreUnavailableError, /was closed/);
    await closing.end();
  });

  it("takes no deadline that is none", () => {
    for (const storeTimeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => open({ storeTimeoutMs })).toThrow(InvalidOptionsError);
    }
  });
});

async function callsOf(command: string): Promise<number> {
  const stats = await admin.info("commandstats");
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}
