/** What calls cost in commands and round trips, counted by the server and at the socket; for others too, to compare. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CallCost, countCosts } from "../../bench/commands.ts";
import { watchGuardedCall } from "../../bench/guarded-call.ts";
import { type Servers, startServers } from "../../bench/servers.ts";

let servers: Servers;
let costs: CallCost[];

beforeAll(async () => {
  servers = await startServers();
  costs = await countCosts(servers);
});

afterAll(() => servers.close());

describe("A call with three budgets a scope, on a warm path", () => {
  it.each([
    ["UsageMeter reserve + settle, 1 scope", 11, 2],
    ["UsageMeter reserve + settle, 3 scopes", 19, 2],
    ["@upstash/ratelimit limit()", 4, 1],
    ["Python's 8 GET, MULTI … EXEC", 12, 9],
  ])("costs, as %s, %i commands and %i round trips at most", (name, commands, roundTrips) => {
    const cost = costs.find((each) => each.name === name);
    expect(cost?.commands).toBeLessThanOrEqual(commands);
    expect(cost?.roundTrips).toBeLessThanOrEqual(roundTrips);
  });

  it("asks the store once before the provider and once after it, off the path of the answer", async () => {
    const guarded = await watchGuardedCall(servers.rest);
    expect(guarded).toEqual({ before: 1, after: 1, isAfterOffThePath: true });
  });
});
