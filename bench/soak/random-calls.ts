/** Random reserves, and what becomes of each: settled, released, left to expire, late, doubled; by many callers at once. */
import { randomId } from "../../src/ledger/operation-id.ts";
import type { Amounts, Booking, CloseAnswer, ReserveOperation, Store } from "../../src/ledger/store.ts";
import type { SoakClock } from "./clock.ts";
import type { Journal, JournalCall } from "./journal.ts";
import type { Random } from "./random.ts";
import { LARGEST_HOLD, type Scopes } from "./scopes.ts";

export interface RandomCalls {
  store: Store;
  namespace: string;
  scopes: Scopes;
  clock: SoakClock;
  random: Random;
  journal: Journal;
  counts: CallCounts;
}

export interface CallCounts {
  reserves: number;
  held: number;
  denied: number;
  settled: number;
  released: number;
  leftToExpire: number;
  late: number;
  doubled: number;
}

/** Out of 1,000 calls. */
const DOUBLED = 30;
const LEFT_TO_EXPIRE = 100;
const RELEASED = 100;
const OVERRUN = 30;
const ESTIMATED = 100;
const SETTLED_AGAIN = 20;

/** Of the clock, over a run. */
const JUMPS = 40;
/** Holds that wait for their close: at most so many at a time. */
const MAX_OPEN = 2_000;
/** How many of the calls whose hold expired come back with a late close. */
const LATE_SHARE = 0.5;

const RELEASED_AMOUNTS: Amounts = { nanoUsd: 0, tokens: 0, requests: 0 };

export async function makeRandomCalls(
  run: RandomCalls,
  { reserves, callers }: { reserves: number; callers: number },
): Promise<void> {
  const holds: Holds = { open: [], expiring: [] };
  const callUntil = async (isEnough: () => boolean) => {
    const call = async () => {
      while (!isEnough()) await callOnce(run, { holds, reserves });
    };
    await Promise.all(Array.from({ length: callers }, call));
  };
  // The clock jumps between two operations: one that meets a jump at each of its tries would give up.
  for (let jumps = 0; jumps <= JUMPS; jumps += 1) {
    await callUntil(() => run.counts.reserves >= (reserves * (jumps + 1)) / (JUMPS + 1));
    if (jumps < JUMPS) run.clock.jump();
  }
  await callUntil(() => holds.open.length === 0);
}

interface Holds {
  /** Waiting for their close. */
  open: JournalCall[];
  /** Left alone until they have expired. */
  expiring: JournalCall[];
}

async function callOnce(
  run: RandomCalls,
  { holds, reserves }: { holds: Holds; reserves: number },
): Promise<void> {
  const { counts, random, clock } = run;
  const { open, expiring } = holds;
  const areAllMade = counts.reserves >= reserves;
  const isClosing = open.length > 0 && (areAllMade || open.length >= MAX_OPEN || random.share() < 0.5);
  if (isClosing) await closeOne(run, takeAny(open, random));
  else if (!areAllMade) await reserveOne(run, holds);
  const expired = takeExpired(expiring, clock.nowMs());
  if (expired !== undefined && random.share() < LATE_SHARE) {
    counts.late += 1;
    await closeOne(run, expired);
  }
}

async function reserveOne(run: RandomCalls, { open, expiring }: Holds): Promise<void> {
  const { random, journal, counts, clock } = run;
  clock.tick();
  counts.reserves += 1;
  const operation = reserveOf(run);
  const call = await admitted(run, operation);
  if (call === undefined) return;
  counts.held += 1;
  if (random.whole(1, 1_000) <= LEFT_TO_EXPIRE) {
    counts.leftToExpire += 1;
    expiring.push(call);
  } else {
    open.push(call);
  }
  if (journal.problemCount > 1_000) throw new Error("More than a thousand problems: the run ends here.");
}

/** The admitted call; undefined when it was denied. */
async function admitted(run: RandomCalls, operation: ReserveOperation): Promise<JournalCall | undefined> {
  const { store, journal, counts, random } = run;
  const isDoubled = random.whole(1, 1_000) <= DOUBLED;
  if (isDoubled) counts.doubled += 1;
  const answers = await Promise.all(
    Array.from({ length: isDoubled ? 2 : 1 }, () => store.reserve(operation)),
  );
  const helds = answers.filter((answer) => answer.outcome === "held");
  const { id, chain } = operation;
  for (const answer of answers) {
    if (answer.outcome === "denied") counts.denied += 1;
    else if (answer.outcome !== "held") journal.report(`the reserve ${id} was ${answer.outcome}`);
    if (answer.outcome === "denied" && answer.denials.length === 0)
      journal.report(`${id} was denied by nothing`);
  }
  const first = helds.find(({ replayed }) => !replayed);
  if (first === undefined) {
    if (helds.length > 0) journal.report(`${id} was replayed and never admitted`);
    return undefined;
  }
  if (helds.length === 2 && helds.every(({ replayed }) => !replayed))
    journal.report(`${id} was admitted twice`);
  const { held, startedAtMicros, expiresAtMs } = first;
  return journal.admit({ id, chain, held, startedAtMs: startedAtMicros / 1000, expiresAtMs }, first);
}

