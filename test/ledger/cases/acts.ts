/** Acts on a ledger, and what comes of each as a short text: for tables of cases. Amounts are cents. */
import type { Budget, Window } from "../../../src/ledger/budgets.ts";
import type { CloseAnswer, RecordAnswer } from "../../../src/ledger/store.ts";
import * as bench from "./bench.ts";

/** Does one thing to a ledger, and says what came of it. */
export type Act = (on: bench.Bench) => Promise<unknown>;

type Scope = "user:1" | "org:acme";

/** A user with a dollar a day, in an organisation without limits. */
const DOLLAR_A_DAY: Budget[] = [{ window: "day", usd: 1 }];
const chainOf = (budgets: Budget[] | undefined) => [
  bench.link("user:1", budgets),
  bench.link("org:acme", []),
];

interface ReserveOptions {
  attempt?: string;
  expiresInSeconds?: number;
  /** What the user's caller declares; null: nothing, so that the recorded limits judge. */
  budgets?: Budget[] | null;
}

/** `held`; `held again`, for a replay; a denial with its windows; a pause with its scope; else the outcome. */
export function reserve(id: string, cents: number, options: ReserveOptions = {}): Act {
  const { budgets = DOLLAR_A_DAY, ...rest } = options;
  return async (on) => {
    const requested = bench.usd(cents * bench.CENT);
    const answer = await bench.reserve(on, chainOf(budgets ?? undefined), requested, { id, ...rest });
    if (answer.outcome === "held") return answer.replayed ? "held again" : "held";
    if (answer.outcome === "paused") return `${answer.scope} is paused`;
    if (answer.outcome !== "denied") return answer.outcome;
    return `denied by ${answer.denials.map(({ window, source }) => `${window} of ${source}`).join(", ")}`;
  };
}

interface SettleOptions {
  source?: "reported" | "estimated";
  thresholds?: number[];
  /** Its caller knows that the hold was made: it is booked where the store has lost it. */
  bookIfUnknown?: boolean;
}

/**
 * `5 reported`; with ` again` for a replay, ` crosses 0.5` where it reached a threshold, ` though unknown` where the store
 * had lost the hold; `done: 5 reported` where another closing came first; else the outcome.
 */
export function settle(id: string, cents: number, options: SettleOptions = {}): Act {
  const { bookIfUnknown = false, ...rest } = options;
  const settling = bookIfUnknown ? { ...rest, lost: "hash" } : rest;
  return async (on) =>
    closed(await bench.settle(on, chainOf(DOLLAR_A_DAY), id, bench.usd(cents * bench.CENT), settling));
}

/** As {@link settle}. An attempt frees only what it made itself. */
export function release(id: string, attempt?: string): Act {
  return async (on) => closed(await bench.release(on, chainOf(DOLLAR_A_DAY), id, attempt));
}

/** As {@link settle}. */
export function record(cents: number, budgets: Budget[] = DOLLAR_A_DAY): Act {
  return async (on) => closed(await bench.record(on, chainOf(budgets), bench.usd(cents * bench.CENT)));
}

/** Of the user's scope: `applied`; `applied again`, for a replay. */
export function administer(action: "reset" | "pause" | "resume", id?: string): Act {
  return async (on) => {
    const answer = await on.store[action](bench.administer(on, "user:1", id));
    return answer.outcome === "applied" && answer.replayed ? "applied again" : answer.outcome;
  };
}

export function storeLimits(budgets: Budget[]): Act {
  return async (on) => (await bench.storeLimits(on, "user:1", budgets)).outcome;
}

/** Moves the ledger's clock. */
export function pass(milliseconds: number): Act {
  return async (on) => on.advance(milliseconds);
}

/** The store loses the user's account. */
export const loseAccount: Act = (on) => on.loseAccount("user:1");

/** What an act throws: its code. */
export function codeOf(act: Act): Act {
  return (on) =>
    act(on).then(
      () => "no error",
      (error: { code?: unknown }) => error.code,
    );
}

/** What stands in a window, in cents: `5 spent, 3 held`. */
export function standing(scope: Scope = "user:1", window: Window = "day"): Act {
  return async (on) => {
    const [settled, held] = await bench.standing(on, scope, window);
    return `${settled / bench.CENT} spent, ${held / bench.CENT} held`;
  };
}

/** What the scope's history has, in cents by where the figures come from: `5 reported, 3 expired`. */
export function history(scope: Scope = "user:1"): Act {
  return async (on) => {
    const { namespace, nowMs } = on;
    const range = { fromMs: nowMs() - 30 * bench.DAY, toMs: nowMs() + bench.DAY };
    const { periods } = await on.store.history({ namespace, scope, by: "day", ...range });
    const entries = periods.flatMap((period) => period.entries);
    const sources = ["reported", "estimated", "expired"].flatMap((source) => {
      const own = entries.filter((entry) => entry.source === source);
      const nanoUsd = own.reduce((sum, entry) => sum + entry.nanoUsd, 0);
      return nanoUsd === 0 ? [] : [`${nanoUsd / bench.CENT} ${source}`];
    });
    return sources.join(", ") || "nothing";
  };
}

function closed(answer: CloseAnswer | RecordAnswer): string {
  if (answer.outcome !== "booked" && answer.outcome !== "done") return answer.outcome;
  const { actual, source } = answer.booking;
  const amount = `${actual.nanoUsd / bench.CENT} ${source}`;
  if (answer.outcome === "done") return `done: ${amount}`;
  const again = answer.replayed ? " again" : "";
  const crosses = answer.crossings.map(({ threshold }) => ` crosses ${threshold}`).join("");
  const lost = "unknownToStore" in answer && answer.unknownToStore === true ? " though unknown" : "";
  return `${amount}${again}${crosses}${lost}`;
}
