/** Thresholds that settled spend reaches. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Crossing } from "../../../src/ledger/store.ts";
import {
  administer,
  CENT,
  DAY,
  DOLLAR,
  link,
  MINUTE,
  promise,
  record,
  reserve,
  type StoreCase,
  settle,
  usd,
} from "./bench.ts";

export const ALERTS_CASES: StoreCase[] = promise("an alert fires once a period", {
  "names each threshold that settled spend has reached, once": async (bench) => {
    const chain = [link("user:1", [{ window: "month", usd: 1 }])];
    const thresholds = [0.8, 0.9, 1];
    const levels: number[][] = [];
    for (const cents of [79, 1, 15, 5, 30]) {
      const answer = await record(bench, chain, usd(cents * CENT), { thresholds });
      ok(answer.outcome === "booked");
      levels.push(answer.crossings.map(({ threshold }) => threshold));
    }
    deepEqual(levels, [[], [0.8], [0.9], [1], []]);
  },
  "names the same crossing again when the answer was lost, and to no caller without an alert": async (
    bench,
  ) => {
    const chain = [link("user:1", [{ window: "month", usd: 1 }])];
    await reserve(bench, chain, usd(90 * CENT), { id: "a" });
    const first = await settle(bench, chain, "a", usd(85 * CENT), { thresholds: [0.8] });
    const again = await settle(bench, chain, "a", usd(85 * CENT), { thresholds: [0.8] });
    ok(first.outcome === "booked" && again.outcome === "booked");
    equal(first.crossings.length, 1);
    deepEqual(again.crossings, first.crossings);
    const silent = await record(bench, chain, usd(10 * CENT));
    ok(silent.outcome === "booked");
    deepEqual(silent.crossings, []);
    const heard = await record(bench, chain, usd(0), { thresholds: [0.9] });
    ok(heard.outcome === "booked");
    equal(heard.crossings.length, 1);
  },
  "fires for no window that has ended": async (bench) => {
    const chain = [link("user:1", [{ window: "minute", usd: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    bench.advance(MINUTE);
    const late = await settle(bench, chain, "a", usd(DOLLAR), { thresholds: [0.5] });
    ok(late.outcome === "booked");
    deepEqual(late.crossings, []);
  },
  "fires again where the mark was taken off, and in the next window": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1, soft: true }])];
    const cross = async (): Promise<Crossing[]> => {
      const answer = await record(bench, chain, usd(DOLLAR), { thresholds: [0.5] });
      return answer.outcome === "booked" ? answer.crossings : [];
    };
    const [crossing] = await cross();
    ok(crossing);
    deepEqual(
      [crossing.scope, crossing.window, crossing.metric, crossing.soft],
      ["user:1", "day", "usd", true],
    );
    deepEqual(await cross(), []);
    await bench.store.unmark({ ...administer(bench, "user:1"), crossing });
    equal((await cross()).length, 1);
    bench.advance(DAY);
    equal((await cross()).length, 1);
  },
});
