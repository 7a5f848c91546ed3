/** Admissions, in the ledger's own order: none past a limit, none while paused, no refusal without a reason. */
import { limitsOf } from "../budgets.ts";
import type { JournaledOperation, SeenWindow, SentReserve, Told, Triple } from "../journal.ts";
import { METRIC_PLACE, minus, plus, smaller, ZERO } from "./amounts.ts";
import { windowStart } from "./calendar.ts";
import type { Applied, AppliedCall, AppliedChange, Contradict } from "./calls.ts";
import { groupBy } from "./group-by.ts";

export function checkAdmissions(
  operations: JournaledOperation[],
  applied: Applied,
  contradict: Contradict,
): void {
  for (const { sent, told } of operations) {
    if (sent.kind !== "reserve" || told === undefined) continue;
    if (told.outcome === "held" && !told.replayed) checkSeen(sent, told, contradict);
    if (told.outcome === "denied") checkDenial(sent, told, contradict);
  }
  const byId = groupBy(operations, ({ sent }) => [sent.id]);
  const calls = groupBy(applied.calls, (call) => call.scopes);
  const changes = groupBy(applied.changes, ({ scope }) => [scope]);
  for (const [scope, own] of calls) {
    checkScope({ scope, events: eventsOf(own, changes.get(scope) ?? []), byId }, contradict);
  }
  checkPaused(operations, applied, contradict);
  checkCrossings(operations, contradict);
}

/** What the answer shows, the own hold counted in. */
function checkSeen(sent: SentReserve, told: Told, contradict: Contradict): void {
  for (const { scope, window, metric, limit } of limitsOfChain(sent)) {
    const counted = committedOf(told.windows, scope, window)[METRIC_PLACE[metric]];
    if (counted > limit) {
      contradict(`${sent.id}: it was admitted with ${counted} of ${limit} ${metric} a ${window} of ${scope}`);
    }
  }
}

function checkDenial(sent: SentReserve, told: Told, contradict: Contradict): void {
  const isPast = limitsOfChain(sent).some(({ scope, window, metric, limit }) => {
    const place = METRIC_PLACE[metric];
    return committedOf(told.windows, scope, window)[place] + (sent.asked[place] ?? 1) > limit;
  });
  if (!isPast) contradict(`${sent.id}: it was denied, and every budget had room`);
}

function limitsOfChain({ scopes }: SentReserve) {
  return scopes.flatMap((scope) => limitsOf(scope).map((limit) => ({ scope, ...limit })));
}

function committedOf(windows: SeenWindow[], scope: string, window: string): Triple {
  const seen = windows.find(([ofScope, name]) => ofScope === scope && name === window);
  return seen === undefined ? [...ZERO] : plus(seen[2], seen[3]);
}

interface ScopeInput {
  scope: string;
  events: ScopeEvent[];
  byId: Map<string, JournaledOperation[]>;
}

interface ScopeEvent {
  atMicros: number;
  call?: AppliedCall;
  change?: "reset" | "pause" | "resume";
}

/**
 * Goes through a scope's admissions, records and resets in the order of the ledger's clock, which is strict, and adds
 * up the least that must have been committed: a hold counts in full until somebody has sent a closing of it.
 */
function checkScope({ scope, events, byId }: ScopeInput, contradict: Contradict): void {
  const tally = new Tally(scope);
  let isPaused = false;
  let knownMicros = 0;
  for (const { atMicros, call, change } of events) {
    if (change === "reset") tally.clear();
    if (change === "pause" || change === "resume") isPaused = change === "pause";
    if (call === undefined) continue;
    const operations = byId.get(call.id) ?? [];
    const reserve = operations.find(({ sent, told }) => sent.kind === "reserve" && told?.outcome === "held");
    if (operations.some(({ sent }) => sent.kind === "reserve") && isPaused) {
      contradict(`${call.id}: it was admitted while ${scope} was paused`);
    }
    knownMicros = Math.max(knownMicros, reserve?.endedAtMicros ?? 0);
    tally.closeUntil(knownMicros);
    const passed = tally.add(call, atMicros, closingsOf(call, operations));
    if (passed !== undefined && reserve !== undefined) {
      contradict(`${call.id}: it was admitted when at least ${passed} were committed in ${scope}`);
    }
  }
}

function eventsOf(calls: AppliedCall[], changes: AppliedChange[]): ScopeEvent[] {
  const events: ScopeEvent[] = [
    ...calls.map((call) => ({ atMicros: call.startMicros, call })),
    ...changes.map(({ atMicros, kind }) => ({ atMicros, change: kind })),
  ];
  return events.sort((a, b) => a.atMicros - b.atMicros);
}

