/** Operations that arrive twice, and ids that are used for two things. */
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  administer,
  CENT,
  DOLLAR,
  isHeld,
  link,
  promise,
  record,
  release,
  reserve,
  type StoreCase,
  settle,
  standing,
  usd,
} from "./bench.ts";

export const REPETITION_CASES: StoreCase[] = promise("nothing counts twice", {
  "answers a repeated reserve with the same hold": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    const first = await reserve(bench, chain, usd(DOLLAR), { id: "a", attempt: "x" });
    const again = await reserve(bench, chain, usd(DOLLAR), { id: "a", attempt: "x" });
    ok(first.outcome === "held" && again.outcome === "held");
    equal(first.replayed, false);
    equal(again.replayed, true);
    equal(again.expiresAtMs, first.expiresAtMs);
    deepEqual(await standing(bench, "user:1", "day"), [0, DOLLAR]);
  },
  "decides a denied reserve anew when it comes again": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    equal((await reserve(bench, chain, usd(CENT), { id: "b" })).outcome, "denied");
    await release(bench, chain, "a");
    equal((await reserve(bench, chain, usd(CENT), { id: "b" })).outcome, "held");
  },
  "refuses the same id with other arguments, of another kind, or for another operation": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(CENT), { id: "a" });
    equal((await reserve(bench, chain, usd(CENT), { id: "a", hash: "other" })).outcome, "conflict");
    equal((await record(bench, chain, usd(CENT), { id: "a" })).outcome, "conflict");
    equal((await bench.store.reset(administer(bench, "user:1", "a"))).outcome, "conflict");
    await record(bench, chain, usd(CENT), { id: "b" });
    equal((await reserve(bench, chain, usd(CENT), { id: "b" })).outcome, "conflict");
    equal((await settle(bench, chain, "b", usd(CENT))).outcome, "conflict");
    deepEqual(await standing(bench, "user:1"), [CENT, CENT]);
  },
  "replays a settle, and refuses a different second one with the first amounts": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(9 * CENT), { id: "a" });
    await settle(bench, chain, "a", usd(5 * CENT));
    const again = await settle(bench, chain, "a", usd(5 * CENT));
    ok(again.outcome === "booked" && again.replayed);
    const other = await settle(bench, chain, "a", usd(6 * CENT));
    ok(other.outcome === "done");
    equal(other.booking.actual.nanoUsd, 5 * CENT);
    equal((await release(bench, chain, "a")).outcome, "done");
    deepEqual(await standing(bench, "user:1"), [5 * CENT, 0]);
  },
  "replays a record": async (bench) => {
    const chain = [link("user:1", [{ window: "month", usd: "0.01" }])];
    const first = await record(bench, chain, usd(2 * CENT), { id: "a" });
    const again = await record(bench, chain, usd(2 * CENT), { id: "a" });
    ok(first.outcome === "booked" && first.booking.overrun && !first.replayed);
    ok(again.outcome === "booked" && again.booking.overrun && again.replayed);
    equal((await record(bench, chain, usd(3 * CENT), { id: "a", hash: "other" })).outcome, "conflict");
    deepEqual(await standing(bench, "user:1"), [2 * CENT, 0]);
  },
  "says that a closed id is closed when it is reserved again": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(9 * CENT), { id: "a" });
    await settle(bench, chain, "a", usd(5 * CENT));
    const again = await reserve(bench, chain, usd(9 * CENT), { id: "a" });
    ok(again.outcome === "closed");
    deepEqual(again.booking, { actual: usd(5 * CENT), source: "reported", overrun: false });
  },
  "resets and pauses once however often the request arrives": async (bench) => {
    const chain = [link("user:1", [])];
    await record(bench, chain, usd(5 * CENT));
    const reset = administer(bench, "user:1");
    await bench.store.reset(reset);
    await record(bench, chain, usd(CENT));
    const again = await bench.store.reset(reset);
    ok(again.outcome === "applied" && again.replayed);
    deepEqual(await standing(bench, "user:1"), [CENT, 0]);
    const pause = administer(bench, "user:1");
    await bench.store.pause(pause);
    await bench.store.resume(administer(bench, "user:1"));
    await bench.store.pause(pause);
    ok(isHeld(await reserve(bench, chain, usd(CENT))));
  },
});
