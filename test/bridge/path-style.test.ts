import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { get, post, rawConnection, textUntilEnd } from "./requests.ts";

let server: RedisServer;
let bridge: TestBridge;

beforeAll(async () => {
  server = await startRedisServer();
  bridge = await startBridge(server.url);
});

afterAll(async () => {
  await bridge.close();
  await server.stop();
});

beforeEach(() => server.flush());

describe("A command may stand in the address", () => {
  it("by GET and by POST, in any case", async () => {
    expect(await get(bridge, "/set/foo/bar")).toEqual([200, { result: "OK" }]);
    expect(await post(bridge, "/GET/foo", "")).toEqual([200, { result: "bar" }]);
    expect(await get(bridge, "/ping")).toEqual([200, { result: "PONG" }]);
    expect(await get(bridge, "/mget/foo/none")).toEqual([200, { result: ["bar", null] }]);
  });

  it("with the body as its last argument and the query's pairs after it", async () => {
    expect(await post(bridge, "/set/key?EX=100&NX", "value")).toEqual([200, { result: "OK" }]);
    expect(await post(bridge, "/set/key?EX=100&NX", "other")).toEqual([200, { result: null }]);
    expect(await get(bridge, "/get/key")).toEqual([200, { result: "value" }]);
    expect(await get(bridge, "/ttl/key")).toEqual([200, { result: 100 }]);
  });

  it("with percent escapes, empty arguments, and dots that lead nowhere", async () => {
    await get(bridge, "/set/a%2Fb%3F%20%C3%BC/v%25%0D%0A");
    expect(await post(bridge, "/", ["GET", "a/b? ü"])).toEqual([200, { result: "v%\r\n" }]);
    expect(await get(bridge, "/set/empty/")).toEqual([200, { result: "OK" }]);
    expect(await get(bridge, "/strlen/empty")).toEqual([200, { result: 0 }]);
    expect(await get(bridge, "/echo/a//b")).toEqual([400, { error: expect.stringMatching(/number of arg/) }]);
    expect(await get(bridge, "/echo?a+%2B")).toEqual([200, { result: "a +" }]);
  });

  it("with a body of any bytes", async () => {
    const bytes = Buffer.from([0xff, 0x00, 0x0d, 0x0a, 0x80]);
    expect(await post(bridge, "/set/bytes", bytes)).toEqual([200, { result: "OK" }]);
    expect(await post(bridge, "/get/bytes", "", { "upstash-encoding": "base64" })).toEqual([
      200,
      { result: bytes.toString("base64") },
    ]);
  });

  it("and answers 400 where its escapes are no text", async () => {
    for (const path of ["/get/%", "/get/%ff", "/get/%e0%a4", "/get/a?%zz"]) {
      expect(await get(bridge, path)).toEqual([
        400,
        { error: expect.stringMatching(/^ERR the address holds/) },
      ]);
    }
  });

  it("and hands on Redis' errors", async () => {
    await get(bridge, "/set/foo/bar");
    expect(await get(bridge, "/lpush/foo/x")).toEqual([400, { error: expect.stringMatching(/^WRONGTYPE/) }]);
    expect(await get(bridge, "/set/foo")).toEqual([400, { error: expect.stringMatching(/number of arg/) }]);
  });
});

describe("What the bridge has not is said", () => {
  it.each(["/subscribe/c", "/psubscribe/c*", "/monitor", "/Subscribe/c"])(
    "for the stream %s",
    async (path) => {
      expect(await get(bridge, path)).toEqual([400, { error: expect.stringMatching(/has no streams/) }]);
      expect((await get(bridge, "/ping"))[0]).toBe(200);
    },
  );

  it("for raw RESP and for compressed bodies", async () => {
    const raw = await post(bridge, "/", ["PING"], { "upstash-response-format": "resp2" });
    expect(raw).toEqual([400, { error: expect.stringMatching(/JSON alone/) }]);
    const compressed = await post(bridge, "/set/k", "x", { "content-encoding": "gzip" });
    expect(compressed).toEqual([400, { error: expect.stringMatching(/compressed/) }]);
    expect(await server.command("DBSIZE")).toBe(":0");
  });

  it("by 400 for what is no HTTP, in JSON as everything else", async () => {
    for (const text of [
      "hello\r\n\r\n",
      "GET /ping HTTP/1.1\r\ncontent-length: x\r\n\r\n",
      "\u0016\u0003\u0001",
    ]) {
      const socket = rawConnection(bridge);
      socket.write(text);
      expect(await textUntilEnd(socket)).toMatch(
        /^HTTP\/1\.1 400 [\s\S]*\r\n\r\n\{"error":"ERR this is no HTTP request"\}$/,
      );
    }
  });

  it("by nothing for what is no HTTP behind a request, whose own answer comes whole", async () => {
    const socket = rawConnection(bridge);
    const request = `GET /set/k/v HTTP/1.1\r\nauthorization: Bearer ${bridge.token}\r\n\r\n`;
    socket.write(`${request}hello\r\n\r\n`);
    socket.write("more of it");
    expect(await textUntilEnd(socket)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n\{"result":"OK"\}$/);
  });

  it("by 404 for what is no address of it", async () => {
    for (const path of ["//set/a/b", "/.env", "/%00", "/-", "/1"]) {
      expect((await get(bridge, path))[0]).toBe(404);
    }
  });

  it("by 405 and the methods that work", async () => {
    const asked = async (path: string, method: string) => {
      const headers = { authorization: `Bearer ${bridge.token}` };
      const response = await fetch(`${bridge.url}${path}`, { method, headers });
      return [response.status, response.headers.get("allow")];
    };
    expect(await asked("/", "GET")).toEqual([405, "POST"]);
    expect(await asked("/pipeline", "GET")).toEqual([405, "POST"]);
    expect(await asked("/multi-exec", "PUT")).toEqual([405, "POST"]);
    expect(await asked("/del/k", "DELETE")).toEqual([405, "GET, POST"]);
    expect(await asked("/ping", "HEAD")).toEqual([405, "GET, POST"]);
    expect(await asked("/ping", "OPTIONS")).toEqual([405, "GET, POST"]);
  });
});

describe("Every answer has an upstash-sync-token", () => {
  it("and one that comes back with the next request is taken", async () => {
    const authorization = `Bearer ${bridge.token}`;
    const first = await fetch(`${bridge.url}/set/k/v`, { headers: { authorization } });
    const token = first.headers.get("upstash-sync-token") ?? "";
    expect(token).not.toBe("");
    const headers = { authorization, "upstash-sync-token": token };
    const second = await fetch(`${bridge.url}/get/k`, { headers });
    expect([second.status, await second.json()]).toEqual([200, { result: "v" }]);
    for (const path of ["/nosuchcommand", "//", "/ping?_token=x"]) {
      const response = await fetch(`${bridge.url}${path}`, { headers });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.headers.get("upstash-sync-token")).toBe(token);
    }
  });
});
