/**
 * What every store must do, as plain functions over a store with a clock that the test moves.
 * A runtime needs only a loop over these: see store.test.ts and test/workerd.
 */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Budget, Window } from "../../src/ledger/budgets.ts";
import { parseHistory } from "../../src/ledger/history.ts";
import { canonicalLimits } from "../../src/ledger/limits.ts";
import { usageStats } from "../../src/ledger/stats.ts";
import type {
  AccountView,
  Amounts,
  ChainLink,
  CloseAnswer,
  Crossing,
  RecordAnswer,
  RequestedAmounts,
  ReserveAnswer,
  Standing,
  Store,
} from "../../src/ledger/store.ts";

/** A store in a namespace of its own. */
export interface Bench {
  store: Store;
  namespace: string;
  /** Moves the clock that decides. */
  advance(milliseconds: number): void;
  nowMs(): number;
  /** Overwrites a field of an account, behind the store's back. */
  tamper(scope: string, field: string, text: string): Promise<void>;
  /** Deletes an account, behind the store's back. */
  loseAccount(scope: string): Promise<void>;
  fields(scope: string): Promise<Record<string, string>>;
}

export interface StoreCase {
  promise: string;
  name: string;
  run(bench: Bench): Promise<void>;
}

/** 2026-11-25 (a Wednesday) 10:20:30 UTC: in the middle of every window. */
export const START_MS = Date.UTC(2026, 10, 25, 10, 20, 30);
const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const CENT = 10_000_000;
const DOLLAR = 1_000_000_000;
/** Long enough for cases that come back to a hold weeks later. */
const RETENTION_SECONDS = 30 * 86_400;

export const STORE_CASES: StoreCase[] = [];

function promise(text: string, cases: Record<string, (bench: Bench) => Promise<void>>): void {
  for (const [name, run] of Object.entries(cases)) STORE_CASES.push({ promise: text, name, run });
}

/** A scope with the budgets that its caller declares; undefined: the recorded ones judge. */
function link(scope: string, budgets?: Budget[]): ChainLink {
  return { scope, limits: canonicalLimits(budgets) };
}

const usd = (nanoUsd: number): Amounts => ({ nanoUsd, tokens: 0, requests: 1 });

let serial = 0;
function fresh(): string {
  serial += 1;
  return `op-${serial}`;
}

interface Options {
  id?: string;
  hash?: string;
  attempt?: string;
  expiresInSeconds?: number;
}

function reserve(
  bench: Bench,
  chain: ChainLink[],
  requested: RequestedAmounts,
  options: Options = {},
): Promise<ReserveAnswer> {
  const { id = fresh(), hash = "hash", attempt = id, expiresInSeconds = 600 } = options;
  const base = {
    namespace: bench.namespace,
    chain,
    id,
    argumentsHash: hash,
    retentionSeconds: RETENTION_SECONDS,
  };
  return bench.store.reserve({ ...base, attempt, requested, expiresInSeconds });
}

interface SettleOptions {
  source?: "reported" | "estimated";
  thresholds?: number[];
  lost?: string;
  model?: string;
}

function settle(
  bench: Bench,
  chain: ChainLink[],
  id: string,
  actual: Amounts | undefined,
  { source = "reported", thresholds = [], lost, model }: SettleOptions = {},
): Promise<CloseAnswer> {
  const argumentsHash = `settle ${actual?.nanoUsd}`.replace(" ", "-");
  return bench.store.settle({
    namespace: bench.namespace,
    chain,
    id,
    argumentsHash,
    retentionSeconds: RETENTION_SECONDS,
    source,
    actual,
    model,
    alertThresholds: thresholds,
    bookIfUnknown: lost === undefined ? undefined : { reserveHash: lost },
  });
}

function release(bench: Bench, chain: ChainLink[], id: string, attempt?: string): Promise<CloseAnswer> {
  const base = { namespace: bench.namespace, chain, id, retentionSeconds: RETENTION_SECONDS };
  return bench.store.release({ ...base, argumentsHash: "release", attempt });
}

