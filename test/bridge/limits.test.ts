import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "@upstash/redis";
import { Redis as TcpRedis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { MAX_COMMANDS, MAX_PARTS, MAX_RESULT_BYTES } from "../../src/bridge/execute.ts";
import { MAX_BODY_BYTES } from "../../src/bridge/server.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { get, post, rawConnection, textUntilEnd } from "./requests.ts";

let server: RedisServer;
/** Waits for nothing long: for what takes time. */
let bridge: TestBridge;
/** With the times of use: for what is large. */
let patient: TestBridge;

beforeAll(async () => {
  server = await startRedisServer();
  bridge = await startBridge(server.url, { redisTimeoutMs: 400, requestTimeoutMs: 300 });
  patient = await startBridge(server.url);
});

afterAll(async () => {
  await bridge.close();
  await patient.close();
  await server.stop();
});

beforeEach(() => server.flush());

const head = (lines: string[]) =>
  [`POST / HTTP/1.1`, "host: bridge", `authorization: Bearer ${bridge.token}`, ...lines, "", ""].join("\r\n");

describe("What is too large is refused, and nothing of it runs", () => {
  it("a body above 10 MiB, in each form of request", async () => {
    const value = "x".repeat(MAX_BODY_BYTES);
    const refusal = [413, { error: `ERR max request size exceeded. Limit: ${MAX_BODY_BYTES} bytes` }];
    expect(await post(patient, "/", ["SET", "k", value])).toEqual(refusal);
    expect(await post(patient, "/pipeline", [["SET", "k", value]])).toEqual(refusal);
    expect(await post(patient, "/multi-exec", [["SET", "k", value]])).toEqual(refusal);
    expect(await post(patient, "/set/k", `${value}x`)).toEqual(refusal);
    expect(await server.command("DBSIZE")).toBe(":0");
    expect(await post(patient, "/set/k", value)).toEqual([200, { result: "OK" }]);
  });

  it("a body that never ends: its connection is cut", async () => {
    const socket = rawConnection(bridge);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume().write(head(["transfer-encoding: chunked"]));
    const chunk = `100000\r\n${"x".repeat(0x100000)}\r\n`;
    const writeOn = () => {
      while (socket.writable && socket.write(chunk)) {}
    };
    socket.on("drain", writeOn);
    writeOn();
    await closed;
    expect(socket.bytesWritten).toBeLessThan(6 * MAX_BODY_BYTES);
    expect(await get(bridge, "/ping")).toEqual([200, { result: "PONG" }]);
  });

  it("more commands than one request may hold", async () => {
    const commands = Array.from({ length: MAX_COMMANDS }, () => ["INCR", "n"]);
    const [status, body] = await post(patient, "/pipeline", commands);
    expect([status, Array.isArray(body) && body.at(-1)]).toEqual([200, { result: MAX_COMMANDS }]);
    const refusal = [400, { error: `ERR max request size exceeded. Limit: ${MAX_COMMANDS} commands` }];
    commands.push(["INCR", "n"]);
    expect(await post(patient, "/pipeline", commands)).toEqual(refusal);
    expect(await post(patient, "/multi-exec", commands)).toEqual(refusal);
    expect(await post(patient, "/", ["GET", "n"])).toEqual([200, { result: String(MAX_COMMANDS) }]);
  });

  it("more names and arguments than one request may hold", async () => {
    const refusal = [
      400,
      { error: `ERR max request size exceeded. Limit: ${MAX_PARTS} names and arguments` },
    ];
    const keys = Array.from({ length: MAX_PARTS - 1 }, () => 1);
    expect(await post(patient, "/", ["DEL", ...keys])).toEqual([200, { result: 0 }]);
    expect(await post(patient, "/", ["DEL", ...keys, 1])).toEqual(refusal);
    const commands = [
      ["SET", "k", "v"],
      ["DEL", ...keys],
    ];
    expect(await post(patient, "/pipeline", commands)).toEqual(refusal);
    expect(await post(patient, "/multi-exec", commands)).toEqual(refusal);
    expect(await server.command("DBSIZE")).toBe(":0");
  });

  it("an address or headers above 16 KiB", async () => {
    for (const [path, headers] of [
      [`/set/k/${"x".repeat(17_000)}`, {}],
      ["/ping", { "x-large": "x".repeat(17_000) }],
    ] as const) {
      const authorization = `Bearer ${patient.token}`;
      const response = await fetch(`${patient.url}${path}`, { headers: { authorization, ...headers } });
      expect([response.status, await response.json()]).toEqual([
        431,
        { error: expect.stringMatching(/^ERR the address or the headers are too large/) },
      ]);
    }
    expect(await server.command("DBSIZE")).toBe(":0");
  });

  it("results that no memory should hold: they are left out, and what follows does not run", async () => {
    const value = "x".repeat(MAX_RESULT_BYTES / 8 - 100);
    await post(patient, "/set/k", value);
    const refusal = expect.stringMatching(/^ERR max response size exceeded/);
    const reads = Array.from({ length: 9 }, () => ["GET", "k"]);
    const fillers = Array.from({ length: 600 }, () => ["PING"]);
    const [status, body] = await post(patient, "/pipeline", [...reads, ...fillers, ["INCR", "ran"]]);
    if (!Array.isArray(body)) throw new Error("no list");
    expect([status, body.length]).toEqual([200, 610]);
    expect(body[7].result).toHaveLength(value.length);
    expect([body[8], body[609]]).toEqual([{ error: refusal }, { error: refusal }]);
    expect(await post(patient, "/", ["EXISTS", "ran"])).toEqual([200, { result: 0 }]);
    const mget = ["MGET", ...Array.from({ length: 9 }, () => "k")];
    expect(await post(patient, "/", mget)).toEqual([400, { error: refusal }]);
  });
});

describe("Nobody waits for ever", () => {
  it("headers that drip in byte by byte get 408, and their connection ends", async () => {
    const socket = rawConnection(bridge);
    socket.write("POST / HTTP/1.1\r\nx-slow: ");
    const drip = setInterval(() => socket.write("x"), 50);
    expect(await textUntilEnd(socket)).toMatch(/^HTTP\/1\.1 408 [\s\S]*\{"error":"ERR the request did not/);
    clearInterval(drip);
  });

  it("a client that does not read its answer is cut", async () => {
    // Node looks twice whether anything was read: the cut comes after 2.6 s.
    const impatient = await startBridge(server.url, { redisTimeoutMs: 1000, requestTimeoutMs: 300 });
    onTestFinished(() => impatient.close());
    const value = "x".repeat(8 * 1024 * 1024);
    expect(await post(patient, "/set/k", value)).toEqual([200, { result: "OK" }]);
    const lines = ["GET /mget/k/k/k HTTP/1.1", "host: bridge", `authorization: Bearer ${impatient.token}`];
    const socket = rawConnection(impatient);
    socket.pause().write([...lines, "", ""].join("\r\n"));
    await delay(5000);
    const text = textUntilEnd(socket);
    socket.resume();
    expect(await text).toMatch(/^HTTP\/1\.1 200 /);
    expect((await text).length).toBeLessThan(3 * value.length);
  });

  it("a body that does not arrive gets 408, and its connection ends", async () => {
    const socket = rawConnection(bridge);
    socket.write(`${head(["content-length: 100"])}["SET"`);
    const text = await textUntilEnd(socket);
    expect(text).toMatch(/^HTTP\/1\.1 408 [\s\S]*"ERR the body did not arrive in time"/);
  });

  it("a Redis that hangs is told by 503 within the time, and works again when it does", async () => {
    const redis = new Redis({ url: bridge.url, token: bridge.token });
    await redis.set("k", "v");
    server.pause();
    onTestFinished(() => server.resume());
    const told = { error: expect.stringMatching(/^ERR the bridge can't reach Redis/) };
    const startedAtMs = performance.now();
    const answers = await Promise.all([
      get(bridge, "/get/k"),
      post(bridge, "/", ["GET", "k"]),
      post(bridge, "/multi-exec", [["GET", "k"]]),
      post(bridge, "/pipeline", [["GET", "k"], ["MULTI"]]),
    ]);
    expect(performance.now() - startedAtMs).toBeLessThan(1500);
    expect(answers).toEqual([
      [503, told],
      [503, told],
      [503, told],
      [200, [told, { error: expect.stringMatching(/not available/) }]],
    ]);
    const many = await post(
      bridge,
      "/pipeline",
      Array.from({ length: 5000 }, () => ["GET", "k"]),
    );
    expect(JSON.stringify(many)).toContain("can't reach Redis");
    expect(performance.now() - startedAtMs).toBeLessThan(3000);
    server.resume();
    await expect.poll(() => redis.get("k").catch(() => "down"), { timeout: 5000 }).toBe("v");
  });
});

describe("Bodies that together need more memory than the bridge may use", () => {
  it("get 503 to send them again, and what is small or comes later is read", async () => {
    const small = await startBridge(server.url, { maxMemoryBytes: MAX_BODY_BYTES });
    onTestFinished(() => small.close());
    const large = Array.from({ length: 4 }, () => "x".repeat(7 * 1024 * 1024));
    const [key, ...more] = large.map((value, index) => ["SET", `k${index}`, value]);
    const socket = rawConnection(small);
    const body = JSON.stringify(key);
    const lines = ["POST / HTTP/1.1", "host: x", `authorization: Bearer ${small.token}`];
    socket.write([...lines, `content-length: ${body.length}`, "", body.slice(0, -1)].join("\r\n"));
    await delay(100);
    const refusal = [503, { error: "ERR too many requests are under way: send this one again" }];
    for (const command of more) expect(await post(small, "/", command)).toEqual(refusal);
    expect(await get(small, "/exists/k0/k1/k2/k3")).toEqual([200, { result: 0 }]);
    socket.write(body.slice(-1));
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"result":"OK"\}$/);
    for (const command of more) expect(await post(small, "/", command)).toEqual([200, { result: "OK" }]);
  });
});

describe("Commands that together need more memory than the bridge may use", () => {
  const refusal = [503, { error: "ERR too many requests are under way: send this one again" }];

  it("get 503, however small their bodies are, and work when the others are done", async () => {
    const small = await startBridge(server.url, { maxMemoryBytes: MAX_BODY_BYTES });
    onTestFinished(() => small.close());
    const many = ["DEL", ...Array.from({ length: 200_000 }, () => 1)];
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(small, "/", many)));
    expect(answers).toContainEqual([200, { result: 0 }]);
    expect(answers).toContainEqual(refusal);
    expect(await post(small, "/", many)).toEqual([200, { result: 0 }]);
  });

  it("nor do those add up that a hanging Redis never answers", async () => {
    const slow = await startRedisServer();
    const client = new TcpRedis(slow.url, { maxRetriesPerRequest: null });
    client.on("error", () => {});
    onTestFinished(async () => {
      client.disconnect();
      await slow.stop();
    });
    const small = await startBridge("", {
      redis: client,
      redisTimeoutMs: 50,
      maxMemoryBytes: MAX_BODY_BYTES,
    });
    onTestFinished(() => small.close());
    slow.pause();
    const value = "x".repeat(4.9 * 1024 * 1024);
    const hanging = expect.stringMatching(/no answer came in time/);
    for (let tries = 0; tries < 2; tries++) {
      expect(await post(small, "/set/k", value)).toEqual([503, { error: hanging }]);
    }
    const increments = Array.from({ length: 400 }, () => ["INCR", "n"]);
    expect(await post(small, "/pipeline", increments)).toEqual([
      200,
      increments.map(() => ({ error: hanging })),
    ]);
    expect(await get(small, "/incr/n")).toEqual(refusal);
    expect(await post(small, "/multi-exec", [["INCR", "n"]])).toEqual(refusal);
    expect(await post(small, "/set/k", value)).toEqual(refusal);
    slow.resume();
    await expect.poll(() => get(small, "/incr/n"), { timeout: 5000 }).toEqual([200, { result: 401 }]);
  });
});

describe("A client that vanishes", () => {
  it("in the middle of its body has sent nothing", async () => {
    for (const framing of ["content-length: 1000", "transfer-encoding: chunked"]) {
      const socket = rawConnection(bridge);
      const body = '["SET","k","v"]';
      const part = framing.startsWith("content") ? body : `${body.length.toString(16)}\r\n${body}\r\n`;
      socket.write(`${head([framing])}${part}`, () => socket.destroy());
      await once(socket, "close");
    }
    await delay(50);
    expect(await server.command("DBSIZE")).toBe(":0");
    expect(await get(bridge, "/ping")).toEqual([200, { result: "PONG" }]);
  });

  it("before its answer troubles nobody else", async () => {
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = rawConnection(bridge);
        const body = '["INCR","n"]';
        socket.write(`${head([`content-length: ${body.length}`])}${body}`, () => socket.destroy());
        await once(socket, "close");
      }),
    );
    expect(await post(bridge, "/", ["ECHO", "whole"])).toEqual([200, { result: "whole" }]);
  });
});
