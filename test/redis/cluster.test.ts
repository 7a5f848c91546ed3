/** What a meter over Redis Cluster promises while the cluster changes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { accountKey } from "../../src/redis/keys.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster.stop());

const CALLERS = 4;
const CALLS = 100;

describe("A meter over a Redis Cluster", () => {
  it("counts each call once while its namespace moves from node to node, and none of them fails", async () => {
    const namespace = "moving";
    const meter = new UsageMeter({
      redis: cluster.client,
      namespace,
      scope: "org:acme",
      budgets: [{ window: "month", usd: 1000 }],
    });
    let calls = 0;
    const call = async () => {
      while (calls < CALLERS * CALLS) {
        calls += 1;
        const hold = await meter.reserve({ estimatedCostUsd: 1 });
        await hold.settle({ costUsd: "0.5" });
      }
    };
    const moves = async () => {
      const slot = accountKey(namespace, "org:acme");
      for (let move = 0; move < 3; move += 1) await cluster.moveSlotOf(slot);
    };

    await meter.record({ costUsd: 0 });
    await Promise.all([moves(), ...Array.from({ length: CALLERS }, call)]);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: (CALLERS * CALLS) / 2, usdHeld: 0 });
    // Calls did meet the moves.
    for (const refusal of ["MOVED", "TRYAGAIN"]) expect(await refusals()).toContain(`errorstat_${refusal}:`);
  });
});

async function refusals(): Promise<string> {
  const stats = cluster.client.nodes("master").map((node) => node.info("errorstats"));
  return (await Promise.all(stats)).join("\n");
}