function record(
  bench: Bench,
  chain: ChainLink[],
  actual: Amounts,
  {
    id = fresh(),
    hash = "hash",
    thresholds = [],
  }: { id?: string; hash?: string; thresholds?: number[] } = {},
): Promise<RecordAnswer> {
  const base = { namespace: bench.namespace, chain, id, argumentsHash: hash, retentionSeconds: 900 };
  return bench.store.record({ ...base, actual, alertThresholds: thresholds });
}

function administer(bench: Bench, scope: string, id = fresh()) {
  return {
    namespace: bench.namespace,
    chain: [link(scope)],
    id,
    argumentsHash: "admin",
    retentionSeconds: 900,
  };
}

function storeLimits(bench: Bench, scope: string, budgets: Budget[]) {
  return bench.store.storeLimits({ ...administer(bench, scope), limits: canonicalLimits(budgets) ?? [] });
}

function check(bench: Bench, chain: ChainLink[], requested: RequestedAmounts = usd(0)) {
  return bench.store.check({ namespace: bench.namespace, chain, requested });
}

/** Settled and held nano-USD of a scope's window. */
function counted(standing: Standing, scope: string, window: Window): [settled: number, held: number] {
  const found = accountOf(standing, scope).windows.find((candidate) => candidate.window === window);
  ok(found, `${scope} has a ${window} window`);
  return [found.settled.nanoUsd, found.held.nanoUsd];
}

function accountOf(standing: Standing, scope: string): AccountView {
  const account = standing.accounts.find((candidate) => candidate.scope === scope);
  ok(account, `the standing has ${scope}`);
  return account;
}

async function standing(bench: Bench, scope: string, window: Window = "month"): Promise<[number, number]> {
  return counted(await check(bench, [link(scope)]), scope, window);
}

const HOUR_FIELD = `H:${Math.floor(START_MS / HOUR)}`;

/** Nano-USD by `name source` of a history field. */
async function spentByRow(bench: Bench, scope: string, field: string): Promise<Record<string, number>> {
  const rows = parseHistory((await bench.fields(scope))[field]);
  ok(rows, `${field} is history`);
  return Object.fromEntries(rows.map((row) => [`${row.name} ${row.source}`, row.nanoUsd]));
}

const isHeld = (answer: ReserveAnswer): boolean => answer.outcome === "held";

promise("a call is admitted only where settled and held leave room for it", {
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
  "counts amounts above a hundred thousand dollars to the nano-dollar, and stops at 9e15": async (bench) => {
    const chain = [link("user:1", [])];
    await record(bench, chain, usd(123_456_789_012_345));
    await record(bench, chain, usd(1));
    deepEqual(await standing(bench, "user:1"), [123_456_789_012_346, 0]);
    const before = await bench.fields("user:1");
    await rejects(record(bench, chain, usd(8_999_999_999_999_999)), { code: "STORE_DATA" });
    deepEqual(await bench.fields("user:1"), before);
  },
});

