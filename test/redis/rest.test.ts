import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { InvalidOptionsError, StoreDataError, StoreUnavailableError } from "../../src/errors.ts";
import { type RestAddress, restTransport } from "../../src/redis/rest.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { expectRefused, SECRET } from "../support/refusals.ts";
import { ECHO, script } from "../support/scripts.ts";

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

/** An HTTP server that answers as the test wants it, and counts. */
async function answering(
  answer: (response: ServerResponse, count: number, request: IncomingMessage) => void,
) {
  const seen = { requests: 0 };
  const http = createServer((request, response) => {
    request.resume();
    answer(response, ++seen.requests, request);
  }).listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  const address = http.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, token: SECRET, seen };
}

const json = (status: number, body: string) => (response: ServerResponse) => {
  response.writeHead(status, { "content-type": "application/json" }).end(body);
};

/** Our own client, and a user's with its defaults. */
const CLIENTS: [string, (address: RestAddress) => RestAddress | Redis][] = [
  ["our own client", (address) => address],
  ["an @upstash/redis client with its defaults", (address) => new Redis(address)],
];

describe.each(CLIENTS)(
  "What a REST address answers is never taken for an admission, with %s",
  (_, client) => {
    it.each([
      ["null", json(200, '{"result":null}')],
      ["a pipeline's null", json(200, '[{"result":null}]')],
      ["an empty object", json(200, "{}")],
      ["an empty list", json(200, "[]")],
      ["a number", json(200, '{"result":1}')],
      ["a text", json(200, '{"result":"agl1"}')],
      ["a list of something else", json(200, '{"result":["agl1","=1","end"]}')],
      ["JSON that is cut short", json(200, '{"result":["agl1"')],
      ["an error with status 200", json(200, '{"error":"ERR strange"}')],
      ["HTML", (response: ServerResponse) => response.end("<html>Welcome!</html>")],
      ["nothing", (response: ServerResponse) => response.end()],
      [
        "502 with HTML",
        (response: ServerResponse) => response.writeHead(502).end("<html>Bad gateway</html>"),
      ],
      ["503 with JSON of something else", json(503, '{"message":"down"}')],
      ["a cut connection", (response: ServerResponse) => response.destroy()],
      [
        "a body that never ends",
        (response: ServerResponse) => void response.writeHead(200).write('{"result":'),
      ],
      ["nothing at all", () => {}],
    ])("%s", async (_, answer) => {
      const address = await answering(answer);
      const transport = restTransport(client(address), { storeTimeoutMs: 150 });
      const error = await transport.run(ECHO, [SECRET], [SECRET]).catch((reason: unknown) => reason);
      expect([StoreDataError, StoreUnavailableError].some((kind) => error instanceof kind)).toBe(true);
      await expectRefused(Promise.reject(error), Error, /^(The store|The Redis client|The script)/);
    });

    it.each([
      ["401", json(401, '{"error":"WRONGPASS invalid or missing auth token"}'), /refused the token/],
      [
        "a quota",
        json(400, '{"error":"ERR max requests limit exceeded. Limit: 1, Usage: 1"}'),
        /quota is used up/,
      ],
      ["a full database", json(400, '{"error":"ERR DB capacity quota exceeded"}'), /store is full/],
      ["what nobody knows", json(400, `{"error":"ERR odd ${SECRET}"}`), /^The store refused: ERR odd …\.$/],
    ])("is told at once, in one request: %s", async (_, answer, message) => {
      const address = await answering(answer);
      await expectRefused(
        restTransport(client(address)).run(ECHO, [SECRET], []),
        StoreUnavailableError,
        message,
      );
      expect(address.seen.requests).toBe(1);
    });
  },
);

describe("A REST address that fails for a moment", () => {
  it.each([
    ["429", json(429, '{"error":"Too Many Requests"}')],
    ["502", (response: ServerResponse) => response.writeHead(502).end("<html>Bad gateway</html>")],
    ["503", json(503, "{}")],
    ["504", (response: ServerResponse) => response.writeHead(504).end()],
    ["a cut connection", (response: ServerResponse) => response.destroy()],
  ])("is asked again after %s", async (_, failing) => {
    const body = JSON.stringify([{ result: ["agl1", "=done", "end"].map(btoa) }]);
    const address = await answering((response, count) =>
      count <= 2 ? failing(response) : json(200, body)(response),
    );
    expect(await restTransport(address).run(ECHO, ["k"], [])).toEqual(["done"]);
    expect(address.seen.requests).toBe(3);
  });
});

describe("Many calls at once of a script that the server has forgotten", () => {
  it.each(CLIENTS)(
    "all run, though their texts together are too large for a request, with %s",
    async (_, client) => {
      const long = script(`local filler = '${"x".repeat(40_000)}' return { 'agl1', '=' .. ARGV[1], 'end' }`);
      const transport = restTransport(client(bridge), { storeTimeoutMs: 10_000 });
      const numbers = Array.from({ length: 300 }, (_, index) => String(index));
      const answers = await Promise.all(numbers.map((number) => transport.run(long, ["k"], [number])));
      expect(answers).toEqual(numbers.map((number) => [number]));
      await server.command("SCRIPT FLUSH");
    },
  );
});

