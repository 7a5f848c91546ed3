/** The team of agents, run by Node: what ends it, and what it may spend. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Reply, speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";
import { packageCommand, runToEnd } from "./child-process.ts";

let redis: RedisServer;
let upstream: Upstream;
let app: UsageMeter;

beforeEach(async () => {
  redis = await startRedisServer();
  upstream = await startUpstream();
  app = new UsageMeter({ redisUrl: redis.url, scope: "app:research" });
});
afterEach(async () => {
  await app.close();
  await upstream.close();
  await redis.stop();
});

const run = () =>
  runToEnd([packageCommand("node"), "examples/agent-team/research.ts", "Why?"], {
    OPENAI_API_KEY: "test-key",
    OPENAI_BASE_URL: `${upstream.url}/v1`,
    REDIS_URL: redis.url,
  });

/** Answers with 200 tokens, and counts a token for four characters of the messages. */
function endless(): { reply: (request: { body: unknown }) => Reply; nanoUsd(): number } {
  let nanoUsd = 0;
  return {
    reply({ body }) {
      const inputTokens = Math.ceil(JSON.stringify(Object(body).messages).length / 4);
      nanoUsd += inputTokens * 150 + 200 * 600;
      return { inputTokens, outputTokens: 200, words: ["Another ", "fact."] };
    },
    nanoUsd: () => nanoUsd,
  };
}

describe("examples/agent-team/research.ts", () => {
  it("ends by itself when its agents are done, each call counted for the run and the app", async () => {
    upstream.answer = speakBothApis({ words: ["All said. ", "DONE"] });
    const { exitCode, stdout, stderr } = await run();
    expect(stderr).toBe("The run has spent $0.000009 of $0.02\n");
    expect(stdout.match(/All said/g)).toHaveLength(3);
    expect(exitCode).toBe(0);
    expect(await app.getUsage()).toMatchObject({ nanoUsdSpent: 3 * 2_850, usdHeld: 0 });
  });

  it("is stopped at the run's budget when they never are, with nothing sent beyond it", async () => {
    const server = endless();
    upstream.answer = speakBothApis(server.reply);
    const { exitCode, stdout, stderr } = await run();
    expect(stderr).toMatch(/^Stopped: Budget exceeded: run:\S+ has spent \$0\.0\d+.* of its \$0\.02 total/);
    expect(stdout).toContain("researcher: Another fact.");
    expect(exitCode).toBe(0);
    const { nanoUsdSpent, usdHeld } = await app.getUsage();
    expect({ nanoUsdSpent, usdHeld }).toEqual({ nanoUsdSpent: server.nanoUsd(), usdHeld: 0 });
    expect(nanoUsdSpent).toBeGreaterThan(18_000_000);
    expect(nanoUsdSpent).toBeLessThanOrEqual(20_000_000);
  });

  it("runs with no key and no account against a model on this machine", async () => {
    const node = packageCommand("node");
    const { exitCode, stdout, stderr } = await runToEnd(
      [node, "examples/stand-in.ts", node, "examples/agent-team/research.ts"],
      { REDIS_URL: redis.url },
    );
    expect(stdout).toContain("writer: A model on your own machine says this.");
    expect(stderr).toContain("Stopped: Budget exceeded: run:");
    expect(exitCode).toBe(0);
  });

  it("fails for what is no budget", async () => {
    upstream.answer = speakBothApis();
    redis.pause();
    const { exitCode, stderr } = await run();
    redis.resume();
    expect(stderr).toContain("STORE_UNAVAILABLE");
    expect(exitCode).toBe(1);
    expect(upstream.requests).toEqual([]);
  });
});
