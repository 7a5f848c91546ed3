/** Input that makes no sense: a typed error that names the field, on every store, and nothing is written. */
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import {
  type AgentLimitError,
  InvalidBudgetError,
  InvalidOptionsError,
  InvalidScopeError,
  InvalidUsageError,
  UsageMeter,
} from "../../src/index.ts";
import { createStore } from "../../src/ledger/backed-store.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import type { Store } from "../../src/ledger/store.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { dumpMemory, dumpRedis, type StateDump } from "../support/state-dump.ts";
import { freshNamespace, rejection } from "./stores.ts";

const client = new Redis(inject("redisUrl"));
const tcp = tcpTransport(inject("redisUrl"));
afterAll(async () => {
  await tcp.close?.();
  await client.quit();
});

interface Ledger {
  store: Store;
  dump(namespace: string): Promise<StateDump>;
}

const inRedis = (store: Store): Ledger => ({ store, dump: (namespace) => dumpRedis(client, namespace) });
const LEDGERS: [string, () => Ledger][] = [
  [
    "memory",
    () => {
      const backend = new MemoryBackend({});
      const dump = async (namespace: string) => structuredClone(dumpMemory(backend, namespace));
      return { store: createStore(backend), dump };
    },
  ],
  ["TCP", () => inRedis(redisStore(tcp))],
  ["REST", () => inRedis(redisStore(restTransport({ url: inject("restUrl"), token: inject("restToken") })))],
];

/** What TypeScript would refuse. */
const untyped = (value: unknown) => value as never;

const NO_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 1e300, "1e-30"];
const NO_VALUES = ["", " ", "ten", "NaN", "0x10", "1,5", null, true, {}, [], 10n, Symbol("ten"), () => 1];
const BAD_DOLLARS = [...NO_NUMBERS, ...NO_VALUES, -1e-9, "-1", "1e3", 9_000_000.1, "9000000.000000001"];
const BAD_COUNTS = [...NO_NUMBERS, ...NO_VALUES, 0.5, "5", 9e15 + 2];
const LONG = "x".repeat(10_000);
const BAD_NAMES = ["", " ", LONG, "a{}", "{a}", "a\nb", "a\0b", "__proto__", "käse", "a b", null, 7, {}];
const BAD_AGENTS = BAD_NAMES.filter((name) => name !== "__proto__");

const MINI = { provider: "openai", model: "gpt-4o-mini" };
type Call = (meter: UsageMeter, bad: never) => Promise<unknown>;

const DOLLARS: [field: string, call: Call][] = [
  ["estimatedCostUsd", (meter, bad) => meter.reserve({ estimatedCostUsd: bad })],
  ["estimatedCostUsd", (meter, bad) => meter.check({ estimatedCostUsd: bad })],
  ["estimatedCostUsd", (meter, bad) => meter.canSpend({ estimatedCostUsd: bad })],
  ["estimatedCostUsd", (meter, bad) => meter.track({ estimatedCostUsd: bad }, () => "was run")],
  ["costUsd", (meter, bad) => meter.record({ costUsd: bad })],
  ["costUsd", (meter, bad) => meter.hold("open").settle({ costUsd: bad })],
];

const COUNTS: [field: string, call: Call][] = [
  ["tokens", (meter, bad) => meter.reserve({ estimatedCostUsd: 1, tokens: bad })],
  ["requests", (meter, bad) => meter.reserve({ estimatedCostUsd: 1, requests: bad })],
  ["inputTokens", (meter, bad) => meter.reserve({ ...MINI, inputTokens: bad, maxOutputTokens: 1 })],
  ["maxOutputTokens", (meter, bad) => meter.reserve({ ...MINI, inputTokens: 1, maxOutputTokens: bad })],
  ["inputTokens", (meter, bad) => meter.record({ ...MINI, inputTokens: bad })],
  ["outputTokens", (meter, bad) => meter.record({ ...MINI, outputTokens: bad })],
  ["cachedInputTokens", (meter, bad) => meter.record({ ...MINI, cachedInputTokens: bad })],
  ["tokensUsed", (meter, bad) => meter.record({ costUsd: 1, tokensUsed: bad })],
  ["outputTokens", (meter, bad) => meter.hold("open").settle({ ...MINI, outputTokens: bad })],
];

const NAMES: [field: string, call: Call][] = [
  ["id", (meter, bad) => meter.reserve({ estimatedCostUsd: 1, id: bad })],
  ["id", (meter, bad) => meter.track({ estimatedCostUsd: 1, id: bad }, () => "was run")],
  ["id", (meter, bad) => meter.record({ costUsd: 1, id: bad })],
  ["id", (meter, bad) => meter.hold(bad).settle({ costUsd: 1 })],
  ["id", (meter, bad) => meter.hold(bad).release()],
];