function reserveOf({ namespace, scopes, random }: RandomCalls): ReserveOperation {
  return {
    namespace,
    chain: scopes.chain(random),
    id: randomId(),
    argumentsHash: "0123456789abcdef",
    retentionSeconds: 86_400,
    attempt: randomId(),
    requested: {
      nanoUsd: random.whole(1, LARGEST_HOLD.nanoUsd),
      tokens: random.whole(1, LARGEST_HOLD.tokens),
      requests: 1,
    },
    expiresInSeconds: random.pick([1, 60, 600, 3_600, 93_600]),
  };
}

async function closeOne(run: RandomCalls, call: JournalCall): Promise<void> {
  const { random, counts } = run;
  const fate = random.whole(1, 1_000);
  if (fate <= RELEASED) {
    counts.released += 1;
    await close(run, call, { source: "released" });
    return;
  }
  counts.settled += 1;
  const source = random.whole(1, 1_000) <= ESTIMATED ? "estimated" : "reported";
  await close(run, call, { source, actual: spentOf(run, call) });
  // What was only estimated is corrected once; what was reported stands, and who reports another amount is told so.
  if (random.whole(1, 1_000) <= SETTLED_AGAIN || (source === "estimated" && random.share() < 0.5)) {
    const actual = spentOf(run, call);
    const isAgain = source === "reported";
    if (isAgain && actual.nanoUsd === call.told.nanoUsd && actual.tokens === call.told.tokens) return;
    await close(run, call, { source: "reported", actual, isAgain });
  }
}

function spentOf({ random }: RandomCalls, { held }: JournalCall): Amounts {
  const share = random.whole(1, 1_000) <= OVERRUN ? 1 + random.share() : random.share();
  return {
    nanoUsd: Math.floor(held.nanoUsd * share),
    tokens: Math.floor(held.tokens * share),
    requests: held.requests,
  };
}

type Closing =
  | { source: "released" }
  | { source: "reported" | "estimated"; actual: Amounts; isAgain?: boolean };

async function close(run: RandomCalls, call: JournalCall, closing: Closing): Promise<void> {
  const { journal, random, counts } = run;
  const least = closing.source === "released" ? RELEASED_AMOUNTS : closing.actual;
  const isAgain = closing.source !== "released" && closing.isAgain === true;
  if (!isAgain) journal.closing(call, least);
  const isDoubled = random.whole(1, 1_000) <= DOUBLED;
  if (isDoubled) counts.doubled += 1;
  const send = sendOf(run, call, closing);
  const answers = await Promise.all(Array.from({ length: isDoubled ? 2 : 1 }, send));
  for (const answer of answers) {
    const expected = isAgain ? "done" : "booked";
    if (answer.outcome !== expected)
      journal.report(`a ${closing.source} close of ${call.id} was ${answer.outcome}`);
  }
  const booking = bookingIn(answers);
  if (booking === undefined || isAgain) return;
  if (answers.every((answer) => answer.outcome === "booked" && answer.replayed)) {
    journal.report(`the close of ${call.id} was only ever replayed`);
  }
  const { actual, source } = booking;
  if (source !== closing.source) journal.report(`the close of ${call.id} was booked as ${source}`);
  if (actual.nanoUsd !== least.nanoUsd || actual.tokens !== least.tokens) {
    journal.report(`the close of ${call.id} was booked at other amounts`);
  }
  call.told = closing.source === "released" ? RELEASED_AMOUNTS : { ...actual, requests: call.held.requests };
}

function sendOf(
  { store, namespace }: RandomCalls,
  { id, chain }: JournalCall,
  closing: Closing,
): () => Promise<CloseAnswer> {
  const operation = { namespace, chain, id, argumentsHash: "", retentionSeconds: 86_400 };
  if (closing.source === "released") {
    return () => store.release({ ...operation, argumentsHash: "00000000000000aa" });
  }
  const { source, actual } = closing;
  const argumentsHash = `${source.slice(0, 1)}-${actual.nanoUsd}-${actual.tokens}`;
  const model = "openai/gpt-4o-mini";
  return () =>
    store.settle({ ...operation, argumentsHash, source, actual, model, alertThresholds: [0.8, 1] });
}

function bookingIn(answers: CloseAnswer[]): Booking | undefined {
  return answers.find((answer) => answer.outcome === "booked")?.booking;
}

function takeAny(list: JournalCall[], random: Random): JournalCall {
  const place = random.whole(0, list.length - 1);
  const [last, taken] = [list.pop(), list[place]];
  if (last === undefined) throw new RangeError("There is nothing to take.");
  if (taken === undefined) return last;
  list[place] = last;
  return taken;
}

/** A call whose hold has expired, of the oldest few. */
function takeExpired(expiring: JournalCall[], nowMs: number): JournalCall | undefined {
  const place = expiring.slice(0, 20).findIndex(({ expiresAtMs }) => expiresAtMs < nowMs);
  return place < 0 ? undefined : expiring.splice(place, 1)[0];
}
