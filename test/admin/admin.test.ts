/** The admin API over a store in memory, whose clock the test moves. */
import { beforeEach, describe, expect, it } from "vitest";
import { adminApp } from "../../src/admin/index.ts";
import { InvalidOptionsError, StoreUnavailableError } from "../../src/errors.ts";
import { createStore } from "../../src/ledger/backed-store.ts";
import { MemoryBackend, memoryStore } from "../../src/ledger/memory-store.ts";
import type { Store } from "../../src/ledger/store.ts";
import { UsageMeter } from "../../src/meter.ts";
import { type AdminAnswer, answerOf, OWNER_TOKEN, ownerClient } from "./admin-client.ts";

let nowMs: number;
let store: Store;
let ask: (method: string, path: string, body?: unknown) => Promise<AdminAnswer>;

beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 25, 12);
  store = memoryStore({ now: () => nowMs });
  const pricing = { customPricing: { acme: { "model-1": { input: "1", output: "2" } } } };
  const app = adminApp({ store, ownerToken: OWNER_TOKEN, pricing });
  ask = ownerClient((path, init) => app.request(path, init));
});

const USER = "/v1/scopes/user%3A42";
const chain = ["user:42", "org:acme"];
/** What a provider answered. */
const ANSWER = {
  object: "chat.completion",
  model: "gpt-4o-mini-2024-07-18",
  usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  choices: [],
};

async function budget(scope: string, ...budgets: object[]): Promise<void> {
  const answer = await ask("PUT", `/v1/scopes/${encodeURIComponent(scope)}/budgets`, { budgets });
  expect(answer.status).toBe(200);
}

describe("a scope", () => {
  it("that nobody has used stands at zero", async () => {
    expect(await ask("GET", USER)).toMatchObject({
      status: 200,
      body: { scope: "user:42", exists: false, paused: false, pauseReason: null, usdSpent: 0, budgets: [] },
    });
  });

  it("answers with its own usage and budgets, not its parent's", async () => {
    await budget("org:acme", { window: "day", usd: 5 });
    await budget("user:42", { window: "month", usd: "1" });
    await ask("POST", "/v1/calls/record", { chain, costUsd: "0.25", tokensUsed: 10 });
    await ask("POST", "/v1/calls/reserve", { chain, estimatedCostUsd: 0.5 });
    const { body } = await ask("GET", USER);
    expect(body).toEqual({
      scope: "user:42",
      exists: true,
      paused: false,
      pauseReason: null,
      usdSpent: 0.25,
      nanoUsdSpent: 250_000_000,
      usdHeld: 0.5,
      tokensSpent: 10,
      monthlyBudgetUsd: 1,
      monthlyBudgetTokens: null,
      percentUsd: 25,
      percentTokens: null,
      remainingUsd: 0.25,
      budgets: [
        {
          scope: "user:42",
          window: "month",
          metric: "usd",
          limit: 1,
          spent: 0.25,
          held: 0.5,
          remaining: 0.25,
          percent: 25,
          resetsAt: "2026-12-01T00:00:00.000Z",
          soft: false,
          source: "store",
        },
      ],
    });
  });

  it("may have a name with / and :, percent-encoded in the path", async () => {
    const scope = "team:search/run:4711@eu+1=a";
    await budget(scope, { window: "total", requests: 3 });
    const { body } = await ask("GET", `/v1/scopes/${encodeURIComponent(scope)}`);
    expect(body).toMatchObject({ scope, budgets: [{ window: "total", metric: "requests", limit: 3 }] });
    const plain = await ask("GET", "/v1/scopes/team:search%2Frun:4711@eu+1=a");
    expect(plain.body).toMatchObject({ scope, exists: true });
  });

  it("whose name is outside the alphabet is refused with the library's code", async () => {
    for (const path of ["%20", "a%00b", "caf%C3%A9", "%zz", "x".repeat(129), "-a"]) {
      const answer = await ask("GET", `/v1/scopes/${path}`);
      expect(answer).toMatchObject({
        status: 400,
        body: { code: "INVALID_SCOPE", errors: [{ path: "scope" }] },
      });
    }
  });
});

