/** Attempts that were given up before their reserve arrived. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { CENT, isHeld, link, promise, release, reserve, type StoreCase, standing, usd } from "./bench.ts";

const chain = [link("user:1")];

export const TOMBSTONES_CASES: StoreCase[] = promise("an attempt that was given up holds nothing", {
  "however late its reserve arrives, and however many attempts gave up": async (bench) => {
    for (const attempt of ["a1", "a2", "a3", "a2"]) await release(bench, chain, "call", attempt);
    for (const attempt of ["a3", "a1", "a2"]) {
      equal((await reserve(bench, chain, usd(CENT), { id: "call", attempt })).outcome, "gone");
    }
    deepEqual(await standing(bench, "user:1"), [0, 0]);
  },
  "while another attempt of the same id is decided anew": async (bench) => {
    for (const attempt of ["a1", "a2"]) await release(bench, chain, "call", attempt);
    ok(isHeld(await reserve(bench, chain, usd(CENT), { id: "call", attempt: "a3" })));
    const late = await reserve(bench, chain, usd(CENT), { id: "call", attempt: "a1" });
    ok(late.outcome === "held" && late.replayed);
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
  },
});
