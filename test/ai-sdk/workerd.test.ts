/** `meterMiddleware` in a Worker, over real sockets. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { freshNamespace } from "../meter/stores.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { type RunningWorker, startWorkerd } from "../support/workerd.ts";
import { speakAllApis } from "./answers.ts";

/** 7 input and 3 output tokens. */
const CALL_NANO_USD = 2_850;
const WORDS = Array<string>(10).fill("word ");

describe("The middleware in workerd", () => {
  const namespace = freshNamespace();
  let upstream: Upstream;
  let worker: RunningWorker;
  let ledger: UsageMeter;

  beforeAll(async () => {
    upstream = await startUpstream(speakAllApis({ words: WORDS, pauseMs: 20 }));
    worker = await startWorkerd({
      entry: "test/ai-sdk/worker.ts",
      env: {
        UPSTREAM_URL: upstream.url,
        REST_URL: inject("restUrl"),
        REST_TOKEN: inject("restToken"),
        NAMESPACE: namespace,
      },
    });
    ledger = new UsageMeter({
      redisUrl: inject("redisUrl"),
      namespace,
      scope: "worker",
      budgets: [{ window: "total", usd: 1 }],
    });
  }, 60_000);
  beforeEach(async () => {
    await ledger.record({ costUsd: 0 });
    await ledger.reset();
  });
  afterAll(async () => {
    await worker?.stop();
    await ledger?.close();
    await upstream?.close();
  });

  const ask = (path: string) => fetch(`${worker.url}${path}`, { method: "POST" });
  const ledgerStates = () =>
    expect.poll(
      async () => {
        const { nanoUsdSpent, usdHeld } = await ledger.getUsage();
        return { nanoUsdSpent, usdHeld };
      },
      { timeout: 5_000 },
    );

  it.each(["/generate", "/stream", "/metered/generate", "/metered/stream"])(
    "counts a call once (%s)",
    async (path) => {
      expect(await (await ask(path)).text()).toBe(WORDS.join(""));
      await ledgerStates().toEqual({ nanoUsdSpent: CALL_NANO_USD, usdHeld: 0 });
    },
  );

  it.each(["/stream", "/metered/stream"])("charges a call whose client leaves (%s)", async (path) => {
    const reader = (await ask(path)).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await expect
      .poll(async () => (await ledger.getUsage()).nanoUsdSpent, { timeout: 5_000 })
      .toBeGreaterThanOrEqual(CALL_NANO_USD);
    await ledgerStates().toMatchObject({ usdHeld: 0 });
  });

  it("answers a denial with its status, and asks nobody", async () => {
    await ledger.record({ costUsd: 1 });
    const asked = upstream.requests.length;
    expect((await ask("/generate")).status).toBe(402);
    expect((await ask("/metered/generate")).status).toBe(402);
    expect(upstream.requests).toHaveLength(asked);
  });
});
