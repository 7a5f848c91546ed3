/** The permissions that docs/redis-layout.md names: they are enough, and each of them is needed. */
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { AgentLimitError } from "../../src/errors.ts";
import { UsageMeter } from "../../src/node.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { redisBench } from "../ledger/benches.ts";
import { STORE_CASES } from "../ledger/cases/index.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

const RULES = documentedRules();
const COMMANDS = RULES.filter((rule) => rule.startsWith("+"));

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  server = await startRedisServer({ password: "admin" });
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

/** The rules after the user's name in the documented line, such as `+evalsha`. */
function documentedRules(): string[] {
  const page = readFileSync(new URL("../../docs/redis-layout.md", import.meta.url), "utf8");
  const line = /^ACL SETUSER agentlimit (.+)$/m.exec(page)?.[1];
  if (line === undefined) throw new Error("docs/redis-layout.md names no ACL user");
  return line.split(" ");
}

/** A transport of a user who has these rules and nothing else. */
async function transportUnder(rules: string[]) {
  const user = `user-${crypto.randomUUID()}`;
  await admin.call(
    "ACL",
    "SETUSER",
    user,
    ...rules.map((rule) => (rule.startsWith(">") ? ">password" : rule)),
  );
  const transport = tcpTransport(`redis://${user}:password@127.0.0.1:${server.port}/1`);
  onTestFinished(() => transport.close?.());
  return transport;
}

/** What the suite says of the first case that fails. */
async function firstFailure(rules: string[]): Promise<unknown> {
  const transport = await transportUnder(rules);
  // What another user loaded would run without +eval.
  await admin.script("FLUSH");
  const behind = new Redis(`${server.url}/1`);
  onTestFinished(() => behind.disconnect());
  for (const { run } of STORE_CASES) {
    try {
      await run(redisBench(transport, behind));
    } catch (error) {
      return error;
    }
  }
  // All cases bring a clock of their own; this one asks the server's.
  return usage(rules).catch((error: unknown) => error);
}

async function usage(rules: string[]): Promise<undefined> {
  const store = redisStore(await transportUnder(rules));
  const meter = new UsageMeter({ store, agentId: "a", namespace: "acl" });
  await meter.record({ costUsd: "0.5" });
}

describe("A user with exactly the documented permissions", () => {
  it("may do all that the ledger does, in any database", async () => {
    expect(await firstFailure(RULES)).toBeUndefined();
  });

  it.each(COMMANDS)("needs %s", async (command) => {
    const failure = await firstFailure(RULES.filter((rule) => rule !== command));
    expect(failure).toBeInstanceOf(AgentLimitError);
    expect(String(failure)).toMatch(/permissions|refuses TIME/);
  });

  it("reads and writes no key of anybody else", async () => {
    const rules = RULES.map((rule) => (rule.startsWith("~") ? "~other:*" : rule));
    expect(String(await firstFailure(rules))).toMatch(/permissions/);
  });
});
