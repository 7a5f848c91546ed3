/** What callers do: calls held and settled in every way, records, resets, pauses; each errand drawn from its own random numbers. */
import { setTimeout as delay } from "node:timers/promises";
import { CHAINS, STANDING_SCOPES } from "./budgets.ts";
import type { SentChange, SentReserve, SentSettle, Told, Triple } from "./journal.ts";
import type { JournaledStore } from "./journaled-store.ts";
import type { Random } from "./random.ts";

export interface Errand {
  /** Unique in the run: operations are named after it. */
  name: string;
  random: Random;
  /** The caller's own way to the ledger, and another one. */
  store: JournaledStore;
  otherStore: JournaledStore;
  clock: () => number;
  /** Holds of this process that are to be closed after their expiry. */
  late: LateHold[];
  /** A scope that begins in this run, a few errands old. */
  youngScope: string;
}

export interface LateHold {
  reserve: SentReserve;
  expiresAtMs: number;
}

const MODELS = ["openai/gpt-5-mini", "openai/gpt-5.5", "anthropic/claude-haiku-4-5", "-"] as const;

export async function runErrand(errand: Errand): Promise<void> {
  const run = errand.random.weighted<(errand: Errand) => Promise<void>>([
    [64, call],
    [6, sharedCall],
    [16, record],
    [8, closeLate],
    [4, reset],
    [0.7, pauseAndResume],
    [0.5, resume],
  ]);
  await run(errand);
}

/** A hold, and then one of the ways in which holds end. */
async function call(errand: Errand): Promise<void> {
  const { random, store } = errand;
  const reserve = reserveOf(errand);
  let told = await store.send(reserve);
  if (told === undefined) told = await afterLostReserve(errand, reserve);
  if (told?.outcome !== "held") return;
  await delay(random.chance(0.1) ? random.below(150) : random.below(8));
  await random.weighted<() => Promise<unknown>>([
    [50, () => settle(errand, reserve, "reported")],
    [10, () => settle(errand, reserve, "estimated")],
    [8, () => correct(errand, reserve)],
    [6, () => settleTwice(errand, reserve)],
    [10, () => release(errand, reserve)],
    [8, () => abandon()],
    [8, () => postpone(errand, reserve, told)],
  ])();
}

/** As a meter does: what the attempt may hold is given back. Or the user tries again, after that or at once, or the caller is gone. */
async function afterLostReserve(errand: Errand, reserve: SentReserve): Promise<Told | undefined> {
  const next = errand.random.weighted<"give back" | "try again" | "both" | "leave">([
    [40, "give back"],
    [25, "try again"],
    [20, "both"],
    [15, "leave"],
  ]);
  if (next === "give back" || next === "both") await giveBack(errand, reserve);
  if (next === "give back" || next === "leave") return undefined;
  return errand.store.send({ ...reserve, attempt: `${reserve.attempt}-again` });
}

async function giveBack({ store }: Errand, { id, scopes, attempt }: SentReserve): Promise<void> {
  const told = await store.send({ kind: "release", id, scopes, hash: `give-back-${attempt}`, attempt });
  if (told === undefined)
    await store.send({ kind: "release", id, scopes, hash: `give-back-${attempt}`, attempt });
}

/** Two callers reserve under one id, over two ways; who of them gets nothing, or no longer waits, gives up what it made. */
async function sharedCall(errand: Errand): Promise<void> {
  const { store, otherStore } = errand;
  const reserve = reserveOf(errand);
  const other: SentReserve = { ...reserve, attempt: `${reserve.attempt}-other` };
  const [told, otherTold] = await Promise.all([store.send(reserve), otherStore.send(other)]);
  if (told === undefined) await giveBack(errand, reserve);
  if (otherTold === undefined || errand.random.chance(0.3)) {
    await giveBack({ ...errand, store: otherStore }, other);
  }
  if (told?.outcome === "held" || otherTold?.outcome === "held") await settle(errand, reserve, "reported");
}

async function settle(errand: Errand, reserve: SentReserve, source: SentSettle["source"]): Promise<void> {
  await sendUntilTold(errand, settleOf(errand, reserve, source));
}

/** First what an aborted stream is estimated at, then what the provider reports. */
async function correct(errand: Errand, reserve: SentReserve): Promise<void> {
  await settle(errand, reserve, "estimated");
  await settle(errand, reserve, "reported");
}

