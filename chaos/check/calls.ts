/** Each operation's record against what its caller sent and was told: which operations the ledger has applied. */
import type {
  JournaledOperation,
  SentChange,
  SentRecord,
  SentReserve,
  SentSettle,
  Told,
  Triple,
} from "../journal.ts";
import type { CallRecord, LedgerRecord, LedgerState } from "../ledger-state.ts";
import { groupBy } from "./group-by.ts";

/** A call that the ledger has: what it must count, where and when. */
export interface AppliedCall {
  id: string;
  scopes: string[];
  startMicros: number;
  held: Triple;
  /** What is settled in the windows that it counts in, now that every hold has expired. */
  settled: Triple;
  /** Its row in history; missing when it was given back. */
  row?: { atMicros: number; name: string; source: string; tokenKinds: number[] };
}

/** An administrator's operation that the ledger has. */
export interface AppliedChange {
  id: string;
  kind: SentChange["kind"];
  scope: string;
  atMicros: number;
  /** When it was sent first, and when it was confirmed first, by the steady clock. */
  sentAtMicros: number;
  confirmedAtMicros: number;
}

export interface Applied {
  calls: AppliedCall[];
  changes: AppliedChange[];
}

/** Takes one contradiction between journal and ledger, as a sentence. */
export type Contradict = (text: string) => void;

export interface CallsInput {
  operations: JournaledOperation[];
  state: LedgerState;
  /** Whether a fault may have sent an operation twice, or later than its caller was told. */
  isFaulted: (operation: JournaledOperation) => boolean;
}

export function checkCalls({ operations, state, isFaulted }: CallsInput, contradict: Contradict): Applied {
  const applied: Applied = { calls: [], changes: [] };
  const byId = groupBy(operations, ({ sent }) => [sent.id]);
  for (const id of state.records.keys()) {
    if (!byId.has(id)) contradict(`${id}: the ledger has a record of an operation that nobody sent`);
  }
  for (const [id, own] of byId) {
    const record = state.records.get(id);
    const say: Contradict = (text) => contradict(`${id}: ${text}`);
    for (const { sent, told, failed } of own) {
      if (told?.outcome === "conflict") say(`the ${sent.kind} met a conflict that nobody made`);
      if (failed !== undefined && !failed.startsWith("STORE_UNAVAILABLE"))
        say(`the ${sent.kind} failed: ${failed}`);
    }
    const change = own.find(isChange);
    if (change !== undefined) checkChange(change.sent, { own, record, applied, say });
    else if (own.some(isRecord)) checkRecord({ own, record, applied, say });
    else checkHold({ own, record, applied, say }, isFaulted);
  }
  return applied;
}

interface OneId {
  own: JournaledOperation[];
  record: LedgerRecord | undefined;
  applied: Applied;
  say: Contradict;
}

function checkChange(sent: SentChange, { own, record, applied, say }: OneId): void {
  const isTold = own.some(({ told }) => told?.outcome === "applied");
  if (record === undefined) {
    if (isTold) say(`the ${sent.kind} was confirmed, and the ledger has no record of it`);
    return;
  }
  if (record.kind !== "admin") {
    say(`the ${sent.kind} is recorded as a ${record.kind}`);
    return;
  }
  const [scope = ""] = sent.scopes;
  applied.changes.push({
    id: sent.id,
    kind: sent.kind,
    scope,
    atMicros: record.atMicros,
    sentAtMicros: Math.min(...own.map(({ sentAtMicros }) => sentAtMicros)),
    confirmedAtMicros: Math.min(
      ...own.map((each) => (each.told && each.endedAtMicros) ?? Number.POSITIVE_INFINITY),
    ),
  });
  for (const { told } of own) {
    const isFirst = told?.outcome === "applied" && !told.replayed;
    if (isFirst && told.ledgerMicros !== record.atMicros) {
      say(`the ${sent.kind} was confirmed at ${told.ledgerMicros} and is recorded at ${record.atMicros}`);
    }
  }
}

