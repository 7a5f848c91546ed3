/** The Worker under `wrangler dev`, in workerd, over the bridge in front of a plain Redis. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTES } from "../../src/admin/routes.ts";
import { answerOf, OWNER_TOKEN, ownerClient } from "../admin/admin-client.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type DevWorker, startDevWorker } from "./wrangler-dev.ts";

let server: RedisServer;
let bridge: TestBridge;
let redis: Redis;
let worker: DevWorker;
let unconfigured: DevWorker;

beforeAll(async () => {
  server = await startRedisServer();
  bridge = await startBridge(server.url);
  redis = new Redis(server.url);
  const settings = {
    UPSTASH_REDIS_REST_URL: bridge.url,
    UPSTASH_REDIS_REST_TOKEN: bridge.token,
    AGENTLIMIT_OWNER_TOKEN: OWNER_TOKEN,
  };
  [worker, unconfigured] = await Promise.all([startDevWorker(settings), startDevWorker({})]);
}, 90_000);

afterAll(async () => {
  await worker?.stop();
  await unconfigured?.stop();
  redis?.disconnect();
  await bridge?.close();
  await server?.stop();
});

const send = (path: string, init: RequestInit) => fetch(`${worker.url}${path}`, init);
const ask = ownerClient(send);

/** Every key with its whole value. */
async function stored(): Promise<[string, string | undefined][]> {
  const keys = (await redis.keys("*")).sort();
  return Promise.all(
    keys.map(async (key): Promise<[string, string | undefined]> => {
      return [key, (await redis.dumpBuffer(key))?.toString("base64")];
    }),
  );
}

/** @returns what `run` returns, after it was seen that it wrote nothing. */
async function writingNothing<T>(run: () => Promise<T>): Promise<T> {
  const before = await stored();
  const result = await run();
  expect(await stored()).toEqual(before);
  return result;
}

describe("the Worker", () => {
  it("keeps a stored budget of $1 among 64 callers of $0.05 at once: 20 are admitted, 44 denied", async () => {
    const path = "/v1/scopes/org%3Aacme%2Feu/budgets";
    expect((await ask("PUT", path, { budgets: [{ window: "month", usd: "1" }] })).status).toBe(200);
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, caller) => {
        const chain = [`user:${caller}`, "org:acme/eu"];
        return ask("POST", "/v1/calls/reserve", { chain, estimatedCostUsd: "0.05" });
      }),
    );
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.filter((status) => status === 402)).toHaveLength(44);
    const denied = answers.find((answer) => answer.status === 402);
    expect(denied?.headers.get("content-type")).toBe("application/problem+json");
    expect(denied?.body).toMatchObject({
      code: "BUDGET_EXCEEDED",
      denials: [{ scope: "org:acme/eu", limit: 1, held: 1, remaining: 0, requested: 0.05 }],
    });
    const { body } = await ask("GET", "/v1/scopes/org%3Aacme%2Feu");
    expect(body).toMatchObject({ scope: "org:acme/eu", usdSpent: 0, usdHeld: 1, remainingUsd: 0 });
  });

  it("books a call that was reserved and settled, and shows it", async () => {
    const chain = ["user:settle", "team:search/ml"];
    const reserve = { chain, id: "worker-1", estimatedCostUsd: "0.05", expiresInSeconds: 60 };
    expect((await ask("POST", "/v1/calls/reserve", reserve)).body).toMatchObject({ replayed: false });
    expect((await ask("POST", "/v1/calls/reserve", reserve)).body).toMatchObject({ replayed: true });
    const settle = {
      chain,
      id: "worker-1",
      provider: "openai",
      model: "gpt-4o-mini",
      inputTokens: 7,
      outputTokens: 3,
    };
    expect((await ask("POST", "/v1/calls/settle", settle)).body).toMatchObject({
      costNanoUsd: 2850,
      replayed: false,
    });
    expect((await ask("POST", "/v1/calls/settle", settle)).body).toMatchObject({ replayed: true });
    expect((await ask("GET", "/v1/scopes/team%3Asearch%2Fml")).body).toMatchObject({
      scope: "team:search/ml",
      nanoUsdSpent: 2850,
      usdHeld: 0,
      tokensSpent: 10,
    });
  });

  it("records, releases and resets", async () => {
    const chain = ["user:record"];
    expect((await ask("POST", "/v1/calls/record", { chain, costUsd: "0.5" })).status).toBe(200);
    await ask("POST", "/v1/calls/reserve", { chain, id: "worker-2", estimatedCostUsd: "0.05" });
    expect((await ask("POST", "/v1/calls/release", { chain, id: "worker-2" })).status).toBe(200);
    expect((await ask("GET", "/v1/scopes/user:record")).body).toMatchObject({ usdSpent: 0.5, usdHeld: 0 });
    expect((await ask("POST", "/v1/scopes/user:record/reset")).body).toMatchObject({ usdSpent: 0 });
  });

  it("refuses the calls of a paused scope with 403", async () => {
    const call = { chain: ["user:paused", "org:acme"], estimatedCostUsd: "0.05" };
    await ask("POST", "/v1/scopes/user%3Apaused/pause", { reason: "billing dispute" });
    expect(await ask("POST", "/v1/calls/reserve", call)).toMatchObject({
      status: 403,
      body: { code: "PAUSED" },
    });
    await ask("POST", "/v1/scopes/user%3Apaused/resume");
    expect((await ask("POST", "/v1/calls/reserve", call)).status).toBe(200);
  });

  it("says that it works: to anyone that it answers, to its owner that the store does", async () => {
    expect((await answerOf(await send("/v1/health", {}))).body).toEqual({ status: "ok" });
    expect((await ask("GET", "/v1/health")).body).toEqual({ status: "ok", store: "ok" });
  });
});