describe("stored budgets", () => {
  it("bind over those that code declares, and are replaced as a whole", async () => {
    const meter = new UsageMeter({ store, scope: "user:42", budgets: [{ window: "month", usd: 100 }] });
    await budget("user:42", { window: "month", usd: "0.10" }, { window: "day", tokens: 500 });
    expect(await meter.canSpend({ estimatedCostUsd: "0.11" })).toBe(false);
    await budget("user:42", { window: "month", usd: "0.20" });
    expect(await meter.canSpend({ estimatedCostUsd: "0.11" })).toBe(true);
    expect((await meter.getUsage()).budgets).toMatchObject([
      { window: "month", limit: 0.2, source: "store" },
    ]);
  });

  it("given as an empty list go, and the code's bind again", async () => {
    const meter = new UsageMeter({ store, scope: "user:42", budgets: [{ window: "month", usd: 100 }] });
    await budget("user:42", { window: "month", usd: "0.10" });
    await budget("user:42");
    expect((await meter.getUsage()).budgets).toMatchObject([{ limit: 100, source: "code" }]);
  });

  it("are answered with, soft ones too", async () => {
    const budgets = [{ window: "week", usd: 3, soft: true }];
    const { body } = await ask("PUT", `${USER}/budgets`, { budgets });
    expect(body).toMatchObject({
      scope: "user:42",
      exists: true,
      budgets: [{ window: "week", limit: 3, soft: true }],
    });
  });

  it("may follow a zone and an anchor, which every answer then names", async () => {
    const zone = { timeZone: "America/New_York", anchor: "2026-01-31" };
    const budgets = [
      { window: "month", usd: 3 },
      { window: "month", usd: 2, ...zone },
    ];
    const { body } = await ask("PUT", `${USER}/budgets`, { budgets });
    expect(body).toMatchObject({ monthlyBudgetUsd: 3, budgets: [{ limit: 3 }, { limit: 2, ...zone }] });
    const denied = await ask("POST", "/v1/calls/reserve", { chain: ["user:42"], estimatedCostUsd: 2.5 });
    expect(denied).toMatchObject({ status: 402, body: { denials: [{ window: "month", ...zone }] } });
  });

  it.each([
    [[{ window: "fortnight", usd: 1 }], "budgets.0.window"],
    [[{ window: "day", usd: 1, timeZone: "Mars/Olympus" }], "budgets.0"],
    [[{ window: "day", usd: 1, timeZone: 5 }], "budgets.0.timeZone"],
    [[{ window: "month", usd: 1, anchor: "2026-02-30" }], "budgets.0"],
    [[{ window: "day", usd: 1, anchor: "2026-01-31" }], "budgets.0"],
    [
      [
        { window: "day", usd: 1 },
        { window: "month", usd: 0 },
      ],
      "budgets.1",
    ],
    [[{ window: "day", usd: "1,5" }], "budgets.0.usd"],
    [[{ window: "day", tokens: 1.5 }], "budgets.0.tokens"],
    [[{ window: "day", requests: -1 }], "budgets.0.requests"],
    [[{ window: "day" }], "budgets.0"],
    [[{ window: "day", usd: 1, limit: 2 }], "budgets.0.limit"],
    [
      [
        { window: "day", usd: 1 },
        { window: "day", usd: 2 },
      ],
      "budgets",
    ],
    ["none", "budgets"],
    [undefined, "budgets"],
  ])("such as %j are refused by their path, and change nothing", async (budgets, path) => {
    await budget("user:42", { window: "day", usd: 7 });
    const answer = await ask("PUT", `${USER}/budgets`, { budgets });
    expect(answer).toMatchObject({ status: 400, body: { code: "INVALID_BUDGET", errors: [{ path }] } });
    expect((await ask("GET", USER)).body).toMatchObject({ budgets: [{ limit: 7 }] });
  });
});

