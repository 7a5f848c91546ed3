/** What every edge example promises, asked over HTTP while it runs in its own runtime. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { ROOT } from "./child-process.ts";

export interface RunningExample {
  /** Where its chat endpoint listens. */
  chatUrl: string;
  stop(): Promise<void>;
}

/** 7 input and 3 output tokens of gpt-4o-mini. */
const CALL_NANO_USD = 7 * 150 + 3 * 600;
const DAY_NANO_USD = 500_000_000;

/** @param start runs the example with these variables. */
export function edgeExampleSuite(
  name: string,
  start: (env: Record<string, string>) => Promise<RunningExample>,
): void {
  describe(name, () => {
    let redis: RedisServer;
    let bridge: TestBridge;
    let upstream: Upstream;
    let example: RunningExample;
    let ledger: UsageMeter;

    beforeAll(async () => {
      if (!existsSync(join(ROOT, "dist/index.js"))) throw new Error("Run `npm run build` first.");
      // A Redis of its own: the example has the default namespace.
      redis = await startRedisServer();
      bridge = await startBridge(redis.url);
      upstream = await startUpstream();
      ledger = new UsageMeter({ redisUrl: redis.url, scope: "app:chat" });
      example = await start({
        OPENAI_API_KEY: "test-key",
        OPENAI_BASE_URL: `${upstream.url}/v1`,
        UPSTASH_REDIS_REST_URL: bridge.url,
        UPSTASH_REDIS_REST_TOKEN: bridge.token,
      });
    }, 90_000);

    afterAll(async () => {
      await example?.stop();
      await ledger?.close();
      await upstream?.close();
      await bridge?.close();
      await redis?.stop();
    });

    const ask = (userId: string) =>
      fetch(example.chatUrl, { method: "POST", headers: { "x-user-id": userId }, body: "Hello" });

    const dayOf = async (userId: string) => {
      const { budgets } = await ledger.child(`user:${userId}`).getUsage();
      const day = budgets.find(({ window }) => window === "day");
      if (day === undefined) throw new Error("The example has declared no budget for the day.");
      return { spentNanoUsd: Math.round(day.spent * 1e9), held: day.held, limit: day.limit };
    };

    /** Brings the user's day to this much. */
    const spendUpTo = (userId: string, nanoUsd: number) =>
      ledger.child(`user:${userId}`).record({ costUsd: ((nanoUsd - CALL_NANO_USD) / 1e9).toFixed(9) });

    it("streams an admitted call, and books what the answer says it used", async () => {
      const response = await ask("ada");
      expect(response.status).toBe(200);
      const text = await response.text();
      for (const word of ["One", "two", "thrée"]) expect(text).toContain(word);

      expect(upstream.requests).toHaveLength(1);
      await expect.poll(() => dayOf("ada")).toEqual({ spentNanoUsd: CALL_NANO_USD, held: 0, limit: 0.5 });
      expect((await ledger.getUsage()).nanoUsdSpent).toBe(CALL_NANO_USD);
    });

    it("answers 402 at the cap, and sends nothing", async () => {
      await spendUpTo("ada", DAY_NANO_USD);
      const response = await ask("ada");
      expect(response.status).toBe(402);
      expect(await response.json()).toMatchObject({ code: "BUDGET_EXCEEDED" });
      expect(upstream.requests).toHaveLength(1);
      expect(await dayOf("ada")).toEqual({ spentNanoUsd: DAY_NANO_USD, held: 0, limit: 0.5 });
    });

    it("answers 402 where something is left, but less than the call may cost", async () => {
      await (await ask("bob")).text();
      await expect.poll(() => dayOf("bob")).toMatchObject({ spentNanoUsd: CALL_NANO_USD, held: 0 });
      await spendUpTo("bob", DAY_NANO_USD - 1000);
      const response = await ask("bob");
      expect(response.status).toBe(402);
      expect(upstream.requests).toHaveLength(2);
    });

    it("says by its status that a call does not fit, whatever is left: no stream of nothing", async () => {
      for (let leftNanoUsd = 100_000; leftNanoUsd <= 1_000_000; leftNanoUsd += 100_000) {
        const userId = `left-${leftNanoUsd}`;
        // Declares the budget of the day, in which is counted from then on.
        await (await ask(userId)).text();
        await expect.poll(() => dayOf(userId)).toMatchObject({ spentNanoUsd: CALL_NANO_USD, held: 0 });
        await spendUpTo(userId, DAY_NANO_USD - leftNanoUsd);
        const response = await ask(userId);
        const text = await response.text();
        if (response.status === 200) expect(text, userId).toContain("thrée");
        else expect(response.status, userId).toBe(402);
      }
    });

    it("asks who it is", async () => {
      const response = await fetch(example.chatUrl, { method: "POST", body: "Hello" });
      expect(response.status).toBe(401);
    });

    it("answers 503 while the store is down, and sends nothing", async () => {
      const sent = upstream.requests.length;
      redis.pause();
      const response = await ask("eve");
      redis.resume();
      expect(response.status).toBe(503);
      expect(upstream.requests).toHaveLength(sent);
    });
  });
}