const CALLED: [field: string, call: Call][] = [
  ["provider", (meter, bad) => meter.record({ costUsd: 1, provider: bad, model: "m" })],
  ["model", (meter, bad) => meter.record({ costUsd: 1, provider: "p", model: bad })],
];

const INPUT = { ...MINI, inputTokens: 1, maxOutputTokens: 1 };
const ANSWER = {
  object: "chat.completion",
  choices: [],
  model: MINI.model,
  usage: { prompt_tokens: 1, completion_tokens: 1 },
};
const UNKNOWN_FIELDS: [field: string, says: string, call: (meter: UsageMeter) => Promise<unknown>][] = [
  ["waitMs", "Known: estimatedCostUsd", (meter) => meter.reserve(untyped({ ...INPUT, waitMs: 5 }))],
  ["opperationId", "expiresInSeconds", (meter) => meter.reserve(untyped({ ...INPUT, opperationId: "a" }))],
  ["expiresInSecs", '"expiresInSeconds"?', (meter) => meter.reserve(untyped({ ...INPUT, expiresInSecs: 5 }))],
  ["iD", '"id"?', (meter) => meter.track(untyped({ ...INPUT, iD: "a" }), () => "was run")],
  ["request", '"requests"?', (meter) => meter.check(untyped({ estimatedCostUsd: 1, request: 2 }))],
  ["token", '"tokens"?', (meter) => meter.canSpend(untyped({ estimatedCostUsd: 1, token: 2 }))],
  ["ID", '"id"?', (meter) => meter.record(untyped({ costUsd: 1, ID: "a" }))],
  ["Model", '"model"?', (meter) => meter.record(untyped({ costUsd: 1, Model: "m" }))],
  ["costUsd", "leave out", (meter) => meter.record(untyped({ response: ANSWER, costUsd: 1 }))],
  ["id", "Known: provider", (meter) => meter.hold("open").settle(untyped({ costUsd: 1, id: "a" }))],
  ["costUSD", '"costUsd"?', (meter) => meter.hold("open").settle(untyped({ costUSD: 1 }))],
  ["provder", '"provider"?', (meter) => meter.hold("open").settle(untyped({ ...MINI, provder: "p" }))],
];

type ErrorClass = new (message: string) => AgentLimitError;

/** What is told of bad input: the field, in a few words, and nothing that could break a log's line. */
function expectTold(error: unknown, kind: ErrorClass, field: string): void {
  expect(error).toBeInstanceOf(kind);
  const { message } = error as Error;
  expect(message).toContain(field);
  expect(message.length).toBeLessThan(400);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is the point.
  expect(message).not.toMatch(/[\u0000-\u001f]/);
}