describe("pause, resume and reset", () => {
  it("refuse all calls of the scope with 403 until it is resumed, and tell the reason", async () => {
    const paused = await ask("POST", `${USER}/pause`, { reason: "runs in circles" });
    expect(paused).toMatchObject({ status: 200, body: { paused: true, pauseReason: "runs in circles" } });
    const refused = await ask("POST", "/v1/calls/reserve", { chain, estimatedCostUsd: 1 });
    expect(refused).toMatchObject({ status: 403, body: { code: "PAUSED", scope: "user:42" } });
    expect(refused.body).toHaveProperty("detail", expect.stringContaining("runs in circles"));
    const resumed = await ask("POST", `${USER}/resume`);
    expect(resumed.body).toMatchObject({ paused: false, pauseReason: null });
    expect((await ask("POST", "/v1/calls/reserve", { chain, estimatedCostUsd: 1 })).status).toBe(200);
  });

  it("need no body, and no reason", async () => {
    expect((await ask("POST", `${USER}/pause`)).body).toMatchObject({ paused: true, pauseReason: null });
    expect((await ask("POST", `${USER}/pause`, {})).status).toBe(200);
    expect((await ask("POST", `${USER}/pause`, { reason: "two\nlines" })).status).toBe(400);
    expect((await ask("POST", `${USER}/resume`, {})).status).toBe(200);
  });

  it("let a reset clear what the scope has spent and holds, and nothing of its parent", async () => {
    await budget("user:42", { window: "month", usd: 1 });
    await ask("POST", "/v1/calls/record", { chain, costUsd: 1 });
    const { body } = await ask("POST", `${USER}/reset`);
    expect(body).toMatchObject({ usdSpent: 0, usdHeld: 0, budgets: [{ limit: 1, spent: 0 }] });
    expect((await ask("GET", "/v1/scopes/org%3Aacme")).body).toMatchObject({ usdSpent: 1 });
  });
});

