/** Scripts touch no key but those in KEYS: clusters and Upstash rely on it. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { brokenTransport, plant } from "../chaos/broken-transport.ts";
import { redisBench } from "./benches.ts";
import { isHeld, link, reserve, usd } from "./cases/bench.ts";
import { STORE_CASES } from "./cases/index.ts";
import { declaredKeysTransport } from "./declared-keys.ts";
import { play } from "./play.ts";
import { playedRedis } from "./played-ledgers.ts";
import { PROPERTY_TIMEOUT_MS, sequences } from "./random-steps.ts";

const client = new Redis(inject("redisUrl"));
const tcp = tcpTransport(inject("redisUrl"));
const transport = declaredKeysTransport(tcp);
const behind = { url: inject("restUrl"), token: inject("restToken") };

afterAll(async () => {
  await tcp.close?.();
  await client.quit();
});

describe("Every key that a script touches is in KEYS", () => {
  describe("in the conformance suite", () => {
    it.each(STORE_CASES)("$promise: $name", ({ run }) => run(redisBench(transport, behind)));
  });

  it(
    "in random sequences",
    async () => {
      const property = fc.asyncProperty(sequences, async (beats) => {
        await play(playedRedis(transport, client), beats);
      });
      await fc.assert(property, { numRuns: 100 });
    },
    PROPERTY_TIMEOUT_MS,
  );

  it("or the script fails, and the error names the key", async () => {
    const elsewhere = plant({
      scripts: ["reserve"],
      line: "deleteDropped(accounts)",
      instead: "redis.call('EXISTS', 'agentlimit:elsewhere')",
    });
    const chain = [link("user:1", [])];
    const unwatched = redisBench(brokenTransport(tcp, elsewhere), behind);
    expect(isHeld(await reserve(unwatched, chain, usd(1)))).toBe(true);
    const watched = redisBench(brokenTransport(transport, elsewhere), behind);
    await expect(reserve(watched, chain, usd(1))).rejects.toThrow(/agentlimit:elsewhere/);
  });
});
