/** `examples/stand-in.ts`: any example on one machine, with no key and no account, over a plain Redis. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { freePort, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startUpstream } from "../support/upstream.ts";
import { packageCommand, runToEnd, startServer } from "./child-process.ts";

const node = packageCommand("node");
const SAID = "A model on your own machine says this.";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedisServer();
});
afterAll(() => redis?.stop());

describe("examples/stand-in.ts", () => {
  it("runs an edge function, whose ledger goes through the bridge into Redis", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const example = await startServer(
      [
        node,
        "examples/stand-in.ts",
        node,
        "examples/edge-function.ts",
        "examples/ai-sdk/api/chat.ts",
        `${port}`,
      ],
      { url, env: { REDIS_URL: redis.url } },
    );
    await using ledger = new UsageMeter({ redisUrl: redis.url, scope: "app:chat" });
    const response = await fetch(`${url}/api/chat`, {
      method: "POST",
      headers: { "x-user-id": "ada" },
      body: "Hello",
    });
    expect(await response.text()).toBe(SAID);
    await expect.poll(() => ledger.getUsage()).toMatchObject({ usdHeld: 0, monthlyBudgetUsd: 200 });
    expect((await ledger.getUsage()).nanoUsdSpent).toBeGreaterThan(0);
    await example.stop();
  });

  it("plays Anthropic's models, too", async () => {
    const { exitCode, stdout, stderr } = await runToEnd(
      [node, "examples/stand-in.ts", node, "examples/node-anthropic/ask.ts"],
      { REDIS_URL: redis.url },
    );
    expect(stdout).toBe(`${SAID}\n`);
    expect(stderr).toMatch(/^\$0\.0000\d+ spent this month/);
    expect(exitCode).toBe(0);
  });

  it("leaves the model to the caller's own key where it is told so", async () => {
    const upstream = await startUpstream();
    const { stdout } = await runToEnd(
      [node, "examples/stand-in.ts", "--own-model", node, "examples/node-openai/ask.ts"],
      { REDIS_URL: redis.url, OPENAI_API_KEY: "test-key", OPENAI_BASE_URL: `${upstream.url}/v1` },
    );
    expect(stdout).toBe("One two thrée\n");
    expect(upstream.requests).toHaveLength(1);
    await upstream.close();
  });

  it("says in one line which Redis it needs", async () => {
    const env = { REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
    const { exitCode, stderr } = await runToEnd([node, "examples/stand-in.ts", node, "--version"], env);
    expect(stderr).toMatch(/^stand-in: Start redis-server, or set REDIS_URL .+\n$/);
    expect(exitCode).toBe(1);
  });

  it.each([[], ["no-such-command"], ["--own-model"]])(
    "ends with 2 and one line for a wrong command line: %j",
    async (...command) => {
      const env = { REDIS_URL: redis.url };
      const { exitCode, stderr } = await runToEnd([node, "examples/stand-in.ts", ...command], env);
      expect(stderr).toMatch(/^stand-in: .+\n$/);
      expect(exitCode).toBe(2);
    },
  );
});