describe("a call", () => {
  const reserve = (fields: object) => ask("POST", "/v1/calls/reserve", { chain, ...fields });
  const settle = (fields: object) => ask("POST", "/v1/calls/settle", { chain, ...fields });

  it("is reserved, settled, and then stands in every scope of its chain", async () => {
    const held = await reserve({ estimatedCostUsd: "0.05", id: "call-1", expiresInSeconds: 60 });
    expect(held).toMatchObject({
      status: 200,
      body: {
        id: "call-1",
        replayed: false,
        expiresAt: "2026-11-25T12:02:00.000Z",
        usage: { usdHeld: 0.05 },
      },
    });
    const settled = await settle({ id: "call-1", costUsd: "0.02" });
    expect(settled).toMatchObject({
      status: 200,
      body: { id: "call-1", costUsd: 0.02, costNanoUsd: 20_000_000, source: "reported", overrun: false },
    });
    for (const scope of chain) {
      const { body } = await ask("GET", `/v1/scopes/${encodeURIComponent(scope)}`);
      expect(body).toMatchObject({ usdSpent: 0.02, usdHeld: 0 });
    }
  });

  it("gets a random id where it names none", async () => {
    const { body } = await reserve({ estimatedCostUsd: 0.05 });
    expect(body).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{24}$/) });
  });

  it("is replayed under its id, refused under the id of another, and never counted twice", async () => {
    await reserve({ estimatedCostUsd: "0.05", id: "call-1" });
    expect((await reserve({ estimatedCostUsd: 0.05, id: "call-1" })).body).toMatchObject({ replayed: true });
    expect(await reserve({ estimatedCostUsd: 0.06, id: "call-1" })).toMatchObject({
      status: 409,
      body: { code: "ID_CONFLICT" },
    });
    await settle({ id: "call-1", costUsd: "0.02" });
    expect((await settle({ id: "call-1", costUsd: "0.02" })).body).toMatchObject({ replayed: true });
    expect(await settle({ id: "call-1", costUsd: "0.03" })).toMatchObject({
      status: 409,
      body: { code: "ALREADY_SETTLED", receipt: { costUsd: 0.02 } },
    });
    expect((await reserve({ estimatedCostUsd: "0.05", id: "call-1" })).status).toBe(409);
    expect((await ask("GET", USER)).body).toMatchObject({ usdSpent: 0.02, usdHeld: 0 });
  });

  it("is denied with 402, every budget that denies, and the numbers", async () => {
    await budget("org:acme", { window: "month", usd: 1 });
    await budget("user:42", { window: "minute", requests: 1 });
    await reserve({ estimatedCostUsd: "0.75" });
    const denied = await reserve({ estimatedCostUsd: "0.30" });
    expect(denied.status).toBe(402);
    expect(denied.headers.get("content-type")).toBe("application/problem+json");
    expect(denied.headers.get("cache-control")).toBe("no-store");
    expect(denied.body).toMatchObject({
      type: "about:blank",
      title: "Payment Required",
      status: 402,
      code: "BUDGET_EXCEEDED",
      scope: "org:acme",
      transient: false,
      denials: [
        { scope: "org:acme", window: "month", metric: "usd", limit: 1, held: 0.75, requested: 0.3 },
        { scope: "user:42", window: "minute", metric: "requests", limit: 1, held: 1, requested: 1 },
      ],
    });
    expect(denied.body).toHaveProperty("detail", expect.stringContaining("org:acme"));
  });

  it("is 402 as well where only a window of a minute denies", async () => {
    await budget("user:42", { window: "minute", requests: 1 });
    await reserve({ estimatedCostUsd: 0 });
    expect(await reserve({ estimatedCostUsd: 0 })).toMatchObject({
      status: 402,
      body: { retryAfterSeconds: 60 },
    });
  });

  it("is bounded and priced by provider and model, by the app's own prices too", async () => {
    const fields = { provider: "acme", model: "model-1", inputTokens: 1000, maxOutputTokens: 500 };
    expect((await reserve({ ...fields, id: "call-2" })).body).toMatchObject({ usage: { usdHeld: 0.002 } });
    const actual = { provider: "acme", model: "model-1", inputTokens: 900, outputTokens: 100 };
    expect((await settle({ id: "call-2", ...actual })).body).toMatchObject({ costUsd: 0.0011 });
    expect(await reserve({ ...fields, model: "model-2" })).toMatchObject({
      status: 403,
      body: { code: "UNKNOWN_MODEL" },
    });
  });

  it("is settled by the provider's answer as it came", async () => {
    const response = { ...ANSWER, choices: [{ message: { content: "x".repeat(200_000) } }] };
    await reserve({ estimatedCostUsd: 0.01, id: "call-3" });
    const { status, body } = await settle({ id: "call-3", response });
    expect([status, body]).toMatchObject([200, { costNanoUsd: 2850, usage: { tokensSpent: 10 } }]);
  });

  it("is released once, and not after it was settled", async () => {
    const release = (id: string) => ask("POST", "/v1/calls/release", { chain, id });
    await reserve({ estimatedCostUsd: "0.05", id: "call-4" });
    expect(await release("call-4")).toMatchObject({ status: 200, body: { id: "call-4", released: true } });
    expect((await release("call-4")).status).toBe(200);
    expect((await ask("GET", USER)).body).toMatchObject({ usdSpent: 0, usdHeld: 0 });
    await reserve({ estimatedCostUsd: "0.05", id: "call-5" });
    await settle({ id: "call-5", costUsd: 0.05 });
    expect(await release("call-5")).toMatchObject({ status: 409, body: { code: "ALREADY_SETTLED" } });
  });

  it("that the store does not know is 404, under another chain 409; nothing is booked", async () => {
    expect(await settle({ id: "nobody", costUsd: 1 })).toMatchObject({
      status: 404,
      body: { code: "UNKNOWN_HOLD" },
    });
    await reserve({ estimatedCostUsd: "0.05", id: "call-6" });
    const elsewhere = await ask("POST", "/v1/calls/settle", { chain: ["user:42"], id: "call-6", costUsd: 1 });
    expect(elsewhere).toMatchObject({ status: 409, body: { code: "ID_CONFLICT" } });
    expect((await ask("GET", USER)).body).toMatchObject({ usdSpent: 0, usdHeld: 0.05 });
  });

  it("reserved here is settled by a meter of the same chain in another place, and the other way round", async () => {
    const meter = new UsageMeter({ store, scope: "org:acme" }).child("user:42");
    await reserve({ estimatedCostUsd: "0.05", id: "call-7" });
    expect((await meter.reserve({ estimatedCostUsd: "0.05", id: "call-7" })).replayed).toBe(true);
    await meter.hold("call-7").settle({ costUsd: "0.04" });
    await meter.reserve({ estimatedCostUsd: "0.05", id: "call-8" });
    expect((await settle({ id: "call-8", costUsd: "0.01" })).status).toBe(200);
    expect((await ask("GET", USER)).body).toMatchObject({ usdSpent: 0.05, usdHeld: 0 });
  });

  it("that was made without a hold is recorded, over a limit too, which is told with 402 and the receipt", async () => {
    await budget("user:42", { window: "month", usd: 1 });
    const record = (fields: object) => ask("POST", "/v1/calls/record", { chain, ...fields });
    expect(await record({ costUsd: 1, id: "call-9" })).toMatchObject({ status: 200, body: { costUsd: 1 } });
    expect((await record({ costUsd: 1, id: "call-9" })).body).toMatchObject({ replayed: true });
    expect(await record({ costUsd: "0.5" })).toMatchObject({
      status: 402,
      body: { code: "BUDGET_EXCEEDED", receipt: { costUsd: 0.5, overrun: true }, denials: [{ spent: 1.5 }] },
    });
    expect((await ask("GET", USER)).body).toMatchObject({ usdSpent: 1.5 });
  });
});

