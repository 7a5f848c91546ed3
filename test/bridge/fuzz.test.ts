/** The bridge in this process under random requests: an error that nobody catches would end the test run. */
import { once } from "node:events";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { get, post, rawConnection, textUntilEnd } from "./requests.ts";

let server: RedisServer;
let bridge: TestBridge;
const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);

beforeAll(async () => {
  server = await startRedisServer();
  bridge = await startBridge(server.url, { redisTimeoutMs: 2000, requestTimeoutMs: 500 });
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
});

afterAll(async () => {
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
  await bridge.close();
  await server.stop();
});

/** The shared connection still does for others what it did before. */
async function expectWhole(): Promise<void> {
  expect(
    await post(bridge, "/pipeline", [
      ["ECHO", "a"],
      ["ECHO", "b"],
    ]),
  ).toEqual([200, [{ result: "a" }, { result: "b" }]]);
  expect(await post(bridge, "/multi-exec", [["ECHO", "c"]])).toEqual([200, [{ result: "c" }]]);
  expect(unhandled).toEqual([]);
}

/** None, or some with a body of JSON each (what asks for the headers alone gets no body), one after the other. */
const WHOLE_ANSWERS = /^(HTTP\/1\.1 \d{3} [^\r\n]+\r\n([^\r\n]+\r\n)+\r\n([[{][^\r\n]*[\]}])?)*$/;

const numRuns = Number(process.env.BRIDGE_FUZZ_RUNS ?? 150);

const word = fc.oneof(
  fc.constantFrom(
    "GET",
    "SET",
    "MULTI",
    "EXEC",
    "SUBSCRIBE",
    "HELLO",
    "XREAD",
    "BLOCK",
    "EVAL",
    "CLIENT",
    "REPLY",
    "OFF",
  ),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "",
    " ",
    "\r\n",
    "*1\r\n$4\r\nQUIT\r\n",
    "\u0000",
    "k",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);
const command = fc.array(fc.oneof({ weight: 5, arbitrary: word }, fc.jsonValue()), { maxLength: 5 });
const jsonBody = fc
  .oneof(command, fc.array(command, { maxLength: 5 }), fc.jsonValue())
  .map((value) => JSON.stringify(value));
const body = fc.oneof(
  jsonBody,
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(`${"[".repeat(5000)}${"]".repeat(5000)}`, `["GET",${"[".repeat(5000)}${"]".repeat(5000)}]`),
  fc.constantFrom(
    '{"__proto__":{"x":1}}',
    '[{"__proto__":["GET"]}]',
    '["SET","k","\\ud800"]',
    '[1e999,-0,"k"]',
    '\ufeff["PING"]',
  ),
);
const path = fc.oneof(
  fc.constantFrom("/", "/pipeline", "/multi-exec", "/pipeline/", "//", "/?", "/set/k?EX"),
  fc
    .array(word, { maxLength: 4 })
    .map((parts) => `/${parts.map((part) => encodeURIComponent(part)).join("/")}`),
  fc.string({ unit: "binary-ascii", maxLength: 20 }).map((text) => `/get/${text.replace(/[\s#\\]/g, "%")}`),
);
const headers = fc.dictionary(
  fc.constantFrom(
    "content-type",
    "upstash-encoding",
    "upstash-response-format",
    "upstash-sync-token",
    "content-encoding",
  ),
  fc.oneof(
    fc.constantFrom("application/json", "base64", "resp2", "gzip", "text/html; charset=utf-16"),
    fc.string({ maxLength: 9 }),
  ),
  { noNullPrototype: true },
);

describe("Whatever the bridge is sent, it answers in its protocol and goes on", () => {
  it("with random commands, addresses, bodies and headers", async () => {
    const ask = async (asked: [string, string | Buffer, Record<string, string>]) => {
      const [status, answer] = await post(bridge, asked[0], asked[1], asked[2]);
      expect([200, 400, 401, 404, 405]).toContain(status);
      const isError = typeof answer === "object" && answer !== null && "error" in answer;
      expect(isError).toBe(status !== 200);
      expect(JSON.stringify(answer)).not.toContain(bridge.token);
    };
    await fc.assert(fc.asyncProperty(fc.tuple(path, body, headers), ask), { numRuns: 4 * numRuns });
    await expectWhole();
  });

  it("with bytes that are no HTTP, and with requests that are cut", async () => {
    const authorization = `authorization: Bearer ${bridge.token}\r\n`;
    const request = `POST /pipeline HTTP/1.1\r\nhost: x\r\n${authorization}content-length: 26\r\n\r\n[["SET","cut","v"],["GET"]`;
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.nat(request.length - 1).map((length) => Buffer.from(request.slice(0, length))),
      fc
        .tuple(fc.nat(request.length - 1), fc.uint8Array({ minLength: 1, maxLength: 4 }))
        .map(([at, bytes]) => {
          const spoiled = Buffer.from(request);
          spoiled.set(bytes.slice(0, spoiled.length - at), at);
          return spoiled;
        }),
      fc.constantFrom(
        Buffer.from(`CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n`),
        Buffer.from(`GET /ping HTTP/1.1\r\n${authorization}\r\n`),
        Buffer.from(`OPTIONS * HTTP/1.1\r\nhost: x\r\n${authorization}\r\n`),
        Buffer.from(`GET http://elsewhere/ping HTTP/1.1\r\nhost: x\r\n${authorization}\r\n`),
        Buffer.from(
          `GET /ping HTTP/1.1\r\nhost: x\r\n${authorization}connection: upgrade\r\nupgrade: websocket\r\n\r\n`,
        ),
        Buffer.from(`GET /ping HTTP/1.1\r\nhost: x\r\n${authorization}expect: something\r\n\r\n`),
        Buffer.from(`${request}GET /ping HTTP/1.1\r\nhost: x\r\n${authorization}\r\n`.repeat(5)),
        Buffer.from(
          `POST / HTTP/1.1\r\nhost: x\r\n${authorization}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
        ),
      ),
    );
    const send = async (bytes: Buffer) => {
      const socket = rawConnection(bridge);
      const ended = textUntilEnd(socket);
      socket.end(bytes);
      const answer = await ended;
      expect(answer).toMatch(WHOLE_ANSWERS);
    };
    await fc.assert(fc.asyncProperty(text, send), { numRuns });
    await expectWhole();
  });

  it("with clients that close at any moment, while others get what they asked for", async () => {
    const asked = JSON.stringify([
      ["SET", "k", "v".repeat(100_000)],
      ["GET", "k"],
    ]);
    const request = `POST /multi-exec HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bridge.token}\r\ncontent-length: ${asked.length}\r\n\r\n${asked}`;
    const vanish = async ([length, waitMs]: [number, number]) => {
      const socket = rawConnection(bridge);
      socket.write(request.slice(0, length));
      const timer = setTimeout(() => socket.destroy(), waitMs);
      await once(socket, "close");
      clearTimeout(timer);
    };
    const moment = fc.tuple(fc.oneof(fc.nat(request.length), fc.constant(request.length)), fc.nat(5));
    const others = Array.from({ length: 100 }, (_, index) => get(bridge, `/echo/${index}`));
    await fc.assert(
      fc.asyncProperty(fc.array(moment, { minLength: 5, maxLength: 5 }), async (moments) => {
        await Promise.all(moments.map(vanish));
      }),
      { numRuns: numRuns / 5 },
    );
    expect(await Promise.all(others)).toEqual(others.map((_, index) => [200, { result: String(index) }]));
    await expectWhole();
  });
});
