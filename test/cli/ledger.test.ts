import { describe, expect, inject, it, onTestFinished } from "vitest";
import { withLedger } from "../../src/cli/connect.ts";
import { freePort, startRedisServer } from "../support/redis-server.ts";
import { agentlimit, freshNamespace, ONE_LINE } from "./command.ts";

const SECRET = "hunter2-very-secret";

describe("The ledger", () => {
  const upstash = {
    UPSTASH_REDIS_REST_URL: "https://name.upstash.io",
    UPSTASH_REDIS_REST_TOKEN: SECRET,
  };
  const addressFor = (flags: object, environment: Record<string, string> = {}) =>
    withLedger(flags, environment, async ({ address }) => address);

  it("is the one of --redis, else Upstash's two variables, else redis://localhost:6379", async () => {
    expect(await addressFor({})).toBe("redis://localhost:6379");
    expect(await addressFor({}, upstash)).toBe("https://name.upstash.io");
    expect(await addressFor({ redis: "redis://h" }, upstash)).toBe("redis://h:6379");
    expect(await addressFor({ redis: "https://other.upstash.io", token: "t" }, upstash)).toBe(
      "https://other.upstash.io",
    );
    expect(await addressFor({}, { UPSTASH_REDIS_REST_URL: "", UPSTASH_REDIS_REST_TOKEN: "" })).toBe(
      "redis://localhost:6379",
    );
    expect(await addressFor({}, { REDIS_URL: "redis://h" })).toBe("redis://localhost:6379");
  });

  it("takes the token from the flag, else from its variable", async () => {
    expect(await addressFor({ redis: "https://rest.example" }, { UPSTASH_REDIS_REST_TOKEN: SECRET })).toBe(
      "https://rest.example",
    );
    expect(await addressFor({ token: "t" }, { UPSTASH_REDIS_REST_URL: "https://rest.example" })).toBe(
      "https://rest.example",
    );
    await expect(addressFor({ redis: "https://rest.example" })).rejects.toThrow(
      /needs its token: --token, or/,
    );
  });

  it("is not the default when only a half of Upstash's settings is there", async () => {
    const { UPSTASH_REDIS_REST_TOKEN, UPSTASH_REDIS_REST_URL } = upstash;
    await expect(addressFor({}, { UPSTASH_REDIS_REST_TOKEN })).rejects.toThrow(/without an address/);
    await expect(addressFor({ token: SECRET })).rejects.toThrow(/without an address/);
    await expect(addressFor({}, { UPSTASH_REDIS_REST_URL })).rejects.toThrow(/needs its token/);
  });

  it("is shown without user, password and query", async () => {
    expect(await addressFor({ redis: `rediss://user:${SECRET}@h:7000/2?family=6` })).toBe(
      "rediss://h:7000/2",
    );
    expect(await addressFor({ redis: `redis://:${SECRET}@[::1]` })).toBe("redis://[::1]:6379");
  });

  it("is reached by Upstash's two variables alone", async () => {
    const variables = {
      UPSTASH_REDIS_REST_URL: inject("restUrl"),
      UPSTASH_REDIS_REST_TOKEN: inject("restToken"),
    };
    const { code, stdout } = await agentlimit(
      ["status", "--agent", "a", "--namespace", freshNamespace()],
      variables,
    );
    expect(stdout).toContain(`${inject("restUrl")}, namespace`);
    expect(stdout).not.toContain(inject("restToken"));
    expect(code).toBe(0);
  });
});

describe("A ledger that can't be reached", () => {
  /** How long the command takes where nothing is wrong. */
  const usualMs = async () =>
    (await agentlimit(["status", "--agent", "a", "--redis", inject("redisUrl")])).ownMs;

  it.each(["status", "reset"])(
    "ends `%s` with one line, exit code 1, soon, and no password",
    async (command) => {
      const port = await freePort();
      const usual = await usualMs();
      for (const flags of [
        ["--redis", `redis://user:${SECRET}@127.0.0.1:${port}`],
        ["--redis", `http://127.0.0.1:${port}`, "--token", SECRET],
      ]) {
        const { code, stdout, stderr, ownMs } = await agentlimit([command, "--agent", "a", ...flags]);
        expect(stderr).toMatch(ONE_LINE);
        expect(stderr).toContain(`://127.0.0.1:${port}: `);
        expect(stderr).toContain("can't be reached");
        expect(stderr).toContain("within 1000 ms");
        expect(stderr).not.toMatch(/\bid\b/);
        expect(stderr).not.toContain(SECRET);
        expect([code, stdout]).toEqual([1, ""]);
        expect(ownMs - usual).toBeLessThan(1700);
      }
    },
  );

  it("is no different when it accepts the connection and then says nothing", async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.stop());
    const usual = await usualMs();
    server.pause();
    const { code, stderr, ownMs } = await agentlimit(["status", "--agent", "a", "--redis", server.url]);
    expect(stderr).toBe(`agentlimit: ${server.url}: The store did not answer within 1000 ms.\n`);
    expect(code).toBe(1);
    expect(ownMs - usual).toBeLessThan(1700);
  });

  it("is no different when it refuses the password or the token", async () => {
    const server = await startRedisServer({ password: "right-password" });
    onTestFinished(() => server.stop());
    const outcomes = await Promise.all([
      agentlimit(["status", "--agent", "a", "--redis", `redis://:${SECRET}@127.0.0.1:${server.port}`]),
      agentlimit(["status", "--agent", "a", "--redis", inject("restUrl"), "--token", SECRET]),
      agentlimit(["reset", "--agent", "a", "--redis", inject("restUrl")], {
        UPSTASH_REDIS_REST_TOKEN: SECRET,
      }),
    ]);
    for (const { code, stdout, stderr } of outcomes) {
      expect(stderr).toMatch(ONE_LINE);
      expect(stderr).toContain("refused the token, the password or their permissions");
      expect(stderr).not.toContain(SECRET);
      expect([code, stdout]).toEqual([1, ""]);
    }
    const { code } = await agentlimit(["status", "--agent", "a", "--redis", server.url]);
    expect(code).toBe(0);
  });
});
