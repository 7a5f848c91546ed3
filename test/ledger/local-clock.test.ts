/** Months, daylight saving and steps back by the caller's clock: a Redis without TIME beside the store in memory. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore } from "../../src/ledger/backed-store.ts";
import type { Budget } from "../../src/ledger/budgets.ts";
import type { LedgerBackend } from "../../src/ledger/command-runner.ts";
import type { LedgerCommand } from "../../src/ledger/commands.ts";
import { canonicalLimits } from "../../src/ledger/limits.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import type { ChainLink, Standing, Store } from "../../src/ledger/store.ts";
import { RedisBackend } from "../../src/redis/redis-store.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import type { ScriptTransport } from "../../src/redis/transport.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { dumpMemory, dumpRedis } from "../support/state-dump.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const CENT = 10_000_000;
const WEEKS_SECONDS = 30 * 86_400;

let server: RedisServer;
let transport: ScriptTransport;
let client: Redis;

beforeAll(async () => {
  server = await startRedisServer({ args: ["--rename-command", "TIME", ""] });
  transport = tcpTransport(server.url);
  client = new Redis(server.url);
});

afterAll(async () => {
  await transport?.close?.();
  client?.disconnect();
  await server?.stop();
});

/** Between steps the clock goes on by so much, or back; `0` of a walk is the moment that it is about. */
const WALK = [
  -3 * HOUR,
  -HOUR,
  -20 * MINUTE,
  -SECOND,
  0,
  -200 * SECOND,
  SECOND,
  MINUTE,
  -HOUR,
  30 * MINUTE,
  59 * MINUTE,
  HOUR,
  90 * MINUTE,
  2 * HOUR,
  HOUR,
  3 * HOUR,
  22 * HOUR,
  23 * HOUR - SECOND,
  23 * HOUR,
  22 * HOUR,
  24 * HOUR - SECOND,
  24 * HOUR,
  25 * HOUR - SECOND,
  25 * HOUR,
  26 * HOUR,
];

describe("By the caller's clock, on a server without TIME, the ledger answers as in memory", () => {
  it.each([
    ["America/New_York goes forward", "America/New_York", "2026-03-08T07:00Z"],
    ["America/New_York goes back", "America/New_York", "2026-11-01T06:00Z"],
    ["Europe/Berlin goes back, before a month's end", "Europe/Berlin", "2027-10-31T01:00Z"],
    ["Australia/Lord_Howe goes forward by half an hour", "Australia/Lord_Howe", "2026-10-03T15:30Z"],
    ["Australia/Lord_Howe goes back by half an hour", "Australia/Lord_Howe", "2026-04-04T15:00Z"],
    ["America/Sao_Paulo skips a midnight", "America/Sao_Paulo", "2018-11-04T03:00Z"],
    ["Africa/Cairo skips a midnight", "Africa/Cairo", "2026-04-23T22:00Z"],
    ["America/St_Johns has a midnight twice", "America/St_Johns", "2010-11-07T02:31Z"],
    ["Pacific/Apia skips a day", "Pacific/Apia", "2011-12-30T10:00Z"],
    ["Asia/Kathmandu's year ends", "Asia/Kathmandu", "2026-12-31T18:15Z"],
    ["Asia/Tokyo's leap day begins", "Asia/Tokyo", "2028-02-28T15:00Z"],
    ["America/New_York's leap day ends", "America/New_York", "2028-03-01T05:00Z"],
    ["a short February ends in UTC", "UTC", "2027-03-01T00:00Z"],
    ["a month ends in UTC", "UTC", "2026-12-01T00:00Z"],
  ])("when %s", async (_event, timeZone, moment) => {
    const clock = { nowMs: 0 };
    const now = () => clock.nowMs;
    const memory = new MemoryBackend({ now });
    const stores = [memory, new RedisBackend(transport, { localClock: now })].map(createStore);
    const namespace = `walk-${crypto.randomUUID().slice(0, 8)}`;
    const starts = new Map<string, number[]>();
    for (const [place, sinceMoment] of WALK.entries()) {
      clock.nowMs = Date.parse(moment) + sinceMoment;
      for (const step of stepsOf({ namespace, timeZone, place })) {
        const [expected, answer] = await Promise.all(stores.map(step));
        expect(answer, `step ${place}`).toEqual(expected);
        if (expected !== undefined) noteStarts(starts, expected);
      }
    }
    expect(await dumpRedis(client, namespace)).toEqual(dumpMemory(memory, namespace));
    for (const [window, all] of starts) {
      expect(all, `${window} reopens nothing`).toEqual(all.toSorted((a, b) => a - b));
      if (window.includes("/day") || window.includes("/hour")) expect(new Set(all).size).toBeGreaterThan(1);
    }
  });
});

interface Place {
  namespace: string;
  timeZone: string;
  place: number;
}

