/** What is admitted, and what is not. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { usageStats } from "../../../src/ledger/stats.ts";
import {
  CENT,
  DOLLAR,
  isHeld,
  link,
  promise,
  record,
  reserve,
  type StoreCase,
  standing,
  usd,
} from "./bench.ts";

export const ADMISSION_CASES: StoreCase[] = promise(
  "a call is admitted only where settled and held leave room for it",
  {
    "admits exactly up to the limit, and not a nano-dollar above": async (bench) => {
      const chain = [link("user:1", [{ window: "day", usd: 1 }])];
      equal((await reserve(bench, chain, usd(DOLLAR - 1))).outcome, "held");
      equal((await reserve(bench, chain, usd(2))).outcome, "denied");
      equal((await reserve(bench, chain, usd(1))).outcome, "held");
      equal((await reserve(bench, chain, usd(1))).outcome, "denied");
    },
    "says which budgets refuse, the last to reset first, with what was asked": async (bench) => {
      const chain = [
        link("user:1", [
          { window: "day", usd: 1 },
          { window: "minute", requests: 1 },
        ]),
        link("org:acme", [{ window: "month", usd: 1 }]),
      ];
      ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
      const answer = await reserve(bench, chain, usd(CENT));
      ok(answer.outcome === "denied");
      deepEqual(
        answer.denials.map(({ scope, window, metric, held, limit, requested }) => ({
          scope,
          window,
          metric,
          held,
          limit,
          requested,
        })),
        [
          { scope: "org:acme", window: "month", metric: "usd", held: 1, limit: 1, requested: 0.01 },
          { scope: "user:1", window: "day", metric: "usd", held: 1, limit: 1, requested: 0.01 },
          { scope: "user:1", window: "minute", metric: "requests", held: 1, limit: 1, requested: 1 },
        ],
      );
    },
    "holds in every scope of the chain or in none": async (bench) => {
      const user = link("user:1", [{ window: "month", usd: 5 }]);
      const org = link("org:acme", [{ window: "month", usd: 1 }]);
      equal((await reserve(bench, [user, org], usd(2 * DOLLAR))).outcome, "denied");
      deepEqual(await standing(bench, "user:1"), [0, 0]);
      ok(isHeld(await reserve(bench, [user, org], usd(DOLLAR))));
      deepEqual(await standing(bench, "user:1"), [0, DOLLAR]);
      deepEqual(await standing(bench, "org:acme"), [0, DOLLAR]);
    },
    "judges dollars, tokens and requests together": async (bench) => {
      const chain = [link("user:1", [{ window: "day", usd: 10, tokens: 100, requests: 3 }])];
      ok(isHeld(await reserve(bench, chain, { nanoUsd: CENT, tokens: 60, requests: 1 })));
      equal((await reserve(bench, chain, { nanoUsd: CENT, tokens: 41, requests: 1 })).outcome, "denied");
      ok(isHeld(await reserve(bench, chain, { nanoUsd: CENT, tokens: 40, requests: 2 })));
      const answer = await reserve(bench, chain, { nanoUsd: CENT, tokens: 0, requests: 1 });
      ok(answer.outcome === "denied");
      deepEqual(
        answer.denials.map(({ metric }) => metric),
        ["requests"],
      );
    },
    "refuses an estimate without tokens when no token is left, and holds none for it": async (bench) => {
      const chain = [link("user:1", [{ window: "day", tokens: 100 }])];
      ok(isHeld(await reserve(bench, chain, { nanoUsd: CENT, tokens: 99, requests: 1 })));
      ok(isHeld(await reserve(bench, chain, { nanoUsd: CENT, tokens: null, requests: 1 })));
      ok(isHeld(await reserve(bench, chain, { nanoUsd: CENT, tokens: 1, requests: 1 })));
      const answer = await reserve(bench, chain, { nanoUsd: CENT, tokens: null, requests: 1 });
      ok(answer.outcome === "denied");
      deepEqual(
        answer.denials.map(({ metric, requested }) => [metric, requested]),
        [["tokens", 1]],
      );
    },
    "lets a chain of eight scopes through, each with its own limit": async (bench) => {
      const chain = Array.from({ length: 8 }, (_, place) =>
        link(`level:${place}`, [{ window: "day", usd: 8 - place }]),
      );
      ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
      const answer = await reserve(bench, chain, usd(CENT));
      ok(answer.outcome === "denied");
      deepEqual(
        answer.denials.map(({ scope }) => scope),
        ["level:7"],
      );
    },
    "admits exactly ten of a hundred callers at once": async (bench) => {
      const chain = [
        link("user:1", [{ window: "day", usd: 1 }]),
        link("org:acme", [{ window: "month", usd: 5 }]),
      ];
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => reserve(bench, chain, usd(10 * CENT))),
      );
      equal(answers.filter(isHeld).length, 10);
      deepEqual(await standing(bench, "user:1", "day"), [0, DOLLAR]);
    },
    "never denies by a soft budget": async (bench) => {
      const chain = [link("user:1", [{ window: "day", usd: "0.01", soft: true }])];
      const answer = await reserve(bench, chain, usd(DOLLAR));
      ok(isHeld(answer));
      deepEqual(
        usageStats(answer).budgets.map(({ soft, limit, held }) => ({ soft, limit, held })),
        [{ soft: true, limit: 0.01, held: 1 }],
      );
    },
    "counts amounts above a hundred thousand dollars to the nano-dollar, and stops at 9e15": async (
      bench,
    ) => {
      const chain = [link("user:1", [])];
      await record(bench, chain, usd(123_456_789_012_345));
      await record(bench, chain, usd(1));
      deepEqual(await standing(bench, "user:1"), [123_456_789_012_346, 0]);
      const before = await bench.fields("user:1");
      await rejects(record(bench, chain, usd(8_999_999_999_999_999)), { code: "STORE_DATA" });
      deepEqual(await bench.fields("user:1"), before);
    },
  },
);