promise("a hold becomes what was really used", {
  "settles below the hold and frees the rest": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    const answer = await settle(bench, chain, "a", { nanoUsd: 30 * CENT, tokens: 12, requests: 1 });
    ok(answer.outcome === "booked" && !answer.replayed && !answer.booking.overrun);
    deepEqual(counted(answer, "user:1", "day"), [30 * CENT, 0]);
    ok(isHeld(await reserve(bench, chain, usd(70 * CENT))));
  },
  "books a cost above the hold in full, calls it an overrun, and refuses the next call": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    const answer = await settle(bench, chain, "a", usd(3 * DOLLAR));
    ok(answer.outcome === "booked" && answer.booking.overrun);
    deepEqual(counted(answer, "user:1", "day"), [3 * DOLLAR, 0]);
    equal((await reserve(bench, chain, usd(0))).outcome, "denied");
  },
  "gives a released hold back unspent": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1, requests: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    const answer = await release(bench, chain, "a");
    ok(answer.outcome === "booked" && answer.booking.source === "released");
    deepEqual(counted(answer, "user:1", "day"), [0, 0]);
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
  },
  "settles an estimate without an amount at the whole hold": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(7 * CENT), { id: "a" });
    const answer = await settle(bench, chain, "a", undefined, { source: "estimated" });
    ok(answer.outcome === "booked" && answer.booking.source === "estimated");
    deepEqual(await standing(bench, "user:1"), [7 * CENT, 0]);
  },
  "books nothing for an id that the store does not know": async (bench) => {
    const chain = [link("user:1", [])];
    equal((await settle(bench, chain, "never", usd(CENT))).outcome, "unknown");
    equal((await release(bench, chain, "never")).outcome, "unknown");
    equal((await check(bench, chain)).accounts[0]?.exists, false);
  },
  "refuses a settle over another chain": async (bench) => {
    const chain = [link("user:1", []), link("org:acme", [])];
    await reserve(bench, chain, usd(CENT), { id: "a" });
    equal((await settle(bench, [link("user:1")], "a", usd(CENT))).outcome, "conflict");
    deepEqual(await standing(bench, "user:1"), [0, CENT]);
  },
});

promise("nothing counts twice", {
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

promise("what was estimated, expired or given back is corrected once when the truth comes", {
  "corrects an estimate by a report, once": async (bench) => {
    const chain = [link("user:1", []), link("org:acme", [])];
    await reserve(bench, chain, usd(9 * CENT), { id: "a" });
    await settle(bench, chain, "a", usd(8 * CENT), { source: "estimated" });
    const corrected = await settle(bench, chain, "a", usd(3 * CENT));
    ok(corrected.outcome === "booked" && !corrected.replayed);
    equal((await settle(bench, chain, "a", usd(2 * CENT))).outcome, "done");
    equal((await settle(bench, chain, "a", usd(8 * CENT), { source: "estimated" })).outcome, "done");
    deepEqual(await standing(bench, "user:1"), [3 * CENT, 0]);
    deepEqual(await standing(bench, "org:acme"), [3 * CENT, 0]);
  },
  "corrects a release by a report": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(9 * CENT), { id: "a" });
    await release(bench, chain, "a");
    equal((await settle(bench, chain, "a", usd(4 * CENT), { source: "estimated" })).outcome, "done");
    equal((await settle(bench, chain, "a", usd(4 * CENT))).outcome, "booked");
    deepEqual(await standing(bench, "user:1"), [4 * CENT, 0]);
  },
  "charges a hold that nobody settled when its expiry minute ends": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    const answer = await reserve(bench, chain, usd(60 * CENT), { id: "a", expiresInSeconds: 60 });
    ok(answer.outcome === "held");
    equal(answer.expiresAtMs, Date.UTC(2026, 10, 25, 10, 22));
    bench.advance(answer.expiresAtMs - 1 - bench.nowMs());
    deepEqual(await standing(bench, "user:1", "day"), [0, 60 * CENT]);
    bench.advance(1);
    deepEqual(await standing(bench, "user:1", "day"), [60 * CENT, 0]);
    equal((await reserve(bench, chain, usd(50 * CENT))).outcome, "denied");
    await record(bench, chain, usd(0));
    deepEqual(await standing(bench, "user:1", "day"), [60 * CENT, 0]);
  },
  "corrects an expiry by a late settle, swept or not": async (bench) => {
    const chain = [link("user:1", [])];
    for (const isSwept of [false, true]) {
      const id = `late-${isSwept}`;
      await reserve(bench, chain, usd(60 * CENT), { id, expiresInSeconds: 60 });
      bench.advance(10 * MINUTE);
      if (isSwept) await record(bench, chain, usd(0));
      const answer = await settle(bench, chain, id, usd(20 * CENT));
      ok(answer.outcome === "booked");
    }
    deepEqual(await standing(bench, "user:1"), [40 * CENT, 0]);
    bench.advance(10 * MINUTE);
    deepEqual(await standing(bench, "user:1"), [40 * CENT, 0]);
  },
  "gives an expired hold back when it is released late": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(60 * CENT), { id: "a", expiresInSeconds: 60 });
    bench.advance(10 * MINUTE);
    await record(bench, chain, usd(CENT));
    deepEqual(await standing(bench, "user:1"), [61 * CENT, 0]);
    await release(bench, chain, "a");
    deepEqual(await standing(bench, "user:1"), [CENT, 0]);
  },
  "leaves a hold alive when a sweep comes in the minute of its expiry": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(3 * CENT), { id: "a", expiresInSeconds: 60 });
    bench.advance(MINUTE);
    await record(bench, chain, usd(0));
    deepEqual(await standing(bench, "user:1"), [0, 3 * CENT]);
    await settle(bench, chain, "a", usd(CENT));
    deepEqual(await standing(bench, "user:1"), [CENT, 0]);
  },
  "says that an expired id is expired when it is reserved again": async (bench) => {
    const chain = [link("user:1", [])];
    await reserve(bench, chain, usd(6 * CENT), { id: "a", expiresInSeconds: 60 });
    bench.advance(Date.UTC(2026, 10, 25, 10, 22) - 1 - bench.nowMs());
    ok(isHeld(await reserve(bench, chain, usd(6 * CENT), { id: "a", attempt: "second" })));
    bench.advance(1);
    const again = await reserve(bench, chain, usd(6 * CENT), { id: "a", attempt: "third" });
    ok(again.outcome === "expired");
    equal(again.held.nanoUsd, 6 * CENT);
  },
});

