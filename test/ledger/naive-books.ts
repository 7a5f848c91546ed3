/** The naive ledger's list of calls, with their times and ids, and the sums that are made of it whenever they are asked for. */
import type { RequestedAmounts } from "../../src/ledger/store.ts";
import { inForce, isOver, type Period, type Scope } from "./naive-windows.ts";

/** Nano-USD, tokens, requests. */
export type Triple = [number, number, number];

export const ZERO: Triple = [0, 0, 0];

export interface Closing {
  actual: Triple;
  source: "r" | "e" | "-";
  hash: string;
  verdict: string;
  crossings: string[];
  row: string;
  kinds: number[];
}

/** A hold or a record. */
export interface Call {
  kind: "hold" | "record";
  hash: string;
  attempt: string;
  /** Attempts that gave up without having made it. */
  givenUp: string[];
  isShared: boolean;
  startMicros: number;
  expiryMinute: number;
  held: Triple;
  chain: string[];
  closed: Closing | undefined;
}

/** What an id stands for. */
export type Known = Call | { kind: "gone"; attempts: string[] } | { kind: "admin"; hash: string };

const MINUTE_MICROS = 60_000_000;
const MAX_UNTIL_EXPIRY_MS = (26 * 60 + 1) * 60_000;
const MOST = 9e15;
const LETTERS = ["u", "t", "r", "U", "T", "R"];

export const minuteOf = (micros: number): number => Math.floor(micros / MINUTE_MICROS);

export class NaiveBooks {
  /** Everything that ever counted, in the order of its effect, also where a store has lost or forgotten its id. */
  readonly calls: Call[] = [];
  readonly #ids = new Map<string, { known: Known; forgottenAtMs: number }>();

  known(id: string, nowMs: number): Known | undefined {
    const entry = this.#ids.get(id);
    return entry !== undefined && entry.forgottenAtMs > nowMs ? entry.known : undefined;
  }

  knownIds(nowMs: number): string[] {
    return [...this.#ids.keys()].filter((id) => this.known(id, nowMs) !== undefined);
  }

  remember(id: string, known: Known, forgottenAtMs: number): void {
    this.#ids.set(id, { known, forgottenAtMs });
  }

  /** A hold's id is kept for a time after its expiry, counted from the clock that its command knew, at most 26 hours away. */
  rememberHold(
    { id, retentionMs }: { id: string; retentionMs: number },
    call: Call,
    { nowMs, atMs }: { nowMs: number; atMs: number },
  ): void {
    const expiresAtMs = ((call.expiryMinute + 1) * MINUTE_MICROS) / 1000;
    const untilExpiryMs = Math.min(MAX_UNTIL_EXPIRY_MS, Math.max(0, expiresAtMs - atMs));
    this.remember(id, call, nowMs + untilExpiryMs + retentionMs);
  }

  forget(id: string): void {
    this.#ids.delete(id);
  }

  /** Forgets for good what is forgotten by now. @returns the ids. */
  purge(nowMs: number): string[] {
    const gone = [...this.#ids.keys()].filter((id) => this.known(id, nowMs) === undefined);
    for (const id of gone) this.#ids.delete(id);
    return gone;
  }

  /** What is closed, or expired before a minute: by default that of the scope's last operation. */
  settled(scope: Scope, period: Period, untilMinute = minuteOf(scope.lastMicros)): Triple {
    const expired = ({ expiryMinute, held }: Call) => (expiryMinute < untilMinute ? held : ZERO);
    return this.#sum(scope, period, (call) => call.closed?.actual ?? expired(call));
  }

  /** What is settled and held. */
  committed(scope: Scope, period: Period): Triple {
    return this.#sum(scope, period, (call) => call.closed?.actual ?? call.held);
  }

  /** The hard limits that a request would pass; what is not known beforehand asks for one unit. */
  passed(accounts: (Scope | undefined)[], requested: RequestedAmounts) {
    const asked = [requested.nanoUsd ?? 1, requested.tokens ?? 1, requested.requests];
    return windowsOf(accounts).flatMap(({ scope, period }) => {
      const committed = this.committed(scope, period);
      return [0, 1, 2].flatMap((metric) => {
        const limit = inForce(period)[metric] ?? null;
        const total = (committed[metric] ?? 0) + (asked[metric] ?? 0);
        return limit !== null && total > limit ? [{ scope, period, metric, limit, committed }] : [];
      });
    });
  }

  /** The place of the first scope one of whose counters would pass what doubles hold exactly; -1 for none. */
  firstFull(accounts: Scope[], added: Triple): number {
    const isFull = (scope: Scope, period: Period) =>
      this.committed(scope, period).some((amount, metric) => amount + (added[metric] ?? 0) > MOST);
    return accounts.findIndex((scope) => scope.periods.some((period) => isFull(scope, period)));
  }

  /** `1` where settled spend alone is above a hard limit of a window that counts the call, else `0`. */
  verdict(accounts: Scope[], startMicros: number): string {
    const isOverrun = windowsOf(accounts).some(({ scope, period }) => {
      const settled = this.settled(scope, period);
      const isAbove = (limit: number | null, metric: number) =>
        limit !== null && (settled[metric] ?? 0) > limit;
      return startMicros >= period.sinceMicros && inForce(period).slice(0, 3).some(isAbove);
    });
    return isOverrun ? "1" : "0";
  }

  /** Marks the thresholds that settled spend has reached in open windows that count the call, each once a period. */
  cross(
    accounts: Scope[],
    thresholds: number[],
    { startMicros, atMicros }: { startMicros: number; atMicros: number },
  ): string[] {
    const crossings: string[] = [];
    for (const { place, scope, period } of windowsOf(accounts)) {
      if (startMicros < period.sinceMicros || isOver(period, atMicros)) continue;
      const settled = this.settled(scope, period);
      for (const [limitPlace, limit] of inForce(period).entries()) {
        for (const millionths of limit === null ? [] : thresholds) {
          const mark = `${LETTERS[limitPlace]}${millionths}`;
          const reached = BigInt(settled[limitPlace % 3] ?? 0) * 1_000_000n;
          if (reached < BigInt(limit ?? 0) * BigInt(millionths) || period.fired.includes(mark)) continue;
          period.fired.push(mark);
          crossings.push(
            `${place}:${period.name}:${LETTERS[limitPlace]}:${millionths}:${period.sinceMicros}`,
          );
        }
      }
    }
    return crossings;
  }

  /** A call counts in a window that began no later. */
  #sum({ name }: Scope, { sinceMicros }: Period, amountsOf: (call: Call) => Triple): Triple {
    const sum: Triple = [0, 0, 0];
    for (const call of this.calls) {
      if (call.startMicros < sinceMicros || !call.chain.includes(name)) continue;
      const [nanoUsd, tokens, requests] = amountsOf(call);
      sum[0] += nanoUsd;
      sum[1] += tokens;
      sum[2] += requests;
    }
    return sum;
  }
}

function windowsOf(accounts: (Scope | undefined)[]) {
  return accounts.flatMap((scope, place) =>
    scope === undefined ? [] : scope.periods.map((period) => ({ place, scope, period })),
  );
}
