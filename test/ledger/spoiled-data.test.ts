/** Stored data that is not what agentlimit wrote: every operation that reads it refuses, says what and where, and writes nothing. */
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { StoreDataError } from "../../src/errors.ts";
import { canonicalLimits } from "../../src/ledger/limits.ts";
import type { Store } from "../../src/ledger/store.ts";
import { prefix } from "../../src/redis/keys.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import type { StateDump } from "../support/state-dump.ts";
import { DAY, MINUTE } from "./cases/bench.ts";
import { type SpoiledLedger, spoiledMemory, spoiledRedis } from "./spoiled-ledgers.ts";

const client = new Redis(inject("redisUrl"));
const transport = tcpTransport(inject("redisUrl"));
afterAll(async () => {
  await transport.close?.();
  await client.quit();
});

const USER = "user:one";
const IDLE_SECONDS = 400 * 86_400;
const amounts = { nanoUsd: 1_000, tokens: 10, requests: 1 };
const dayOfADollar = canonicalLimits([{ window: "day", usd: 1 }]) ?? [];

/** Operations on the user's account by the words of their ids. */
function operations(store: Store, namespace: string) {
  const chain = [{ scope: USER, limits: dayOfADollar }];
  const base = (id: string) => ({
    namespace,
    chain,
    id,
    argumentsHash: "hash",
    retentionSeconds: 30 * 86_400,
  });
  const closing = { actual: amounts, model: "maker/model", tokenKinds: [10], alertThresholds: [] };
  return {
    reserve: (id: string) =>
      store.reserve({ ...base(id), attempt: id, requested: amounts, expiresInSeconds: 600 }),
    settle: (id: string, source: "reported" | "estimated" = "reported") =>
      store.settle({ ...base(id), ...closing, source }),
    release: (id: string, attempt?: string) => store.release({ ...base(id), attempt }),
    record: (id: string) => store.record({ ...base(id), ...closing }),
    check: () => store.check({ namespace, chain, requested: amounts }),
    history: () => store.history({ namespace, scope: USER, by: "hour", fromMs: 0, toMs: 2e12 }),
    reset: (id: string) => store.reset(base(id)),
    pause: (id: string) => store.pause(base(id)),
    resume: (id: string) => store.resume(base(id)),
    storeLimits: (id: string) => store.storeLimits({ ...base(id), limits: dayOfADollar }),
  };
}

/** An account with every kind of field, and an operation of every kind. @param idleSeconds left out: it stays for good. */
async function fill(ledger: SpoiledLedger, idleSeconds?: number): Promise<StateDump> {
  const { store, namespace, clock } = ledger;
  const call = operations(store, namespace);
  const base = { namespace, argumentsHash: "hash", retentionSeconds: 86_400 };
  const hour = canonicalLimits([{ window: "hour", usd: 1 }]);
  const chain = [{ scope: USER, limits: hour, forgetAfterIdleSeconds: idleSeconds }];
  await store.record({
    ...base,
    chain,
    id: "first",
    actual: amounts,
    model: "maker/model",
    alertThresholds: [],
  });
  clock.nowMs += 16 * DAY;
  await store.record({ ...base, chain, id: "second", actual: amounts, alertThresholds: [] });
  await call.reserve("held");
  await call.reserve("estimated");
  await call.settle("estimated", "estimated");
  await call.record("recorded");
  await call.release("tombstone", "mine");
  await call.resume("resumed");
  return ledger.dump();
}

/** What every operation does that opens the account. */
const ON_THE_ACCOUNT: Record<string, (call: ReturnType<typeof operations>) => Promise<unknown>> = {
  reserve: (call) => call.reserve("new"),
  "reserve again": (call) => call.reserve("held"),
  settle: (call) => call.settle("held"),
  "settle an estimate": (call) => call.settle("estimated"),
  release: (call) => call.release("held"),
  record: (call) => call.record("new"),
  check: (call) => call.check(),
  history: (call) => call.history(),
  reset: (call) => call.reset("new"),
  pause: (call) => call.pause("new"),
  resume: (call) => call.resume("new"),
  storeLimits: (call) => call.storeLimits("new"),
};
const ALL = Object.keys(ON_THE_ACCOUNT);

/** Which operations read a field of the filled account, and so must refuse it. */
function readersOf(field: string): string[] {
  if (field.startsWith("x:")) return ["reserve", "settle", "release"];
  if (field.startsWith("H:")) return ["settle", "settle an estimate", "record", "history"];
  if (field.startsWith("D:")) return ["history"];
  return field === "pr" ? [] : ALL;
}

/** @throws AssertionError unless the operation refuses what it finds, names the place, and changes nothing. */
async function expectRefusal(
  ledger: SpoiledLedger,
  spoiled: StateDump,
  { name, names }: { name: string; names: string[] },
) {
  await ledger.restore(spoiled);
  const before = await ledger.dump();
  const run = ON_THE_ACCOUNT[name];
  const error = await run?.(operations(ledger.store, ledger.namespace)).catch((thrown: unknown) => thrown);
  expect(error, name).toBeInstanceOf(StoreDataError);
  for (const part of names) expect((error as Error).message, name).toContain(part);
  expect(await ledger.dump(), name).toEqual(before);
}

