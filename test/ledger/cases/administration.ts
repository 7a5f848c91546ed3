/** Pause, resume and reset. */
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  administer,
  CENT,
  check,
  DOLLAR,
  isHeld,
  link,
  MINUTE,
  promise,
  record,
  reserve,
  type StoreCase,
  settle,
  standing,
  usd,
} from "./bench.ts";

export const ADMINISTRATION_CASES: StoreCase[] = [
  ...promise("an administrator's word holds at once", {
    "refuses while paused, with the reason, and records spend all the same": async (bench) => {
      const chain = [link("user:1", []), link("org:acme", [])];
      await bench.store.pause({ ...administer(bench, "org:acme"), reason: "audit of invoices" });
      const refused = await reserve(bench, chain, usd(CENT));
      ok(refused.outcome === "paused");
      deepEqual([refused.scope, refused.reason], ["org:acme", "audit of invoices"]);
      equal((await check(bench, chain)).pausedScope, "org:acme");
      const booked = await record(bench, chain, usd(CENT), { id: "a" });
      ok(booked.outcome === "booked");
      equal(booked.pausedScope, "org:acme");
      await bench.store.resume(administer(bench, "org:acme"));
      ok(isHeld(await reserve(bench, chain, usd(CENT))));
      const replayed = await record(bench, chain, usd(CENT), { id: "a" });
      ok(replayed.outcome === "booked");
      equal(replayed.pausedScope, "org:acme");
    },
    "settles a hold of a paused scope": async (bench) => {
      const chain = [link("user:1", [])];
      await reserve(bench, chain, usd(CENT), { id: "a" });
      await bench.store.pause(administer(bench, "user:1"));
      equal((await settle(bench, chain, "a", usd(CENT))).outcome, "booked");
    },
    "resets one scope to zero, its limits and parents unchanged, holds in flight no longer counted": async (
      bench,
    ) => {
      const chain = [link("user:1", [{ window: "day", usd: 1 }]), link("org:acme", [])];
      await record(bench, chain, usd(50 * CENT));
      await reserve(bench, chain, usd(50 * CENT), { id: "a" });
      await bench.store.reset(administer(bench, "user:1"));
      deepEqual(await standing(bench, "user:1", "day"), [0, 0]);
      deepEqual(await standing(bench, "org:acme"), [50 * CENT, 50 * CENT]);
      await settle(bench, chain, "a", usd(40 * CENT));
      deepEqual(await standing(bench, "user:1", "day"), [0, 0]);
      deepEqual(await standing(bench, "org:acme"), [90 * CENT, 0]);
      equal((await reserve(bench, [link("user:1")], usd(DOLLAR + 1))).outcome, "denied");
    },
  }),
  ...promise("a reset is final for what began before it", {
    "charges no hold that expired before it": async (bench) => {
      const chain = [link("user:1", [{ window: "day", usd: 1 }])];
      await reserve(bench, chain, usd(60 * CENT), { id: "a", expiresInSeconds: 60 });
      await bench.store.reset(administer(bench, "user:1"));
      await reserve(bench, chain, usd(10 * CENT), { id: "b", expiresInSeconds: 55 });
      bench.advance(10 * MINUTE);
      await record(bench, chain, usd(CENT));
      deepEqual(await standing(bench, "user:1", "day"), [11 * CENT, 0]);
      await settle(bench, chain, "a", usd(50 * CENT));
      deepEqual(await standing(bench, "user:1", "day"), [11 * CENT, 0]);
    },
  }),
];