promise("history says by provider and model what was spent", {
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

promise("a lost answer neither loses nor doubles money", {
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

const LENGTHS: [Window, string, number][] = [
  ["minute", "2026-11-25T10:21:00Z", 10],
  ["hour", "2026-11-25T11:00:00Z", 600],
  ["day", "2026-11-26T00:00:00Z", 600],
  ["week", "2026-11-30T00:00:00Z", 600],
  ["month", "2026-12-01T00:00:00Z", 600],
];

promise("windows need no reset", {
  ...Object.fromEntries(
    LENGTHS.map(([window, end]) => [
      `the ${window} ends at ${end} and begins at zero`,
      async (bench: Bench) => {
        const chain = [link("user:1", [{ window, usd: 1 }])];
        await record(bench, chain, usd(DOLLAR));
        bench.advance(Date.parse(end) - 1 - bench.nowMs());
        const denied = await reserve(bench, chain, usd(CENT));
        ok(denied.outcome === "denied");
        equal(denied.denials[0]?.resetsAt?.toISOString(), new Date(end).toISOString());
        bench.advance(1);
        ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
        deepEqual(await standing(bench, "user:1", window), [0, DOLLAR]);
      },
    ]),
  ),
  "a total never ends": async (bench) => {
    const chain = [link("user:1", [{ window: "total", usd: 1 }])];
    await record(bench, chain, usd(DOLLAR));
    bench.advance(2_000 * DAY);
    const denied = await reserve(bench, chain, usd(1));
    ok(denied.outcome === "denied");
    equal(denied.denials[0]?.resetsAt, null);
  },
  "a hold that straddles a window's end counts in the windows of its reserve, and its settle only in those still open":
    async (bench) => {
      const chain = [
        link("user:1", [
          { window: "minute", usd: 1 },
          { window: "day", usd: 9 },
        ]),
      ];
      await reserve(bench, chain, usd(DOLLAR), { id: "a" });
      bench.advance(40 * SECOND);
      ok(isHeld(await reserve(bench, chain, usd(DOLLAR), { id: "b" })));
      const answer = await settle(bench, chain, "a", usd(20 * CENT));
      deepEqual(counted(answer, "user:1", "minute"), [0, DOLLAR]);
      deepEqual(counted(answer, "user:1", "day"), [20 * CENT, DOLLAR]);
    },
  "a hold that expired before the day's end is gone with that day": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    bench.advance(DAY);
    ok(isHeld(await reserve(bench, chain, usd(DOLLAR))));
    deepEqual(await standing(bench, "user:1", "day"), [0, DOLLAR]);
    deepEqual(await standing(bench, "user:1", "month"), [DOLLAR, DOLLAR]);
  },
  "a clock that steps back reopens nothing": async (bench) => {
    const chain = [link("user:1", [{ window: "minute", usd: 1 }])];
    await record(bench, chain, usd(DOLLAR));
    bench.advance(MINUTE);
    await record(bench, chain, usd(DOLLAR));
    bench.advance(-MINUTE);
    equal((await reserve(bench, chain, usd(CENT))).outcome, "denied");
    deepEqual(await standing(bench, "user:1", "month"), [2 * DOLLAR, 0]);
  },
});

promise("each caller is judged by its own list, the rest by the recorded one", {
  "enforces a budget for a meter made without one": async (bench) => {
    await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(90 * CENT));
    equal((await reserve(bench, [link("user:1")], usd(20 * CENT))).outcome, "denied");
    bench.advance(DAY);
    equal((await reserve(bench, [link("user:1")], usd(1.1 * DOLLAR))).outcome, "denied");
    ok(isHeld(await reserve(bench, [link("user:1")], usd(DOLLAR))));
  },
  "judges two versions of the code by their own limits, on one count": async (bench) => {
    const small = [link("user:1", [{ window: "day", usd: 1 }])];
    const large = [link("user:1", [{ window: "day", usd: 2 }])];
    ok(isHeld(await reserve(bench, large, usd(1.5 * DOLLAR))));
    equal((await reserve(bench, small, usd(CENT))).outcome, "denied");
    ok(isHeld(await reserve(bench, large, usd(50 * CENT))));
  },
  "records nothing on a read or a denial": async (bench) => {
    await record(bench, [link("user:1", [{ window: "day", usd: 5 }])], usd(DOLLAR));
    const before = await bench.fields("user:1");
    const tighter = [link("user:1", [{ window: "day", usd: 1 }])];
    deepEqual(
      (await check(bench, tighter, usd(CENT))).denials.map(({ limit }) => limit),
      [1],
    );
    equal((await reserve(bench, tighter, usd(CENT))).outcome, "denied");
    deepEqual(await bench.fields("user:1"), before);
  },
  "clears the recorded list by an empty one": async (bench) => {
    await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(DOLLAR));
    ok(isHeld(await reserve(bench, [link("user:1", [])], usd(CENT))));
    ok(isHeld(await reserve(bench, [link("user:1")], usd(CENT))));
  },
  "goes on counting a window that another version leaves out": async (bench) => {
    const withDay = [link("user:1", [{ window: "day", usd: 1 }])];
    const without = [link("user:1", [{ window: "month", usd: 9 }])];
    await record(bench, withDay, usd(50 * CENT));
    await record(bench, without, usd(30 * CENT));
    equal((await reserve(bench, withDay, usd(30 * CENT))).outcome, "denied");
    ok(isHeld(await reserve(bench, withDay, usd(20 * CENT))));
  },
  "drops such a window after a whole one in which nobody sent it": async (bench) => {
    await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(50 * CENT));
    const without = [link("user:1", [])];
    for (const expected of [true, true, false]) {
      await record(bench, without, usd(CENT));
      equal((await bench.fields("user:1")).o !== undefined, expected);
      bench.advance(DAY);
    }
  },
  "binds every caller by what an administrator stored": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 5 }])];
    await record(bench, chain, usd(DOLLAR));
    await storeLimits(bench, "user:1", [
      { window: "day", usd: 1 },
      { window: "hour", requests: 1 },
    ]);
    const denied = await reserve(bench, chain, usd(CENT));
    ok(denied.outcome === "denied");
    deepEqual(
      denied.denials.map(({ window, source }) => [window, source]),
      [["day", "store"]],
    );
    equal((await reserve(bench, [link("user:1", [])], usd(CENT))).outcome, "denied");
    await storeLimits(bench, "user:1", [{ window: "hour", requests: 1 }]);
    ok(isHeld(await reserve(bench, chain, usd(CENT))));
    equal((await reserve(bench, chain, usd(CENT))).outcome, "denied");
    bench.advance(HOUR);
    ok(isHeld(await reserve(bench, chain, usd(CENT))));
    await storeLimits(bench, "user:1", []);
    ok(isHeld(await reserve(bench, chain, usd(CENT))));
  },
  "stores limits for a scope that nobody has used": async (bench) => {
    await storeLimits(bench, "user:new", [{ window: "month", usd: 1 }]);
    ok(isHeld(await reserve(bench, [link("user:new")], usd(DOLLAR))));
    equal((await reserve(bench, [link("user:new")], usd(1))).outcome, "denied");
    bench.advance(40 * DAY);
    equal((await reserve(bench, [link("user:new")], usd(DOLLAR + 1))).outcome, "denied");
    ok(isHeld(await reserve(bench, [link("user:new")], usd(DOLLAR))));
  },
});