describe("a call that makes no sense", () => {
  it.each([
    [{ chain: [], estimatedCostUsd: 1 }, "INVALID_SCOPE", "chain"],
    [{ chain: ["user:42", "user 43"], estimatedCostUsd: 1 }, "INVALID_SCOPE", "chain.1"],
    [{ chain: ["user:42", "user:42"], estimatedCostUsd: 1 }, "INVALID_SCOPE", "chain"],
    [{ chain: "12345678".split("").concat("9"), estimatedCostUsd: 1 }, "INVALID_SCOPE", "chain"],
    [{ estimatedCostUsd: 1 }, "INVALID_SCOPE", "chain"],
    [{ chain, estimatedCostUsd: 1, id: "no id" }, "INVALID_SCOPE", "id"],
    [{ chain, estimatedCostUsd: "-1" }, "INVALID_USAGE", "estimatedCostUsd"],
    [{ chain, estimatedCostUsd: null }, "INVALID_USAGE", "estimatedCostUsd"],
    [{ chain, estimatedCostUsd: 1, tokens: 0.5 }, "INVALID_USAGE", "tokens"],
    [{ chain, estimatedCostUsd: 1, expiresInSeconds: "60" }, "INVALID_OPTIONS", "expiresInSeconds"],
    [{ chain, estimatedCostUsd: 1, namespace: "a" }, "INVALID_SCOPE", "namespace"],
    [{ chain, estimatedCostUsd: 1, max: 1 }, "INVALID_OPTIONS", "max"],
  ])("%j is refused by code and path", async (body, code, path) => {
    const answer = await ask("POST", "/v1/calls/reserve", body);
    expect(answer).toMatchObject({ status: 400, body: { code, errors: [{ path }] } });
  });

  it.each([
    ["reserve", { chain }],
    ["reserve", { chain, provider: "openai" }],
    ["reserve", { chain, estimatedCostUsd: 1, maxOutputTokens: 5 }],
    ["reserve", { chain, provider: "openai", model: "gpt-4o-mini" }],
    ["settle", { chain, id: "x" }],
    ["settle", { chain, id: "x", outputTokens: 5 }],
    ["settle", { chain, id: "x", costUsd: 1, outputTokens: 5 }],
    ["record", { chain, costUsd: 1, response: ANSWER }],
    ["record", { chain, response: { model: "gpt-4o-mini" } }],
    ["record", { chain, response: null }],
    ["record", { chain, provider: "openai", model: "gpt-4o-mini" }],
  ])("%s %j is refused by the library's own sentence", async (route, body) => {
    const answer = await ask("POST", `/v1/calls/${route}`, body);
    expect(answer).toMatchObject({ status: 400, body: { code: "INVALID_USAGE" } });
    expect(answer.body).toHaveProperty("detail", expect.stringMatching(/\w.{20}/));
  });

  it("names all of its fields, at most twenty", async () => {
    const budgets = Array.from({ length: 500 }, () => ({ window: "never" }));
    const { body } = await ask("PUT", `${USER}/budgets`, { budgets });
    expect(body).toHaveProperty("errors.length", 20);
  });
});

describe("a namespace", () => {
  it("is chosen by the query of any route, and is a ledger of its own", async () => {
    await ask("PUT", `${USER}/budgets?namespace=staging`, { budgets: [{ window: "month", usd: 1 }] });
    await ask("POST", "/v1/calls/record?namespace=staging", { chain, costUsd: "0.5" });
    expect((await ask("GET", `${USER}?namespace=staging`)).body).toMatchObject({
      usdSpent: 0.5,
      monthlyBudgetUsd: 1,
    });
    expect((await ask("GET", USER)).body).toMatchObject({ exists: false });
    expect((await ask("GET", `${USER}?namespace=default`)).body).toMatchObject({ exists: false });
  });
});

describe("a reserve that the store did not answer", () => {
  it("is 503, and is given back in work that the runtime keeps alive", async () => {
    const released: string[] = [];
    const silent: Store = {
      ...store,
      reserve: () => Promise.reject(new StoreUnavailableError("The store did not answer within 1000 ms.")),
      release: (operation) => {
        released.push(operation.id);
        return store.release(operation);
      },
    };
    const kept: Promise<unknown>[] = [];
    const context = {
      waitUntil: (work: Promise<unknown>) => kept.push(work),
      passThroughOnException() {},
      props: {},
    };
    const app = adminApp({ store: silent, ownerToken: OWNER_TOKEN });
    const client = ownerClient((path, init) => app.request(path, init, {}, context));
    const answer = await client("POST", "/v1/calls/reserve", { chain, estimatedCostUsd: 1, id: "call-10" });
    expect(answer).toMatchObject({ status: 503, body: { code: "STORE_UNAVAILABLE" } });
    expect(kept).toHaveLength(1);
    await Promise.all(kept);
    expect(released).toEqual(["call-10"]);
  });
});