function checkRecord({ own, record, applied, say }: OneId): void {
  const sent = own.find(isRecord)?.sent;
  if (sent === undefined) return;
  const told = own.filter((operation) => operation.told?.outcome === "booked");
  if (record === undefined) {
    if (told.length > 0) say("the record was confirmed, and the ledger has no record of it");
    return;
  }
  if (record.kind !== "record" || record.closed === undefined) {
    say(`it is recorded as a ${record.kind}`);
    return;
  }
  const { actual, source } = record.closed;
  checkSame("booked amounts", sent.actual, actual, say);
  checkSame("chain", sent.scopes, record.scopes, say);
  for (const operation of told) {
    checkSame("told amounts", operation.told?.booking?.actual, actual, say);
    const isFirst = operation.told?.replayed === false;
    if (isFirst) checkSame("time", operation.told?.ledgerMicros, record.startMicros, say);
  }
  const { startMicros, scopes } = record;
  const row = { atMicros: startMicros, name: sent.model, source, tokenKinds: sent.tokenKinds };
  applied.calls.push({ id: sent.id, scopes, startMicros, held: [0, 0, 0], settled: actual, row });
}

function checkHold(one: OneId, isFaulted: CallsInput["isFaulted"]): void {
  const { own, record, applied, say } = one;
  const reserves = own.filter(isReserve);
  const admitted = reserves.filter(({ told }) => told?.outcome === "held");
  if (record === undefined || record.kind === "gone") {
    const confirmed = own.find(({ told }) => told !== undefined && KNOWING.has(told.outcome));
    if (confirmed !== undefined)
      say(`the ${confirmed.sent.kind} was confirmed, and the ledger has no such hold`);
    return;
  }
  if (record.kind !== "hold") {
    say(`it is recorded as a ${record.kind}`);
    return;
  }
  const first = reserves[0]?.sent;
  if (first === undefined) {
    say("the ledger has a hold that nobody reserved");
    return;
  }

  const asked: Triple = [first.asked[0], first.asked[1] ?? 0, first.asked[2]];
  checkSame("held amounts", asked, record.held, say);
  checkSame("chain", first.scopes, record.scopes, say);
  for (const { told } of admitted) checkAdmission(told, record, say);
  if (admitted.length === 0) checkUnconfirmed(reserves, isFaulted, say);
  checkGivenBack(one, record);
  const settle = checkClosings(one, record);
  applied.calls.push(appliedHold(first.id, record, settle));
}

function checkAdmission(told: Told | undefined, record: CallRecord, say: Contradict): void {
  checkSame("start", told?.startMicros, record.startMicros, say);
  checkSame("expiry", told?.expiresAtMs, (record.minute + 1) * 60_000, say);
  checkSame("held amounts as told", told?.held, record.held, say);
}

/** Outcomes that only a hold which the ledger has can have. */
const KNOWING = new Set(["held", "expired", "closed", "booked", "done"]);

/** A hold that every caller was refused: a copy was decided anew, or came late. */
function checkUnconfirmed(
  reserves: JournaledOperation[],
  isFaulted: CallsInput["isFaulted"],
  say: Contradict,
): void {
  if (!reserves.some(isFaulted))
    say("every reserve was refused and none was doubled, and the ledger has the hold");
}

/** Once a give-back found nothing, its attempt's late reserve must hold nothing; and it frees nobody else's hold. */
function checkGivenBack({ own, say }: OneId, record: CallRecord): void {
  const givenUp = own.flatMap(({ sent, told }) =>
    sent.kind === "release" && sent.attempt !== null
      ? [{ attempt: sent.attempt, hash: sent.hash, told }]
      : [],
  );
  const isBuried = givenUp.some(
    ({ attempt, told }) => told?.outcome === "unknown" && attempt === record.attempt,
  );
  if (isBuried) say("the attempt was given up, and its late reserve got a hold");
  const buried = givenUp.filter(({ told }) => told?.outcome === "unknown").map(({ attempt }) => attempt);
  const others = own.filter(isReserve).filter(({ sent }) => sent.attempt !== record.attempt);
  if (record.isShared && others.every(({ sent }) => buried.includes(sent.attempt)))
    say("all other attempts were given up before, and a late reserve got a part in the hold");
  const freedBy = givenUp.find(
    ({ hash, told }) => told?.outcome === "booked" || hash === record.closed?.hash,
  )?.attempt;
  const isOthers = own.some(
    ({ sent, told }) => sent.kind === "reserve" && told?.outcome === "held" && sent.attempt !== freedBy,
  );
  if (freedBy !== undefined && isOthers) {
    say("an attempt that was given up freed a hold that another one had, too");
  }
}