describe("A call that was given up", () => {
  it("is not sent again behind the caller's back", async () => {
    const address = await answering((response) => response.destroy());
    const transport = restTransport(address, { storeTimeoutMs: 100 });
    await expectRefused(transport.run(ECHO, [SECRET], []), StoreUnavailableError, /within 100 ms/);
    // What was on its way at the deadline may still arrive.
    await delay(200);
    const requests = address.seen.requests;
    await delay(500);
    expect(address.seen.requests).toBe(requests);
  });
});

describe("A client whose AbortSignal was given as an object", () => {
  it.each([
    [{}],
    [{ enableAutoPipelining: false }],
    [{ enableAutoPipelining: false, responseEncoding: false as const }],
  ])("never admits once the signal has fired (%j)", async (settings) => {
    const controller = new AbortController();
    const redis = new Redis({ ...bridge, ...settings, signal: controller.signal });
    const transport = restTransport(redis, { storeTimeoutMs: 200 });
    expect(await transport.run(ECHO, ["k"], ["v"])).toEqual(["v"]);
    controller.abort();
    const error = await transport.run(ECHO, [SECRET], [SECRET]).catch((reason: unknown) => reason);
    expect([StoreDataError, StoreUnavailableError].some((kind) => error instanceof kind)).toBe(true);
    await expectRefused(Promise.reject(error), Error, /^The/);
  });

  it("is told what to change, where the client resolves with null", async () => {
    const redis = new Redis({ ...bridge, enableAutoPipelining: false, signal: AbortSignal.abort() });
    await expectRefused(
      restTransport(redis).run(ECHO, [SECRET], []),
      StoreUnavailableError,
      /signal: \(\) =>/,
    );
  });
});

describe("Which text of a script goes to whom", () => {
  it("is Upstash's for clients and addresses under upstash.io, or when the option says so, else the plain one", async () => {
    const sent: string[] = [];
    const recording = (baseUrl: string) => ({
      client: { baseUrl },
      evalsha: async (sha1: string) => {
        sent.push(sha1);
        return ["agl1", "end"];
      },
      eval: async () => null,
      time: async () => null,
    });
    await restTransport(recording("https://a-b-1.upstash.io")).run(ECHO, [], []);
    await restTransport(recording("https://example.com/upstash.io")).run(ECHO, [], []);
    await restTransport(recording("https://notupstash.io")).run(ECHO, [], []);
    await restTransport(recording("https://example.com"), { server: "upstash" }).run(ECHO, [], []);
    await restTransport(recording("https://a.upstash.io"), { server: "redis" }).run(ECHO, [], []);
    expect(sent).toEqual([ECHO.upstashSha1, ECHO.sha1, ECHO.sha1, ECHO.upstashSha1, ECHO.sha1]);
  });

  it("reads the address of a real client", async () => {
    const upstash = new Redis({ url: "https://name.upstash.io", token: "t" });
    let sha1: unknown;
    upstash.use(async (request) => {
      sha1 = Array.isArray(request.body) ? request.body.flat()[1] : undefined;
      throw new Error("not sent");
    });
    await restTransport(upstash, { storeTimeoutMs: 1 })
      .run(ECHO, [], [])
      .catch(() => undefined);
    expect(sha1).toBe(ECHO.upstashSha1);
  });
});

describe("The address and token of a REST API", () => {
  it.each([
    [{ url: `redis://:${SECRET}@localhost`, token: "t" }],
    [{ url: `https://user:${SECRET}@name.upstash.io`, token: "t" }],
    [{ url: `https://name.upstash.io?_token=${SECRET}`, token: "t" }],
    [{ url: `name.upstash.io/${SECRET}`, token: "t" }],
    [{ url: "", token: "t" }],
    [{ url: "http://name.upstash.io", token: "t" }],
    [{ url: "http://localhost.example.com", token: "t" }],
    [{ url: "https://name.upstash.io", token: "" }],
    [{ url: "https://name.upstash.io", token: `${SECRET}\n` }],
    [{ url: "https://name.upstash.io", token: ` ${SECRET}` }],
  ])("are checked before anything is sent, and never repeated: %j", (address) => {
    expect(() => restTransport(address)).toThrow(InvalidOptionsError);
    expect(() => restTransport(address)).not.toThrow(new RegExp(SECRET));
  });

  it("may be http: on loopback, and elsewhere for a bridge that is named as one", async () => {
    expect(await restTransport({ ...bridge, url: `${bridge.url}/` }).run(ECHO, ["k"], ["v"])).toEqual(["v"]);
    expect(() => restTransport({ url: "http://localhost:1", token: "t" })).not.toThrow();
    expect(() => restTransport({ url: "http://[::1]:1", token: "t" })).not.toThrow();
    expect(() =>
      restTransport({ url: "http://bridge.internal", token: "t" }, { server: "redis" }),
    ).not.toThrow();
  });

  it("say that the token is another, without it", async () => {
    const stranger = restTransport({ url: bridge.url, token: SECRET });
    await expectRefused(stranger.run(ECHO, ["k"], []), StoreUnavailableError, /refused the token/);
  });
});