/** The second one has other amounts: the first must stay. */
async function settleTwice(errand: Errand, reserve: SentReserve): Promise<void> {
  await Promise.all([
    settle(errand, reserve, "reported"),
    settle({ ...errand, store: errand.otherStore }, reserve, "reported"),
  ]);
}

async function release(errand: Errand, { id, scopes }: SentReserve): Promise<void> {
  await sendUntilTold(errand, { kind: "release", id, scopes, hash: "release", attempt: null });
}

/** The caller dies, or forgets: the hold becomes spend. */
async function abandon(): Promise<void> {}

async function postpone({ late }: Errand, reserve: SentReserve, told: Told | undefined): Promise<void> {
  if (told?.expiresAtMs !== undefined) late.push({ reserve, expiresAtMs: told.expiresAtMs });
}

async function closeLate(errand: Errand): Promise<void> {
  const { late, clock, random } = errand;
  const place = late.findIndex(({ expiresAtMs }) => expiresAtMs < clock());
  const [hold] = place < 0 ? [] : late.splice(place, 1);
  if (hold === undefined) return call(errand);
  await random.weighted<() => Promise<void>>([
    [6, () => settle(errand, hold.reserve, "reported")],
    [2, () => settle(errand, hold.reserve, "estimated")],
    [2, () => correct(errand, hold.reserve)],
    [2, () => release(errand, hold.reserve)],
  ])();
}

async function record(errand: Errand): Promise<void> {
  await sendUntilTold(errand, {
    kind: "record",
    id: errand.name,
    ...chainOf(errand),
    hash: "record",
    actual: actualOf(errand.random),
    ...modelOf(errand.random),
  });
}

const reset = (errand: Errand): Promise<void> => change(errand, "reset", errand.random.pick(STANDING_SCOPES));

async function pauseAndResume(errand: Errand): Promise<void> {
  const scope = errand.random.pick(STANDING_SCOPES);
  await change(errand, "pause", scope);
  await delay(errand.random.below(120));
  await change(errand, "resume", scope);
}

/** Whoever paused a scope may be dead. */
async function resume(errand: Errand): Promise<void> {
  for (const scope of STANDING_SCOPES) await change(errand, "resume", scope);
}

async function change(errand: Errand, kind: SentChange["kind"], scope: string): Promise<void> {
  await sendUntilTold(errand, { kind, id: `${errand.name}.${kind}.${scope}`, scopes: [scope], hash: kind });
}

/** The same again and again, as far as the caller's patience goes. */
async function sendUntilTold(
  { store, random }: Errand,
  operation: Parameters<JournaledStore["send"]>[0],
): Promise<void> {
  do {
    if ((await store.send(operation)) !== undefined) return;
  } while (random.chance(0.75));
}

function reserveOf(errand: Errand): SentReserve {
  const { name, random } = errand;
  const { below } = random;
  return {
    kind: "reserve",
    id: name,
    ...chainOf(errand),
    hash: "reserve",
    attempt: name,
    asked: [1 + below(2_000_000), random.chance(0.1) ? null : below(2_000), 1],
    expiresInSeconds: random.pick([1, 30, 60, 150]),
  };
}

function settleOf({ random }: Errand, reserve: SentReserve, source: SentSettle["source"]): SentSettle {
  const { id, scopes } = reserve;
  const actual = source === "estimated" && random.chance(0.5) ? null : actualOf(random);
  const hash = `${source}-${actual?.join("-") ?? "held"}`;
  return { kind: "settle", id, scopes, hash, source, actual, ...modelOf(random) };
}

function actualOf(random: Random): Triple {
  // Now and then a call costs far more than was held for it.
  const most = random.chance(0.03) ? 6_000_000 : 1_200_000;
  return [random.below(most), random.below(1_200), 1];
}

function modelOf(random: Random): { model: string; tokenKinds: number[] } {
  return { model: random.pick(MODELS), tokenKinds: [random.below(1_000), 0, 0, 0, random.below(500)] };
}

/** Young scopes are always named with their limits, or their first caller would open them without. */
function chainOf({ random, youngScope }: Errand): Pick<SentReserve, "scopes" | "limits"> {
  const chain = random.pick(CHAINS);
  if (random.chance(0.08)) return { scopes: [youngScope, ...chain], limits: "sent" };
  return { scopes: chain, limits: random.chance(0.7) ? "sent" : "recorded" };
}
