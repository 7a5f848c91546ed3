/** What a scope has spent over time, as its reader tells it. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import type { HistoryAnswer, HistoryOperation } from "../../../src/ledger/store.ts";
import {
  type Bench,
  CENT,
  check,
  DAY,
  DOLLAR,
  fresh,
  HOUR,
  link,
  MINUTE,
  promise,
  reserve,
  START_MS,
  type StoreCase,
  settle,
  usd,
} from "./bench.ts";

const user = [link("user:1"), link("org:acme")];

/** Records 10 tokens a call: 7 input, 3 output. */
async function call(bench: Bench, nanoUsd: number, model: string): Promise<void> {
  const actual = { nanoUsd, tokens: 10, requests: 1 };
  const operation = { namespace: bench.namespace, chain: user, id: fresh(), argumentsHash: "hash" };
  const usage = { actual, model, tokenKinds: [7, 0, 0, 0, 3], alertThresholds: [] };
  await bench.store.record({ ...operation, ...usage, retentionSeconds: 900 });
}

function history(bench: Bench, options: Partial<HistoryOperation> = {}): Promise<HistoryAnswer> {
  const range = { fromMs: START_MS - DAY, toMs: START_MS + 500 * DAY, by: "hour" as const };
  return bench.store.history({ namespace: bench.namespace, scope: "org:acme", ...range, ...options });
}

/** Each entry as one line, under the start of its period. */
function lines({ periods }: HistoryAnswer): [string, ...string[]][] {
  return periods.map(({ startMs, endMs, entries }) => [
    `${new Date(startMs).toISOString().slice(0, 16)} +${(endMs - startMs) / HOUR} h`,
    ...entries.map(
      ({ provider, model, source, calls, nanoUsd, tokens, tokenKinds }) =>
        `${provider}/${model} ${source} ${calls} ${nanoUsd / CENT} ct ${tokens} [${tokenKinds}]`,
    ),
  ]);
}

