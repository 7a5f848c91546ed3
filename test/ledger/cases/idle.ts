/** Scopes by the million, such as runs: their accounts go when they are idle. `loseAccount` is what idleness does. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Budget } from "../../../src/ledger/budgets.ts";
import type { ChainLink } from "../../../src/ledger/store.ts";
import {
  administer,
  type Bench,
  CENT,
  check,
  counted,
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

const THREE_DAYS_SECONDS = 259_200;
const org = link("org:acme", [{ window: "month", usd: 5 }]);

function run(scope: string, budgets?: Budget[]): ChainLink {
  return { ...link(scope, budgets), forgetAfterIdleSeconds: THREE_DAYS_SECONDS };
}

async function idleOf(bench: Bench, scope: string) {
  const [seconds, bornMicros] = ((await bench.fields(scope)).idle ?? "").split(" ");
  return { seconds, bornMicros };
}

export const IDLE_CASES: StoreCase[] = promise("an account that goes when it is idle", {
  "begins anew, and its parent goes on counting": async (bench) => {
    const chain = [run("run:1", [{ window: "total", usd: 1 }]), org];
    await record(bench, chain, usd(DOLLAR));
    equal((await reserve(bench, chain, usd(CENT))).outcome, "denied");
    await bench.loseAccount("run:1");
    const answer = await reserve(bench, chain, usd(DOLLAR));
    ok(isHeld(answer));
    deepEqual(counted(answer, "run:1", "total"), [0, DOLLAR]);
    deepEqual(counted(answer, "org:acme", "month"), [DOLLAR, DOLLAR]);
  },
  "is passed over by a settle, a release and a correction that come later": async (bench) => {
    const chain = [run("run:1"), org];
    for (const id of ["a", "b", "c"]) await reserve(bench, chain, usd(DOLLAR), { id });
    await settle(bench, chain, "c", usd(DOLLAR), { source: "estimated" });
    await bench.loseAccount("run:1");
    const settled = await settle(bench, chain, "a", usd(20 * CENT));
    equal(settled.outcome, "booked");
    deepEqual(
      settled.accounts.map(({ exists }) => exists),
      [false, true],
    );
    equal((await release(bench, chain, "b")).outcome, "booked");
    equal((await settle(bench, chain, "c", usd(10 * CENT))).outcome, "booked");
    deepEqual(await standing(bench, "org:acme"), [30 * CENT, 0]);
    equal((await check(bench, [run("run:1")])).accounts[0]?.exists, false);
  },
  "is not touched by the settle of a hold from before": async (bench) => {
    const chain = [run("run:1"), org];
    await reserve(bench, chain, usd(DOLLAR), { id: "old" });
    await bench.loseAccount("run:1");
    bench.advance(1_000);
    await reserve(bench, chain, usd(CENT), { id: "new" });
    const answer = await settle(bench, chain, "old", usd(50 * CENT));
    deepEqual(counted(answer, "run:1", "month"), [0, CENT]);
    deepEqual(counted(answer, "org:acme", "month"), [50 * CENT, CENT]);
  },
  "has no part in a correction of a call from before, whoever made it anew": async (bench) => {
    for (const [scope, anew] of [
      ["run:1", run("run:1")],
      ["run:2", link("run:2")],
    ] as const) {
      const chain = [run(scope), org];
      await reserve(bench, chain, usd(DOLLAR), { id: scope });
      await settle(bench, chain, scope, usd(DOLLAR), { source: "estimated" });
      await bench.loseAccount(scope);
      bench.advance(1_000);
      await reserve(bench, [anew, org], usd(CENT));
      const before = await bench.fields(scope);
      const answer = await settle(bench, chain, scope, usd(20 * CENT));
      equal(answer.outcome, "booked");
      deepEqual(counted(answer, scope, "month"), [0, CENT]);
      deepEqual(await bench.fields(scope), before);
    }
    deepEqual(await standing(bench, "org:acme"), [40 * CENT, 2 * CENT]);
  },
  "says when it was made: each time that it begins anew": async (bench) => {
    for (let time = 0; time < 2; time += 1) {
      const bornMicros = String(bench.nowMs() * 1_000);
      await record(bench, [run("run:1")], usd(CENT));
      bench.advance(1_000);
      await record(bench, [run("run:1")], usd(CENT));
      equal((await idleOf(bench, "run:1")).bornMicros, bornMicros);
      await bench.loseAccount("run:1");
    }
  },
  "tells its parent's thresholds by the parent's own name": async (bench) => {
    const chain = [run("run:1"), org];
    await reserve(bench, chain, usd(DOLLAR), { id: "a" });
    await bench.loseAccount("run:1");
    const answer = await settle(bench, chain, "a", usd(5 * DOLLAR), { thresholds: [0.9] });
    ok(answer.outcome === "booked");
    deepEqual(
      answer.crossings.map(({ scope, threshold }) => [scope, threshold]),
      [["org:acme", 0.9]],
    );
  },
  "is paused and reset like any other, and is back without its pause": async (bench) => {
    const operation = (id: string) => ({ ...administer(bench, "run:1", id), chain: [run("run:1")] });
    await bench.store.pause({ ...operation("p"), reason: "lunch" });
    equal((await reserve(bench, [run("run:1"), org], usd(CENT))).outcome, "paused");
    await bench.loseAccount("run:1");
    equal((await bench.store.reset(operation("r"))).outcome, "applied");
    ok(isHeld(await reserve(bench, [run("run:1"), org], usd(CENT))));
  },
  "is made so by its first caller: one that was made to stay does": async (bench) => {
    await record(bench, [link("run:1")], usd(CENT));
    await record(bench, [run("run:1")], usd(CENT));
    equal((await bench.fields("run:1")).idle, undefined);
    await bench.loseAccount("run:1");
    await rejects(reserve(bench, [link("run:1")], usd(CENT)), { code: "STATE_LOST" });
  },
  "goes by the last word of its callers on how long": async (bench: Bench) => {
    await record(bench, [run("run:1")], usd(CENT));
    equal((await idleOf(bench, "run:1")).seconds, "259200");
    await record(bench, [link("run:1")], usd(CENT));
    equal((await idleOf(bench, "run:1")).seconds, "259200");
    await record(bench, [{ ...link("run:1"), forgetAfterIdleSeconds: 864_000 }], usd(CENT));
    equal((await idleOf(bench, "run:1")).seconds, "864000");
  },
});
