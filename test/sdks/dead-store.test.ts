/** A store that is gone, or hangs, as every client sees it: refused in time, after one attempt. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BudgetExceededError, StoreUnavailableError } from "../../src/errors.ts";
import { type Broken, hangs, nobodyListens } from "../support/broken-stores.ts";
import { failure } from "../support/outcomes.ts";
import { startOwnTime } from "../support/own-time.ts";
import { type Bench, meteredClient, startBench, textOf } from "./bench.ts";
import { SDKS } from "./clients/index.ts";
import type { Sdk } from "./sdk.ts";

const stores: [name: string, broken: Broken][] = [
  ["refuses connections", nobodyListens],
  ["takes a connection and never answers", hangs],
];

const AT_ONCE = 10;

describe.each(stores)("A Redis that %s", (_name, broken) => {
  let bench: Bench;
  let redisUrl: string;
  const closings: (() => unknown)[] = [];
  beforeAll(async () => {
    bench = await startBench();
    redisUrl = await broken((close) => closings.push(close));
  });
  afterAll(async () => {
    await bench.close();
    for (const close of closings) await close();
  });

  it("is told by every client within 1.5 s, after one attempt, and nothing is sent", async () => {
    const cases = SDKS.flatMap((sdk) => [
      { sdk, way: "ask" as const },
      { sdk, way: "stream" as const },
    ]);
    const seen: unknown[] = [];
    // Each of them waits for most of a second.
    for (let next = 0; next < cases.length; next += AT_ONCE) {
      const batch = cases.slice(next, next + AT_ONCE);
      seen.push(...(await Promise.all(batch.map((each) => refusalOf(each, { bench, redisUrl })))));
    }
    const expected = cases.map(({ sdk, way }) => ({
      client: sdk.name,
      way,
      error: "the StoreUnavailableError of the one attempt",
      inTime: true,
    }));
    expect(seen).toEqual(expected);
    expect(bench.upstream.requests).toEqual([]);
  });
});

async function refusalOf(
  { sdk, way }: { sdk: Sdk; way: "ask" | "stream" },
  { bench, redisUrl }: { bench: Bench; redisUrl: string },
) {
  const client = meteredClient(sdk, bench, { redisUrl });
  const endOwnTime = startOwnTime();
  const error = await failure(way === "ask" ? client.ask("Hi") : textOf(client.stream("Hi")));
  const ownMs = endOwnTime();
  // A dead store is not closed at once either.
  void client.meter.close();
  const isOurs = error instanceof StoreUnavailableError && error === client.events[0]?.error;
  const tellsOfOneAttempt =
    isOurs && client.events.length === 1 && BudgetExceededError.from(error) === undefined;
  return {
    client: sdk.name,
    way,
    error: tellsOfOneAttempt ? "the StoreUnavailableError of the one attempt" : error,
    inTime: ownMs < 1_500 || ownMs,
  };
}