describe.each(LEDGERS)("Over %s,", (_name, make) => {
  /** A meter with something in its ledger, and an open hold. */
  async function openMeter() {
    const ledger = make();
    const namespace = freshNamespace();
    const meter = new UsageMeter({ store: ledger.store, namespace, agentId: "a", monthlyBudgetUsd: 100 });
    await meter.record({ costUsd: 1 });
    await meter.reserve({ estimatedCostUsd: 1, id: "open" });
    return { meter, dump: () => ledger.dump(namespace) };
  }

  it.each([
    ["dollars", DOLLARS, BAD_DOLLARS, InvalidUsageError],
    ["counts", COUNTS, BAD_COUNTS, InvalidUsageError],
    ["ids", NAMES, BAD_NAMES, InvalidScopeError],
    ["providers and models", CALLED, ["", " ", LONG, "\ud800", null, 7, {}], InvalidUsageError],
  ] as const)("%s that are none are refused, and nothing is written", async (_kind, calls, values, kind) => {
    const { meter, dump } = await openMeter();
    const before = await dump();
    for (const [field, call] of calls) {
      for (const value of values) {
        const isLeftOut = field === "id" && value === undefined;
        if (!isLeftOut) expectTold(await rejection(call(meter, untyped(value))), kind, field);
      }
    }
    expect(await dump()).toEqual(before);
  });

  it("fields that nobody knows are refused with the nearest, and nothing is written", async () => {
    const { meter, dump } = await openMeter();
    const before = await dump();
    for (const [field, says, call] of UNKNOWN_FIELDS) {
      const error = await rejection(call(meter));
      expectTold(error, InvalidUsageError, `"${field}"`);
      expect(String(error)).toContain(says);
    }
    for (const bad of [{ reasn: "x" }, { id: "x" }, null, "because"]) {
      expectTold(await rejection(meter.pause(untyped(bad))), InvalidOptionsError, "A pause");
    }
    expect(await dump()).toEqual(before);
    const hold = await meter.reserve({ estimatedCostUsd: 1 });
    expectTold(await rejection(hold.settle(untyped({ inputTokens: 1, id: "a" }))), InvalidUsageError, '"id"');
  });

  it("fields of a provider's answer are its own, and one estimate serves a check and a reserve", async () => {
    const { meter } = await openMeter();
    const response = { ...ANSWER, waitMs: 1, anything: {}, usage: { ...ANSWER.usage, service_note: "x" } };
    expect(await meter.record({ response, id: "answered" })).toMatchObject({ source: "reported" });
    expect(await meter.hold("open").settle({ response })).toMatchObject({ source: "reported" });
    const estimate = { ...INPUT, id: "both", expiresInSeconds: 60 };
    expect(await meter.canSpend(estimate)).toBe(true);
    expect(await meter.reserve(estimate)).toMatchObject({ id: "both" });
  });

  it("options of calls that make no sense are refused, and nothing is written", async () => {
    const { meter, dump } = await openMeter();
    const before = await dump();
    for (const bad of [...NO_NUMBERS, 0, 0.5, "60", null, 93_601]) {
      const options = { estimatedCostUsd: 1, expiresInSeconds: untyped(bad) };
      expectTold(await rejection(meter.reserve(options)), InvalidOptionsError, "expiresInSeconds");
    }
    for (const bad of ["", LONG, "two\nlines", "nul\0", 7, null, {}]) {
      const paused = meter.pause({ reason: untyped(bad) });
      expectTold(await rejection(paused), InvalidOptionsError, "reason");
    }
    expect(await dump()).toEqual(before);
  });

  it("names that mean something to JavaScript are names like any other", async () => {
    const { store } = make();
    const namespace = freshNamespace();
    for (const name of ["constructor", "toString", "hasOwnProperty", "valueOf"]) {
      const meter = new UsageMeter({ store, namespace, scope: name, monthlyBudgetUsd: 1 });
      await meter.reserve({ estimatedCostUsd: "0.25", id: name });
      await meter.hold(name).settle({ costUsd: "0.5" });
      expect(await meter.getUsage()).toMatchObject({ scope: name, usdSpent: 0.5, usdHeld: 0 });
    }
    const agent = new UsageMeter({ store, namespace, agentId: "__proto__" });
    await agent.record({ costUsd: "0.5" });
    expect(await agent.getUsage()).toMatchObject({ agentId: "__proto__", usdSpent: 0.5 });
  });

  it("providers and models of any text are kept, and told as they were given", async () => {
    const { store } = make();
    const namespace = freshNamespace();
    const meter = new UsageMeter({ store, namespace, agentId: "a" });
    const names = ["{}", "a\nb", "a\0b", "__proto__", "a b;c,d", "käse/✓", "~", "*", "-%"];
    for (const name of names) await meter.record({ costUsd: "0.01", provider: name, model: name });
    expect(await meter.getUsage()).toMatchObject({ nanoUsdSpent: names.length * 10_000_000 });
    const range = { fromMs: Date.now() - 86_400_000, toMs: Date.now() + 86_400_000 };
    const { periods } = await store.history({ namespace, scope: "agent:a", by: "day", ...range });
    const told = periods.flatMap(({ entries }) => entries.map(({ provider, model }) => [provider, model]));
    expect(told.sort()).toEqual(names.map((name) => [name, name]).sort());
  });
});

describe("A meter", () => {
  const store = createStore(new MemoryBackend({}));
  const made = (options: object) => () => new UsageMeter(untyped({ store, agentId: "a", ...options }));

  /** What a constructor throws. */
  function thrown(make: () => unknown): unknown {
    try {
      make();
    } catch (error) {
      return error;
    }
    throw new Error("It was expected to throw.");
  }

  it("is not made with budgets that are none", () => {
    for (const usd of [...BAD_DOLLARS, 0, "0", "0.0000000001"]) {
      expectTold(thrown(made({ monthlyBudgetUsd: usd })), InvalidBudgetError, "usd");
      expectTold(thrown(made({ budgets: [{ window: "day", usd }] })), InvalidBudgetError, "usd");
    }
    for (const count of [...BAD_COUNTS, 0]) {
      for (const metric of ["tokens", "requests"]) {
        const budgets = [{ window: "day", [metric]: count }];
        expectTold(thrown(made({ budgets })), InvalidBudgetError as never, metric);
      }
    }
    for (const window of ["", "days", "__proto__", LONG, "day\n", null, 7, {}])
      expectTold(thrown(made({ budgets: [{ window, usd: 1 }] })), InvalidBudgetError, "window");
  });

  it("is not made for names that are none", () => {
    const org = new UsageMeter({ store, scope: "org:acme" });
    for (const name of BAD_NAMES) {
      expectTold(thrown(made({ agentId: undefined, scope: name })), InvalidScopeError, "scope");
      expectTold(thrown(made({ namespace: name })), InvalidScopeError, "namespace");
      expectTold(
        thrown(() => org.child(untyped(name))),
        InvalidScopeError,
        "scope",
      );
    }
    // An agent's scope begins with "agent:", so that the name itself may begin with any character of the alphabet.
    for (const name of BAD_AGENTS) expectTold(thrown(made({ agentId: name })), InvalidScopeError, "");
  });
});