export const HISTORY_READER_CASES: StoreCase[] = promise("history tells what was spent, when, and by what", {
  "what more models than sixteen spent as an overflow, apart from a model that is called *": async (
    bench,
  ) => {
    for (let number = 1; number <= 15; number += 1) await call(bench, CENT, `openai/m${number}`);
    await call(bench, 2 * CENT, "openai/*");
    await call(bench, 3 * CENT, "-/late");
    await call(bench, 4 * CENT, "openai/*");
    await call(bench, 5 * CENT, "-/*");
    for (const by of ["hour", "day"] as const) {
      const [{ entries = [] } = {}] = (await history(bench, { by })).periods;
      deepEqual(
        entries
          .slice(15)
          .map(({ provider, model, overflow, nanoUsd }) => [provider, model, overflow, nanoUsd]),
        [
          ["openai", "*", undefined, 6 * CENT],
          [null, null, true, 8 * CENT],
        ],
      );
    }
  },
  "by the hour, model and source, estimated apart from reported": async (bench) => {
    await call(bench, CENT, "openai/gpt-4o");
    await call(bench, CENT, "openai/gpt-4o");
    await call(bench, 3 * CENT, "anthropic/claude%2Fx");
    await reserve(bench, user, usd(5 * CENT), { id: "a" });
    await settle(bench, user, "a", undefined, { source: "estimated", model: "openai/gpt-4o" });
    bench.advance(HOUR);
    await call(bench, CENT, "openai/gpt-4o");
    deepEqual(lines(await history(bench)), [
      [
        "2026-11-25T10:00 +1 h",
        "openai/gpt-4o reported 2 2 ct 20 [14,0,0,0,6]",
        "anthropic/claude/x reported 1 3 ct 10 [7,0,0,0,3]",
        "openai/gpt-4o estimated 1 5 ct 0 []",
      ],
      ["2026-11-25T11:00 +1 h", "openai/gpt-4o reported 1 1 ct 10 [7,0,0,0,3]"],
    ]);
  },
  "by the day, the same sums": async (bench) => {
    for (const _ of [1, 2, 3]) {
      await call(bench, CENT, "openai/gpt-4o");
      bench.advance(12 * HOUR);
    }
    deepEqual(lines(await history(bench, { by: "day" })), [
      ["2026-11-25T00:00 +24 h", "openai/gpt-4o reported 2 2 ct 20 [14,0,0,0,6]"],
      ["2026-11-26T00:00 +24 h", "openai/gpt-4o reported 1 1 ct 10 [7,0,0,0,3]"],
    ]);
  },
  "with what expiry charged, whether or not it is swept, in the hour of the expiry": async (bench) => {
    await reserve(
      bench,
      user,
      { nanoUsd: DOLLAR, tokens: 50, requests: 1 },
      { expiresInSeconds: 3600, id: "a" },
    );
    bench.advance(HOUR);
    equal((await history(bench)).periods.length, 0);
    bench.advance(2 * MINUTE);
    const expected = [["2026-11-25T11:00 +1 h", "null/null expired 1 100 ct 50 []"]];
    deepEqual(lines(await history(bench)), expected);
    await reserve(bench, user, usd(0));
    deepEqual(lines(await history(bench)), expected);
    await settle(bench, user, "a", usd(CENT), { model: "openai/gpt-4o" });
    deepEqual(lines(await history(bench)), [["2026-11-25T10:00 +1 h", "openai/gpt-4o reported 1 1 ct 0 []"]]);
  },
  "by the hour for two weeks, by the day for 400 days": async (bench) => {
    await call(bench, CENT, "openai/gpt-4o");
    bench.advance(20 * DAY);
    await call(bench, CENT, "openai/gpt-4o");
    bench.advance(390 * DAY);
    const periods = async () =>
      (await history(bench)).periods.map(({ startMs, endMs }) => [startMs, endMs - startMs]);
    const old = [Date.UTC(2026, 10, 25), DAY];
    deepEqual(await periods(), [old, [Date.UTC(2026, 11, 15, 10), HOUR]]);
    await call(bench, CENT, "openai/gpt-4o");
    deepEqual(await periods(), [
      [Date.UTC(2026, 11, 15), DAY],
      [Date.UTC(2028, 0, 9, 10), HOUR],
    ]);
  },
  "of the hours and days that the range touches": async (bench) => {
    await call(bench, CENT, "openai/gpt-4o");
    bench.advance(HOUR);
    await call(bench, CENT, "openai/gpt-4o");
    const hour = Date.UTC(2026, 10, 25, 10);
    const count = async (fromMs: number, toMs: number, by: "hour" | "day" = "hour") =>
      (await history(bench, { fromMs, toMs, by })).periods.length;
    equal(await count(hour + HOUR - 1, hour + HOUR), 1);
    equal(await count(hour + HOUR - 1, hour + HOUR + 1), 2);
    equal(await count(0, hour), 0);
    equal(await count(hour + 2 * HOUR, hour + DAY), 0);
    equal(await count(hour + 2 * HOUR, hour + 3 * HOUR, "day"), 1);
    equal(await count(0, 253_402_300_800_000, "day"), 1);
  },
  "is empty for a scope that nobody has used, and makes no account": async (bench) => {
    deepEqual((await history(bench)).periods, []);
    equal((await check(bench, [link("org:acme")])).accounts[0]?.exists, false);
  },
  "is not told of an account that has vanished, nor from a field that is not ours": async (bench) => {
    await call(bench, CENT, "openai/gpt-4o");
    await bench.tamper("org:acme", `H:${Math.floor(START_MS / HOUR)}`, "abc");
    await rejects(history(bench), { code: "STORE_DATA", message: /H:\d+/ });
    await bench.loseAccount("org:acme");
    await rejects(history(bench), { code: "STATE_LOST" });
  },
  "is refused for a range that is none": async (bench) => {
    const ranges = [
      [2, 1],
      [1, 1],
      [-1, 5],
      [Number.NaN, 5],
      [0, Number.POSITIVE_INFINITY],
      [0, 1e18],
    ] as const;
    for (const [fromMs, toMs] of ranges)
      await rejects(history(bench, { fromMs, toMs }), { code: "INVALID_OPTIONS" });
    await rejects(history(bench, { by: "week" as "day" }), { code: "INVALID_OPTIONS" });
  },
});