promise("an administrator's word holds at once", {
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
});

promise("a reset is final for what began before it", {
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
});

promise("an alert fires once a period", {
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

promise("data that is not ours denies, and is left as it is", {
  "names the field that somebody else wrote": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await record(bench, chain, usd(CENT));
    const good = await bench.fields("user:1");
    const broken: Record<string, string[]> = {
      c: ["", "garbage", "1 2 3;", (good.c ?? "").replace(/\d+,\d+,\d+;$/, "1e5,0,0;"), `${good.c}1,1,1;`],
      s: ["", "-", `${good.s}x`, (good.s ?? "").replace("- -;", "- x;")],
      w: [
        "",
        "day",
        `${good.w}month`,
        (good.w ?? "").replace("-,-,-", "-,-"),
        (good.w ?? "").replace("-,-,-", "1-2,-,-"),
      ],
    };
    for (const [field, texts] of Object.entries(broken)) {
      for (const text of texts) {
        await bench.tamper("user:1", field, text);
        const before = await bench.fields("user:1");
        const isData = { name: "StoreDataError" };
        await rejects(reserve(bench, chain, usd(CENT)), isData, `reserve with ${field} = ${text}`);
        await rejects(record(bench, chain, usd(CENT)), isData, `record with ${field} = ${text}`);
        await rejects(check(bench, chain), isData, `check with ${field} = ${text}`);
        deepEqual(await bench.fields("user:1"), before);
      }
      await bench.tamper("user:1", field, good[field] ?? "");
    }
    ok(isHeld(await reserve(bench, chain, usd(CENT))));
  },
  "denies what a newer version has written": async (bench) => {
    const chain = [link("user:1", [])];
    await record(bench, chain, usd(CENT));
    const { c = "" } = await bench.fields("user:1");
    await bench.tamper("user:1", "c", c.replace(/^1 /, "2 "));
    await rejects(reserve(bench, chain, usd(CENT)), { code: "LAYOUT_TOO_NEW" });
    await rejects(check(bench, chain), { code: "LAYOUT_TOO_NEW" });
  },
  "denies an account that has vanished, until it is reset": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(CENT), { id: "a" });
    await bench.loseAccount("user:1");
    await rejects(check(bench, chain), { code: "STATE_LOST" });
    await rejects(reserve(bench, chain, usd(CENT)), { code: "STATE_LOST" });
    await rejects(record(bench, chain, usd(CENT)), { code: "STATE_LOST" });
    await rejects(settle(bench, chain, "a", usd(CENT)), { code: "STATE_LOST" });
    await bench.store.reset(administer(bench, "user:1"));
    const refused = await reserve(bench, chain, usd(CENT));
    ok(refused.outcome === "paused" && refused.reason?.includes("lost"));
    await bench.store.resume(administer(bench, "user:1"));
    ok(isHeld(await reserve(bench, chain, usd(CENT))));
  },
});
