/** What was spent by provider and model. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { parseHistory } from "../../../src/ledger/history.ts";
import {
  type Bench,
  CENT,
  DAY,
  HOUR,
  link,
  MINUTE,
  promise,
  record,
  reserve,
  START_MS,
  type StoreCase,
  settle,
  usd,
} from "./bench.ts";

const HOUR_FIELD = `H:${Math.floor(START_MS / HOUR)}`;

/** Nano-USD by `name source` of a history field. */
async function spentByRow(bench: Bench, scope: string, field: string): Promise<Record<string, number>> {
  const rows = parseHistory((await bench.fields(scope))[field]);
  ok(rows, `${field} is history`);
  return Object.fromEntries(rows.map((row) => [`${row.name} ${row.source}`, row.nanoUsd]));
}

export const HISTORY_CASES: StoreCase[] = promise("history says by provider and model what was spent", {
  "keeps reported, estimated and expired spend apart, and takes off what a correction replaces": async (
    bench,
  ) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(9 * CENT), { id: "a" });
    await settle(bench, chain, "a", usd(2 * CENT), { model: "openai/gpt-4o" });
    await reserve(bench, chain, usd(9 * CENT), { id: "b" });
    await settle(bench, chain, "b", undefined, { model: "openai/gpt-4o", source: "estimated" });
    await reserve(bench, chain, usd(7 * CENT), { id: "c", expiresInSeconds: 60 });
    bench.advance(5 * MINUTE);
    await record(bench, chain, usd(0));
    deepEqual(await spentByRow(bench, "user:1", HOUR_FIELD), {
      "openai/gpt-4o r": 2 * CENT,
      "openai/gpt-4o e": 9 * CENT,
      "~ e": 7 * CENT,
      "- r": 0,
    });
    await settle(bench, chain, "b", usd(CENT), { model: "openai/gpt-4o" });
    await settle(bench, chain, "c", usd(4 * CENT), { model: "anthropic/claude" });
    deepEqual(await spentByRow(bench, "user:1", HOUR_FIELD), {
      "openai/gpt-4o r": 3 * CENT,
      "openai/gpt-4o e": 0,
      "~ e": 0,
      "- r": 0,
      "anthropic/claude r": 4 * CENT,
    });
  },
  "adds up under * what the seventeenth model of an hour and later ones spend": async (bench) => {
    const chain = [link("user:1", [])];
    for (let number = 1; number <= 18; number += 1) {
      await reserve(bench, chain, usd(CENT), { id: `m${number}` });
      await settle(bench, chain, `m${number}`, usd(number), { model: `openai/m${number}` });
    }
    const rows = await spentByRow(bench, "user:1", HOUR_FIELD);
    equal(Object.keys(rows).length, 17);
    deepEqual([rows["openai/m16 r"], rows["openai/m17 r"], rows["* r"]], [16, undefined, 17 + 18]);
  },
  "folds hours into days after two weeks, and forgets days after four hundred": async (bench) => {
    const chain = [link("user:1", [])];
    await record(bench, chain, usd(3 * CENT));
    bench.advance(3 * HOUR);
    await record(bench, chain, usd(4 * CENT));
    const day = `D:${Math.floor(START_MS / DAY)}`;
    bench.advance(14 * DAY);
    await record(bench, chain, usd(0));
    equal((await bench.fields("user:1"))[day], undefined);
    bench.advance(DAY);
    await record(bench, chain, usd(0));
    deepEqual(await spentByRow(bench, "user:1", day), { "- r": 7 * CENT });
    equal((await bench.fields("user:1"))[HOUR_FIELD], undefined);
    bench.advance(385 * DAY);
    await record(bench, chain, usd(0));
    ok((await bench.fields("user:1"))[day]);
    bench.advance(DAY);
    await record(bench, chain, usd(0));
    equal((await bench.fields("user:1"))[day], undefined);
  },
  "corrects what was folded meanwhile": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(9 * CENT), { id: "a" });
    await settle(bench, chain, "a", usd(9 * CENT), { model: "openai/gpt-4o", source: "estimated" });
    bench.advance(16 * DAY);
    await record(bench, chain, usd(0));
    await settle(bench, chain, "a", usd(CENT), { model: "openai/gpt-4o" });
    deepEqual(await spentByRow(bench, "user:1", `D:${Math.floor(START_MS / DAY)}`), {
      "openai/gpt-4o e": 0,
      "openai/gpt-4o r": CENT,
    });
  },
});
