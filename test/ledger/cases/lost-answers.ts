/** Answers that never came. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { CENT, link, promise, release, reserve, type StoreCase, settle, standing, usd } from "./bench.ts";

export const LOST_ANSWERS_CASES: StoreCase[] = promise("a lost answer neither loses nor doubles money", {
  "frees by its attempt what a caller gave up on": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(CENT), { id: "a", attempt: "mine" });
    await release(bench, chain, "a", "mine");
    deepEqual(await standing(bench, "user:1"), [0, 0]);
  },
  "keeps a hold that another caller shares": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(CENT), { id: "a", attempt: "mine" });
    await reserve(bench, chain, usd(CENT), { id: "a", attempt: "theirs" });
    equal((await release(bench, chain, "a", "mine")).outcome, "done");
    equal((await release(bench, chain, "a", "theirs")).outcome, "done");
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
  },
  "holds nothing for a reserve that arrives after its own release, but decides another attempt": async (
    bench,
  ) => {
    const chain = [link("user:1", [])];
    equal((await release(bench, chain, "a", "mine")).outcome, "unknown");
    equal((await reserve(bench, chain, usd(CENT), { id: "a", attempt: "mine" })).outcome, "gone");
    equal((await reserve(bench, chain, usd(CENT), { id: "a", attempt: "next" })).outcome, "held");
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
  },
  "books a settle whose hold the store has lost, under the hold's own id": async (bench) => {
    const chain = [link("user:1", [{ window: "month", usd: 1 }])];
    const booked = await settle(bench, chain, "a", usd(5 * CENT), { lost: "hash" });
    ok(booked.outcome === "booked" && booked.unknownToStore);
    const again = await settle(bench, chain, "a", usd(5 * CENT), { lost: "hash" });
    ok(again.outcome === "booked" && again.replayed);
    equal((await reserve(bench, chain, usd(9 * CENT), { id: "a" })).outcome, "closed");
    deepEqual(await standing(bench, "user:1"), [5 * CENT, 0]);
  },
  "books it over a tombstone too, and corrects such an estimate": async (bench) => {
    const chain = [link("user:1", [])];
    await release(bench, chain, "a", "mine");
    await settle(bench, chain, "a", usd(5 * CENT), { lost: "hash", source: "estimated" });
    await settle(bench, chain, "a", usd(2 * CENT), { lost: "hash" });
    deepEqual(await standing(bench, "user:1"), [2 * CENT, 0]);
  },
});