/** @returns the settle that stands. */
function checkClosings({ own, say }: OneId, record: CallRecord): SentSettle | undefined {
  const closings = own.filter(({ sent }) => sent.kind === "settle" || sent.kind === "release");
  const { closed } = record;
  const standing = closings.find(({ sent }) => sent.hash === closed?.hash)?.sent;
  if (closed !== undefined) {
    if (standing === undefined) say(`it is closed by ${closed.hash}, which nobody sent`);
    else checkSame("closed amounts", amountsOf(standing, record), closed.actual, say);
  }
  for (const { sent, told } of closings) {
    if (told?.outcome === "unknown" && !(sent.kind === "release" && sent.attempt !== null)) {
      say(`the ${sent.kind} of a hold was told that there is none`);
    }
    if (told?.outcome === "booked") {
      const source = sourceOf(sent);
      checkSame("told amounts", amountsOf(sent, record), told.booking?.actual, say);
      const isCorrected = source !== "r" && closed?.source === "r";
      if (closed === undefined) say(`the ${sent.kind} was confirmed, and the hold is open`);
      else if (closed.hash !== sent.hash && !isCorrected) {
        say(`the ${sent.kind} ${sent.hash} was confirmed, and ${closed.hash} stands`);
      }
    }
    if (told?.outcome === "done" && told.booking?.source === "reported") {
      checkSame("first amounts as told", told.booking.actual, closed?.actual, say);
    }
  }
  return standing?.kind === "settle" ? standing : undefined;
}

function appliedHold(id: string, record: CallRecord, settle: SentSettle | undefined): AppliedCall {
  const { scopes, startMicros, held, closed, minute } = record;
  const call = { id, scopes, startMicros, held };
  if (closed === undefined) {
    const row = { atMicros: minute * 60_000_000, name: "~", source: "e", tokenKinds: [] };
    return { ...call, settled: held, row };
  }
  if (settle === undefined) return { ...call, settled: closed.actual };
  const { model, tokenKinds } = settle;
  return {
    ...call,
    settled: closed.actual,
    row: { atMicros: startMicros, name: model, source: closed.source, tokenKinds },
  };
}

/** What a closing books; the requests are those of the hold. */
function amountsOf(sent: JournaledOperation["sent"], { held }: CallRecord): Triple {
  if (sent.kind !== "settle") return [0, 0, 0];
  const actual = sent.actual ?? held;
  return [actual[0], actual[1], held[2]];
}

function sourceOf(sent: JournaledOperation["sent"]): string {
  if (sent.kind !== "settle") return "-";
  return sent.source === "reported" ? "r" : "e";
}

function checkSame(what: string, expected: unknown, found: unknown, say: Contradict): void {
  const [wanted, got] = [JSON.stringify(expected), JSON.stringify(found)];
  if (wanted !== got) say(`${what}: the journal has ${wanted}, the ledger ${got}`);
}

type Of<T> = JournaledOperation & { sent: T };
const isReserve = (operation: JournaledOperation): operation is Of<SentReserve> =>
  operation.sent.kind === "reserve";
const isRecord = (operation: JournaledOperation): operation is Of<SentRecord> =>
  operation.sent.kind === "record";
const isChange = (operation: JournaledOperation): operation is Of<SentChange> =>
  operation.sent.kind === "reset" || operation.sent.kind === "pause" || operation.sent.kind === "resume";