describe("health", () => {
  const failing = (error: Error): Store => ({ ...store, check: () => Promise.reject(error) });
  const appOver = (failingStore: Store, onUnexpectedError?: (error: unknown) => void) =>
    adminApp({
      store: failingStore,
      ownerToken: OWNER_TOKEN,
      ...(onUnexpectedError && { onUnexpectedError }),
    });

  it("tells anyone that the deployment answers, and its owner that the store does", async () => {
    const app = adminApp({ store, ownerToken: OWNER_TOKEN });
    expect(await (await app.request("/v1/health")).json()).toEqual({ status: "ok" });
    expect((await ask("GET", "/v1/health")).body).toEqual({ status: "ok", store: "ok" });
    expect((await app.request("/v1/health", { method: "HEAD" })).status).toBe(200);
  });

  it("asks the store for its owner alone", async () => {
    const app = appOver(failing(new StoreUnavailableError("The store did not answer within 1000 ms.")));
    expect((await app.request("/v1/health")).status).toBe(200);
    const answer = await ownerClient((path, init) => app.request(path, init))("GET", "/v1/health");
    expect(answer).toMatchObject({ status: 503, body: { code: "STORE_UNAVAILABLE" } });
  });

  it("tells callers nothing of an error that nobody expected, and the deployment all of it", async () => {
    const heard: unknown[] = [];
    const error = new TypeError("secret at /srv/app.js");
    const app = appOver(failing(error), (each) => heard.push(each));
    const authorization = `bearer ${OWNER_TOKEN}`;
    const answer = await answerOf(await app.request("/v1/scopes/a", { headers: { authorization } }));
    expect(answer).toMatchObject({ status: 500, body: { code: "INTERNAL" } });
    expect(JSON.stringify(answer.body)).not.toMatch(/secret|app\.js|\bat /);
    expect(heard).toEqual([error]);
  });
});

describe("an account that has vanished from the store", () => {
  it("is 503 STATE_LOST until its scope is reset, and paused then, since stored limits are lost with it", async () => {
    const backend = new MemoryBackend({ now: () => nowMs });
    const app = adminApp({ store: createStore(backend), ownerToken: OWNER_TOKEN });
    const client = ownerClient((path, init) => app.request(path, init));
    await client("POST", "/v1/calls/record", { chain: ["user:42"], costUsd: 1 });
    backend.namespace("default").accounts.delete("user:42");
    const call = { chain: ["user:42"], estimatedCostUsd: 1 };
    expect(await client("POST", "/v1/calls/reserve", call)).toMatchObject({
      status: 503,
      body: { code: "STATE_LOST" },
    });
    expect(await client("POST", `${USER}/reset`)).toMatchObject({
      status: 200,
      body: { usdSpent: 0, paused: true, pauseReason: expect.stringContaining("lost") },
    });
    expect(await client("POST", "/v1/calls/reserve", call)).toMatchObject({
      status: 403,
      body: { code: "PAUSED" },
    });
    await client("POST", `${USER}/resume`);
    expect((await client("POST", "/v1/calls/reserve", call)).status).toBe(200);
  });
});

describe("the app's options", () => {
  it("are refused at once where they make no sense", () => {
    const pricing = { customPricing: { acme: { "model-1": { input: "free" } } } };
    expect(() => adminApp({ store, ownerToken: OWNER_TOKEN, pricing })).toThrow(InvalidOptionsError);
  });
});

describe("the owner's token", () => {
  it.each(["", "short", `${"x".repeat(31)}`, `${"x".repeat(40)} ${"y".repeat(40)}`, "ü".repeat(40)])(
    "is not %j: it has at least 32 characters and no spaces, and is not repeated in the error",
    (ownerToken) => {
      const make = () => adminApp({ store, ownerToken });
      expect(make).toThrow(/at least 32 characters/);
      if (ownerToken !== "") expect(make).not.toThrow(ownerToken);
    },
  );
});