/** A hold, spend, the settle of a hold from two steps before, and a reader without a list. */
function stepsOf({ namespace, timeZone, place }: Place): ((store: Store) => Promise<Standing>)[] {
  const chain = chainOf(timeZone, place);
  const base = { namespace, chain, retentionSeconds: WEEKS_SECONDS, argumentsHash: "h" };
  const requested = { nanoUsd: 30 * CENT, tokens: 10, requests: 1 };
  const actual = { nanoUsd: 20 * CENT, tokens: 7, requests: 1 };
  return [
    (store) =>
      store.reserve({
        ...base,
        id: `hold-${place}`,
        attempt: `attempt-${place}`,
        requested,
        expiresInSeconds: place % 2 === 0 ? 93_600 : 120,
      }),
    (store) => store.record({ ...base, id: `record-${place}`, actual, alertThresholds: [0.5, 1] }),
    (store) =>
      store.settle({
        ...base,
        chain: chainOf(timeZone, place - 2),
        id: `hold-${place - 2}`,
        source: "reported",
        actual,
        alertThresholds: [0.5, 1],
      }),
    (store) => store.check({ namespace, chain: chain.map(({ scope }) => ({ scope })), requested }),
  ];
}

/** Two versions of the code alternate: the second one leaves the week out. */
function chainOf(timeZone: string, place: number): ChainLink[] {
  const week: Budget = { window: "week", usd: 9, timeZone, anchor: "2026-01-07" };
  const user: Budget[] = [
    { window: "hour", usd: "0.9", timeZone },
    { window: "day", usd: 3, timeZone },
    { window: "month", usd: 20, timeZone, anchor: "2026-01-31" },
  ];
  const org: Budget[] = [
    { window: "minute", requests: 9 },
    { window: "month", usd: 50, timeZone },
    { window: "total", tokens: 5_000 },
  ];
  const older = Math.floor(place / 3) % 2 === 0;
  return [
    { scope: "user:1", limits: canonicalLimits(older ? [...user, week] : user) },
    { scope: "org:acme", limits: canonicalLimits(org) },
  ];
}

function noteStarts(starts: Map<string, number[]>, { accounts }: Standing): void {
  for (const { scope, windows } of accounts) {
    for (const { window, startMs } of windows) {
      const key = `${scope}/${window}`;
      starts.set(key, [...(starts.get(key) ?? []), startMs]);
    }
  }
}

describe("Callers whose zone data differ", () => {
  it.each(["memory", "Redis"])(
    "do not reopen a window in %s: it rolls when the stored one has ended",
    async (where) => {
      const midnight = Date.parse("2026-11-26T05:00Z");
      const clock = { nowMs: midnight - 5 * HOUR };
      const now = () => clock.nowMs;
      const backend =
        where === "memory" ? new MemoryBackend({ now }) : new RedisBackend(transport, { localClock: now });
      const here = createStore(backend);
      const elsewhere = createStore(withOtherZoneData(backend));
      const namespace = `differ-${crypto.randomUUID().slice(0, 8)}`;
      const limits = canonicalLimits([{ window: "day", usd: 1, timeZone: "America/New_York" }]);
      let calls = 0;
      const reserve = async (store: Store): Promise<string> => {
        calls += 1;
        const answer = await store.reserve({
          namespace,
          chain: [{ scope: "user:1", limits }],
          id: `call-${calls}`,
          argumentsHash: "h",
          retentionSeconds: WEEKS_SECONDS,
          attempt: `attempt-${calls}`,
          requested: { nanoUsd: 60 * CENT, tokens: 0, requests: 1 },
          expiresInSeconds: 600,
        });
        return answer.outcome;
      };

      expect(await reserve(here)).toBe("held");
      // Elsewhere the day ends an hour early; the one that is stored goes on.
      clock.nowMs = midnight - 30 * MINUTE;
      for (const store of [elsewhere, here, elsewhere]) expect(await reserve(store)).toBe("denied");
      clock.nowMs = midnight;
      expect(await reserve(elsewhere)).toBe("held");
      for (const store of [here, elsewhere]) expect(await reserve(store)).toBe("denied");
      // That one was rolled to the other's bounds, and lasts until those end.
      clock.nowMs = midnight + 23 * HOUR - SECOND;
      for (const store of [here, elsewhere]) expect(await reserve(store)).toBe("denied");
      clock.nowMs = midnight + 23 * HOUR;
      expect(await reserve(elsewhere)).toBe("held");
      clock.nowMs = midnight + 24 * HOUR;
      for (const store of [here, elsewhere]) expect(await reserve(store)).toBe("denied");
    },
  );

  /** The same backend for a caller to whom every day of New York begins and ends an hour earlier. */
  function withOtherZoneData(backend: LedgerBackend): LedgerBackend {
    const hourSeconds = HOUR / SECOND;
    const nowMs = () => (backend.now ?? Date.now)();
    const other = (text: string | undefined): string | undefined =>
      text?.replace(/(day@America\/New_York) (\d+) (\d+) /, (_entry, name, start, end) => {
        const isNext = nowMs() / SECOND >= Number(end) - hourSeconds;
        const shift = isNext ? 23 * hourSeconds : -hourSeconds;
        return `${name} ${Number(start) + shift} ${Number(end) + shift} `;
      });
    return {
      now: nowMs,
      execute(namespace, command, elapsedMs) {
        return backend.execute(namespace, withBounds(command, other), elapsedMs);
      },
    };
  }

  function withBounds(
    command: LedgerCommand,
    change: (text: string | undefined) => string | undefined,
  ): LedgerCommand {
    if (command.kind !== "reserve") return command;
    const scopes = command.scopes.map((sent) => {
      return { ...sent, list: change(sent.list), bounds: change(sent.bounds) };
    });
    return { ...command, scopes };
  }
});
