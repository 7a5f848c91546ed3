/** What a guarded call costs where commands are billed, those inside scripts counted. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

let server: RedisServer;
let client: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  client = new Redis(server.url);
});

afterAll(async () => {
  await client.quit();
  await server.stop();
});

async function commandsOf(work: () => Promise<unknown>): Promise<number> {
  await client.config("RESETSTAT");
  await work();
  const lines = (await client.info("commandstats")).split("\n");
  const own = lines.filter((line) => line.startsWith("cmdstat_") && !/^cmdstat_(config|info)/.test(line));
  return own.reduce((sum, line) => sum + Number(/calls=(\d+)/.exec(line)?.[1]), 0);
}

describe("A reserve and its settle, on a warm path with three budgets a scope", () => {
  it.each([
    [1, 6, 5],
    [3, 10, 9],
  ])("of %i scopes cost %i and %i commands", async (scopes, ofReserve, ofSettle) => {
    const budgets = (["hour", "day", "month"] as const).map((window) => ({ window, usd: 100 }));
    const namespace = `billed-${scopes}`;
    await using root = new UsageMeter({ redisUrl: server.url, namespace, scope: "level:1", budgets });
    let meter: Pick<UsageMeter, "child" | "reserve"> = root;
    for (let level = 2; level <= scopes; level += 1) meter = meter.child(`level:${level}`, { budgets });
    const first = await meter.reserve({ estimatedCostUsd: 1 });
    await first.settle({ costUsd: 1 });

    // A minute that ends in between costs a sweep: then the next try is in the middle of one.
    const wholeCall = async () => {
      let hold = await meter.reserve({ estimatedCostUsd: 0 });
      const reserve = await commandsOf(async () => {
        hold = await meter.reserve({ estimatedCostUsd: 1 });
      });
      return { reserve, settle: await commandsOf(() => hold.settle({ costUsd: 1 })) };
    };
    const counts = await wholeCall();
    const steady = counts.reserve === ofReserve ? counts : await wholeCall();
    expect(steady).toEqual({ reserve: ofReserve, settle: ofSettle });
  });
});