describe("a Worker without its settings", () => {
  it("answers every request with 503 and names what is missing", async () => {
    for (const { method, path } of ROUTES) {
      const init = { method, headers: { authorization: `Bearer ${OWNER_TOKEN}` } };
      const { status, body } = await answerOf(await fetch(`${unconfigured.url}${path}`, init));
      expect([status, body]).toMatchObject([503, { code: "NOT_CONFIGURED" }]);
      expect(body).toHaveProperty(
        "detail",
        expect.stringMatching(/UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, AGENTLIMIT_OWNER_TOKEN/),
      );
    }
  });
});

const WRITING = ROUTES.filter((route) => route.method !== "GET");
const JSON_HEADERS = { "content-type": "application/json" };
const OWNER_HEADERS = { ...JSON_HEADERS, authorization: `Bearer ${OWNER_TOKEN}` };
const VALID = JSON.stringify({ chain: ["user:1"], estimatedCostUsd: "0.05" });
const TEN_MEGABYTES = Buffer.from(
  `{"chain":["user:1"],"estimatedCostUsd":"0.05","id":"${"x".repeat(10_000_000)}"}`,
);
const RESERVE = "/v1/calls/reserve";

describe("what the Worker refuses, it refuses before anything is written", () => {
  it.each(ROUTES.filter((route) => route.role === "owner"))(
    "$method $path without the owner's token",
    async (route) => {
      const path = route.path.replace("{scope}", "user%3A1");
      const body = route.method === "GET" ? {} : { body: VALID };
      const answers = await writingNothing(() =>
        Promise.all([
          send(path, { method: route.method, headers: JSON_HEADERS, ...body }),
          send(path, {
            method: route.method,
            headers: { ...OWNER_HEADERS, authorization: "Bearer wrong" },
            ...body,
          }),
        ]),
      );
      for (const answer of answers) {
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).toContain("Bearer");
        expect(await answer.json()).toMatchObject({ code: "UNAUTHORIZED" });
      }
    },
  );

  it("malformed JSON, unknown fields and a wrong type, with 400 and 415", async () => {
    const answers = await writingNothing(() =>
      Promise.all([
        ask("POST", RESERVE, `${VALID}}`),
        ask("POST", RESERVE, VALID.slice(0, -1)),
        ask("POST", RESERVE, { chain: ["user:1"], estimatedCostUsd: "0.05", budget: 1 }),
        ask("PUT", "/v1/scopes/user%3A1/budgets", { budgets: [{ window: "month", usd: "much" }] }),
        send(RESERVE, {
          method: "POST",
          headers: { ...OWNER_HEADERS, "content-type": "text/plain" },
          body: VALID,
        }),
      ]),
    );
    expect(answers.map((answer) => answer.status)).toEqual([400, 400, 400, 400, 415]);
  });

  it.each(WRITING)(
    "10 MB sent to $method $path, with 413, or with 401 where the token is missing",
    async (route) => {
      const path = route.path.replace("{scope}", "user%3A1");
      const post = async (body: BodyInit, headers: Record<string, string>) => {
        const init = { method: route.method, headers, body, duplex: "half" };
        return (await answerOf(await send(path, init))).status;
      };
      const statuses = await writingNothing(async () => [
        await post(TEN_MEGABYTES, OWNER_HEADERS),
        await post(new Blob([TEN_MEGABYTES]).stream(), OWNER_HEADERS),
        await post(TEN_MEGABYTES, JSON_HEADERS),
        await post(new Blob([TEN_MEGABYTES]).stream(), JSON_HEADERS),
      ]);
      expect(statuses).toEqual([413, 413, 401, 401]);
    },
  );

  it("and goes on to work", async () => {
    expect((await ask("GET", "/v1/health")).status).toBe(200);
  });

  it("with no secret in anything that it prints", () => {
    expect(worker.output()).not.toContain(OWNER_TOKEN);
    expect(worker.output()).not.toContain(bridge.token);
    expect(worker.output()).not.toMatch(/\bat .*\.ts|Unexpected/);
  });
});