function withField(dump: StateDump, field: string, text: string): StateDump {
  return { ...dump, accounts: { ...dump.accounts, [USER]: { ...dump.accounts[USER], [field]: text } } };
}

/** The text with each of its numbers replaced in turn. */
function withoutOneNumber(text: string): string[] {
  return [...text.matchAll(/(?<![\w.-])\d+(?![\w.-])/g)].map(
    ({ index, 0: number }) => `${text.slice(0, index)}abc${text.slice(index + number.length)}`,
  );
}

describe.each([
  ["memory", spoiledMemory],
  ["Redis", () => spoiledRedis(transport, client)],
])("A ledger in %s", (_name, make) => {
  it("has every kind of field to be spoiled", async () => {
    const { accounts, operations: kept } = await fill(make(), IDLE_SECONDS);
    const fields = Object.keys(accounts[USER] ?? {}).map((field) => field.replace(/\d+/, "N"));
    expect([...new Set(fields)].sort()).toEqual(["D:N", "H:N", "c", "idle", "o", "s", "w", "x:N"]);
    const kinds = Object.values(kept).map((text) => text.split(" ", 1)[0]);
    expect([...new Set(kinds)].sort()).toEqual(["admin", "gone", "hold", "record"]);
  });

  it("refuses any field of an account that reads abc, or has abc for any number in it", async () => {
    const ledger = make();
    const filled = await fill(ledger, IDLE_SECONDS);
    for (const [field, good] of Object.entries(filled.accounts[USER] ?? {})) {
      for (const text of ["abc", "", ...withoutOneNumber(good)]) {
        for (const name of readersOf(field)) {
          await expectRefusal(ledger, withField(filled, field, text), { name, names: [USER, field] });
        }
      }
    }
  });

  it("refuses an operation that reads abc, or has abc for any number in it", async () => {
    const ledger = make();
    const filled = await fill(ledger);
    for (const [id, readers] of [
      ["held", ["reserve again", "settle", "release"]],
      ["estimated", ["settle an estimate"]],
    ] as const) {
      for (const text of ["abc", "", ...withoutOneNumber(filled.operations[id] ?? "")]) {
        const spoiled = { ...filled, operations: { ...filled.operations, [id]: text } };
        for (const name of readers) await expectRefusal(ledger, spoiled, { name, names: [id] });
      }
    }
  });

  it("refuses what is due and reads abc, in every operation that charges it", async () => {
    const ledger = make();
    const filled = await fill(ledger);
    const field = Object.keys(filled.accounts[USER] ?? {}).find((name) => name.startsWith("x:")) ?? "";
    ledger.clock.nowMs += 15 * MINUTE;
    for (const name of ["reserve", "record", "check", "history", "reset", "pause", "resume", "storeLimits"])
      await expectRefusal(ledger, withField(filled, field, "abc"), { name, names: [USER, field] });
  });

  it("refuses a newer layout", async () => {
    const ledger = make();
    const filled = await fill(ledger);
    const newer = (filled.accounts[USER]?.c ?? "").replace(/^1 /, "2 ");
    for (const name of ALL) {
      await expectRefusal(ledger, withField(filled, "c", newer), { name, names: [USER, "newer"] });
    }
  });

  it("refuses an account that was evicted", async () => {
    const ledger = make();
    const filled = await fill(ledger);
    const evicted = { ...filled, accounts: {}, index: { ...filled.index, [USER]: "1" } };
    for (const name of ALL.filter((each) => each !== "reset")) {
      if (name !== "reserve again") await expectRefusal(ledger, evicted, { name, names: [USER, "vanished"] });
    }
  });
});

describe("A ledger in Redis", () => {
  it.each(["s:user:one", "i:new", "i:held", "meta", "log"])(
    "refuses a key of another type at %s",
    async (key) => {
      const ledger = spoiledRedis(transport, client);
      const filled = await fill(ledger);
      const isNew = key === "meta";
      const readers: Record<string, string[]> = {
        "s:user:one": ALL,
        "i:new": ["reserve", "record", "reset", "pause", "resume", "storeLimits"],
        "i:held": ["reserve again", "settle", "release"],
        meta: ["reserve", "record", "check", "history", "reset", "pause"],
        log: ["reset", "pause", "resume", "storeLimits"],
      };
      for (const name of readers[key] ?? []) {
        await ledger.restore(isNew ? { ...filled, accounts: {} } : filled);
        const whole = `${prefix(ledger.namespace)}${key}`;
        await client.del(whole);
        await (key === "i:new" || key === "i:held" ? client.rpush(whole, "abc") : client.set(whole, "abc"));
        const before = await everyKey(ledger.namespace);
        const run = ON_THE_ACCOUNT[name];
        const error = await run?.(operations(ledger.store, ledger.namespace)).catch(
          (thrown: unknown) => thrown,
        );
        expect(error, name).toBeInstanceOf(StoreDataError);
        expect((error as Error).message, name).toContain(whole);
        expect(await everyKey(ledger.namespace), name).toEqual(before);
      }
    },
  );
});

async function everyKey(namespace: string): Promise<Record<string, unknown>> {
  const keys = (await client.keys(`${prefix(namespace)}*`)).sort();
  const values = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
  return Object.fromEntries(keys.map((key, place) => [key, values[place]?.toString("base64")]));
}
