/** Every way in which a store fails: refused within 1.5 s with its cause and without a secret, and nothing is sent. */
import OpenAI from "openai";
import { describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { StoreDataError, StoreUnavailableError } from "../../src/index.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { startBridge } from "../support/bridge.ts";
import * as broken from "../support/broken-stores.ts";
import { startOwnTime } from "../support/own-time.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { SECRET } from "../support/refusals.ts";
import { startUpstream } from "../support/upstream.ts";
import { rejection } from "./stores.ts";

/** What the promise is, with the default deadline of 1 s, as own time: {@link startOwnTime}. */
const LIMIT_MS = 1500;
/** And by the clock on the wall, on a machine that is busy with much else. */
const BUSY_LIMIT_MS = 10_000;

const ACCESS = /refused the token, the password or their permissions: check them/;
const NO_REST = /within 1000 ms.*something other than Redis' REST API answered/;
const NO_ANSWER = /got no answer that it can read: either something other than Redis' REST API answered/;
const FOREIGN = /answer to the script "reserve" is .*Something other than Redis answers at this address/;
const HTML = "<html>Welcome!</html>";
const WRONG_TOKEN = '{"error":"WRONGPASS invalid or missing auth token"}';
const QUOTA = '{"error":"ERR max requests limit exceeded. Limit: 1, Usage: 1"}';

type StoreError = typeof StoreUnavailableError | typeof StoreDataError;
type Fault = [name: string, start: broken.Broken, says: RegExp, errorClass?: StoreError];

/** Over TCP, and over REST by a bridge in front of the same server. Those that it tells are refused at once, others at the deadline. */
const REDIS_TELLS: Fault[] = [
  ["is a read-only replica", broken.isReplica, /takes no writes: use the address of the primary/],
  ["is out of memory", broken.isFull, /store is full: raise its memory limit/],
  ["can't save to its disk", broken.canNotSave, /can't save to its disk \(MISCONF\)/],
  ["has another password", broken.hasAnotherPassword, ACCESS],
  ["forbids scripts to its user", broken.forbidsScripts, ACCESS],
];
const REDIS_FAILS: Fault[] = [
  ["hangs", broken.hangs, /did not answer within 1000 ms/],
  ["loads its data", broken.isLoading, /within 1000 ms.*Redis is loading its data/],
  ["has fewer replicas than it requires", broken.lacksReplicas, /within 1000 ms.*Redis has fewer replicas/],
  ["is one node of a cluster", broken.isOneNodeOfMany, /within 1000 ms.*the cluster is changing or a part/],
];

/** It takes a whole core from everything that runs beside it. */
const BUSY: Fault = [
  "is kept busy by another script",
  broken.isBusy,
  /within 1000 ms.*another script keeps Redis busy/,
];

const TCP_TELLS: Fault[] = [
  ["wants a password", broken.wantsAPassword, ACCESS],
  ["has no database of that number", broken.hasNoSuchDatabase, /has no database of the address's number/],
];
const TCP_FAILS: Fault[] = [
  [
    "is not there",
    broken.nobodyListens,
    /within 1000 ms: 127\.0\.0\.1:\d+ can't be reached \(ECONNREFUSED\)\. Nothing was done\.$/,
  ],
  ["hangs up", broken.hangsUp, /within 1000 ms.*(can't be reached|is closed)/],
  ["is a web server", broken.isAWebServer, /within 1000 ms.*something other than Redis answers/],
];

/** The address alone: no Redis is behind it. */
const REST_TELLS: Fault[] = [
  ["refuses the token", broken.rest.answer(401, WRONG_TOKEN), ACCESS],
  ["is over its quota", broken.rest.answer(400, QUOTA), /request quota is used up/],
  ["answers {}", broken.rest.answer(200, "{}"), NO_ANSWER],
  ["answers null", broken.rest.answer(200, "null"), NO_ANSWER],
  ["answers each command with {}", broken.rest.answerEach({}), FOREIGN, StoreDataError],
  ["answers each with null", broken.rest.answerEach({ result: null }), FOREIGN, StoreDataError],
  ["answers each with a number", broken.rest.answerEach({ result: 1 }), FOREIGN, StoreDataError],
  ["answers each with OK", broken.rest.answerEach({ result: "OK" }), FOREIGN, StoreDataError],
];
const REST_FAILS: Fault[] = [
  ["is not there", broken.rest.nobodyListens, /within 1000 ms.*can't be reached \(ECONNREFUSED\)/],
  ["never answers", broken.rest.hangs, /did not answer within 1000 ms/],
  ["begins an answer and goes no further", broken.rest.stops, /did not answer within 1000 ms/],
  ["hangs up", broken.rest.hangsUp, /within 1000 ms.*can't be reached/],
  [
    "limits the rate",
    broken.rest.answer(429, '{"error":"Too Many Requests"}'),
    /limits the rate of requests/,
  ],
  ["answers 500 with HTML", broken.rest.answer(500, HTML), NO_REST],
  ["answers 502 with JSON", broken.rest.answer(502, '{"message":"down"}'), /answered with an HTTP error/],
  ["answers HTML", broken.rest.answer(200, HTML), NO_REST],
  ["answers truncated JSON", broken.rest.answer(200, '[{"result":["agl1"'), NO_REST],
  ["answers nothing", broken.rest.answer(200, ""), NO_REST],
];

const overTcp = async (url: string): Promise<NodeMeterOptions> => ({ redisUrl: url });

async function overBridge(url: string, atEnd: broken.AtEnd): Promise<NodeMeterOptions> {
  const bridge = await startBridge(url);
  atEnd(() => bridge.close());
  return { redis: bridge };
}

const overRest = async (url: string): Promise<NodeMeterOptions> => ({ redis: { url, token: SECRET } });

describe("A meter whose Redis is out of memory", () => {
  it.each([
    ["TCP", overTcp],
    ["REST", overBridge],
  ] as const)("still settles, releases and records over %s", async (_, reach) => {
    const redis = await startRedisServer();
    onTestFinished(() => redis.stop());
    const options = await reach(redis.url, (close) => onTestFinished(async () => void (await close())));
    const meter = new UsageMeter({ ...options, agentId: "a", monthlyBudgetUsd: 10 });
    onTestFinished(() => meter.close());
    const hold = async () => meter.reserve({ estimatedCostUsd: 1 });
    const [settled, released] = [await hold(), await hold()];
    const fill = () => redis.command("CONFIG SET maxmemory 1");

    await meter.track({ estimatedCostUsd: 1 }, async () => ({ filled: await fill() }));
    await settled.settle({ costUsd: "0.5" });
    await released.release();
    await meter.record({ costUsd: "0.25" });
    expect(String(await rejection(hold()))).toMatch(/store is full/);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 1.75, usdHeld: 0 });
  });
});

describe.each([
  ["a Redis over TCP", [...REDIS_TELLS, ...TCP_TELLS], overTcp],
  ["a Redis over REST", REDIS_TELLS, overBridge],
  ["a REST address", REST_TELLS, overRest],
] as const)("A meter refuses each call at once, whatever its deadline, while %s", (_, faults, reach) => {
  const patient: Reach = async (...address) => ({ ...(await reach(...address)), storeTimeoutMs: 60_000 });
  it.concurrent.for(faults)("%s", (fault, test) => expectRefused(fault, patient, test));
});

describe.each([
  ["a Redis over TCP", [...REDIS_FAILS, ...TCP_FAILS], overTcp],
  ["a Redis over REST", REDIS_FAILS, overBridge],
  ["a REST address", REST_FAILS, overRest],
] as const)("A meter refuses each call at its deadline while %s", (_, faults, reach) => {
  it.concurrent.for(faults)("%s", (fault, test) => expectRefused(fault, reach, test));
});

describe.each([
  ["TCP", overTcp],
  ["REST", overBridge],
] as const)("A meter refuses each call at its deadline while a Redis over %s", (_, reach) => {
  it.for([BUSY])("%s", (fault, test) => expectRefused(fault, reach, test));
});

type Reach = (url: string, atEnd: broken.AtEnd) => Promise<NodeMeterOptions>;

async function expectRefused(
  [, start, says, errorClass = StoreUnavailableError]: Fault,
  reach: Reach,
  test: TestContext,
): Promise<void> {
  const atEnd: broken.AtEnd = (close) => test.onTestFinished(async () => void (await close()));
  const options = { ...(await reach(await start(atEnd), atEnd)), agentId: SECRET };
  const { calls, sent, close } = await callsOf(new UsageMeter(options));
  atEnd(close);
  const refusals = await Promise.all(calls.map(timed));
  for (const { error, ownMs, durationMs } of refusals) {
    test.expect(error).toBeInstanceOf(errorClass);
    test.expect(String(error)).toMatch(says);
    test.expect(ownMs).toBeLessThan(LIMIT_MS);
    test.expect(durationMs).toBeLessThan(BUSY_LIMIT_MS);
    test.expect(everythingOf(error)).not.toContain(SECRET);
  }
  test.expect(sent()).toBe(0);
}

const BODY = {
  model: "gpt-4o-mini",
  max_completion_tokens: 16,
  messages: [{ role: "user" as const, content: "hello" }],
};

/** Every way in which a meter lets a call through, and how many have come through. */
async function callsOf(meter: UsageMeter) {
  let runs = 0;
  const upstream = await startUpstream();
  const openai = new OpenAI({ apiKey: "none", baseURL: `${upstream.url}/v1`, fetch: meter.fetch });
  const request = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(BODY),
  };
  return {
    calls: [
      () => meter.reserve({ estimatedCostUsd: 1, id: SECRET }),
      () => meter.track({ estimatedCostUsd: 1 }, () => (runs += 1)),
      () => meter.fetch(`${upstream.url}/v1/chat/completions`, request),
      () => openai.chat.completions.create(BODY),
    ],
    sent: () => runs + upstream.requests.length,
    close: async () => {
      await meter.close();
      await upstream.close();
    },
  };
}

async function timed(call: () => Promise<unknown>) {
  const startMs = performance.now();
  const endOwnTime = startOwnTime();
  const error = await rejection(call());
  return { error, ownMs: endOwnTime(), durationMs: performance.now() - startMs };
}

/** All that a logger may print of an error. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.message, error.stack, JSON.stringify(error), String(error.cause)].join("\n");
}