/** The least that a call may count for from the moment on at which a closing of it was sent first. */
function closingsOf(call: AppliedCall, operations: JournaledOperation[]) {
  let least = call.held;
  let fromMicros = Number.POSITIVE_INFINITY;
  for (const { sent, sentAtMicros } of operations) {
    if (sent.kind !== "settle" && sent.kind !== "release") continue;
    fromMicros = Math.min(fromMicros, sentAtMicros);
    const actual = sent.kind === "release" ? ZERO : (sent.actual ?? call.held);
    least = smaller(least, [actual[0], actual[1], call.held[2]]);
  }
  // Only what was released gives its request back.
  if (operations.some(({ sent }) => sent.kind === "release")) least = [least[0], least[1], 0];
  return { least, fromMicros };
}

/** The least that is committed in each window of a scope. */
class Tally {
  readonly #limits: ReturnType<typeof limitsOf>;
  readonly #sums = new Map<string, { startMs: number; sum: Triple }>();
  /** Calls that no closing was sent of as far as is known, by the time of the first one. */
  #open: { fromMicros: number; startMicros: number; excess: Triple }[] = [];
  #sinceMicros = 0;

  constructor(scope: string) {
    this.#limits = limitsOf(scope);
  }

  clear(): void {
    this.#sums.clear();
    this.#open = [];
  }

  closeUntil(atMicros: number): void {
    if (atMicros <= this.#sinceMicros) return;
    this.#sinceMicros = atMicros;
    const closed = this.#open.filter(({ fromMicros }) => fromMicros <= atMicros);
    if (closed.length === 0) return;
    this.#open = this.#open.filter(({ fromMicros }) => fromMicros > atMicros);
    for (const { startMicros, excess } of closed) {
      for (const entry of this.#sums.values()) {
        if (startMicros >= entry.startMs * 1000) entry.sum = minus(entry.sum, excess);
      }
    }
  }

  /** @returns what is committed at least, where that is past a limit. */
  add(
    call: AppliedCall,
    atMicros: number,
    { least, fromMicros }: ReturnType<typeof closingsOf>,
  ): string | undefined {
    const isRecord = call.held.every((amount) => amount === 0);
    const full = isRecord ? call.settled : call.held;
    const isOpen = !isRecord && fromMicros > this.#sinceMicros;
    const counted = isRecord || isOpen ? full : least;
    if (isOpen && fromMicros !== Number.POSITIVE_INFINITY)
      this.#open.push({ fromMicros, startMicros: call.startMicros, excess: minus(full, least) });
    let passed: string | undefined;
    for (const window of new Set(this.#limits.map((limit) => limit.window))) {
      const startMs = windowStart(window, atMicros / 1000);
      const known = this.#sums.get(window);
      const before = known?.startMs === startMs ? known.sum : ZERO;
      this.#sums.set(window, { startMs, sum: plus(before, counted) });
      for (const { metric, limit } of this.#limits.filter((each) => each.window === window)) {
        const place = METRIC_PLACE[metric];
        if (before[place] + full[place] > limit)
          passed = `${before[place]} of ${limit} ${metric} a ${window}`;
      }
    }
    return passed;
  }
}

/**
 * Who was told of a pause asked while one may have been in force. A refusal has no place in the ledger's order, so the
 * callers' clock decides: from when the pause was sent until the resume after it was confirmed.
 */
function checkPaused(operations: JournaledOperation[], { changes }: Applied, contradict: Contradict): void {
  const switches = changes.filter(({ kind }) => kind !== "reset").sort((a, b) => a.atMicros - b.atMicros);
  const pausesByScope = new Map<string, { fromMicros: number; toMicros: number }[]>();
  for (const [scope, own] of groupBy(switches, (change) => [change.scope])) {
    const pauses = own.flatMap(({ kind, sentAtMicros }, place) => {
      if (kind !== "pause") return [];
      const resume = own.slice(place).find((later) => later.kind === "resume");
      return { fromMicros: sentAtMicros, toMicros: resume?.confirmedAtMicros ?? Number.POSITIVE_INFINITY };
    });
    pausesByScope.set(scope, pauses);
  }
  for (const { sent, sentAtMicros, endedAtMicros = 0, told } of operations) {
    if (sent.kind !== "reserve" || told?.outcome !== "paused") continue;
    const pauses = sent.scopes.flatMap((scope) => pausesByScope.get(scope) ?? []);
    const isTrue = pauses.some(
      (pause) => pause.fromMicros <= endedAtMicros && pause.toMicros >= sentAtMicros,
    );
    if (!isTrue) contradict(`${sent.id}: it was told of a pause that was not`);
  }
}

/** A threshold fires once, for one operation. */
function checkCrossings(operations: JournaledOperation[], contradict: Contradict): void {
  const firedBy = new Map<string, string>();
  for (const { sent, told } of operations) {
    for (const crossing of told?.crossings ?? []) {
      const first = firedBy.get(crossing) ?? sent.id;
      firedBy.set(crossing, first);
      if (first !== sent.id) contradict(`${crossing}: it fired for ${first} and again for ${sent.id}`);
    }
  }
}
