/** What callers asked and were told, call by call: the truth that the ledger is held against. */
import { addAmounts, zeroAmounts } from "../../src/ledger/account.ts";
import type { Amounts, ChainLink, ReserveAnswer } from "../../src/ledger/store.ts";
import { windowBounds } from "../../src/ledger/windows.ts";

/** One admitted call. */
export interface JournalCall {
  id: string;
  chain: ChainLink[];
  held: Amounts;
  startedAtMs: number;
  expiresAtMs: number;
  /** What the caller knows to be booked: the hold, until an answer says otherwise. */
  told: Amounts;
  /** The least that the ledger may count for it at any moment. An overrun is in no admission, so the hold bounds it. */
  floor: Amounts;
}

const METRICS = ["nanoUsd", "tokens", "requests"] as const;
const SHOWN = { byAnswer: "by its answer", byCallers: "by what callers know" };
/** What is said of more problems than these is only counted. */
const MAX_PROBLEMS = 20;

export class Journal {
  readonly calls: JournalCall[] = [];
  readonly problems: string[] = [];
  problemCount = 0;
  /** Admissions past a limit, by what shows them. */
  readonly overAdmissions = { byAnswer: 0, byCallers: 0 };
  /** By scope, window and its start: the sum of floors. */
  readonly #floors = new Map<string, Amounts>();

  /** Books an admission, and holds its answer and the sum of all that callers know against every limit of its chain. */
  admit(call: Omit<JournalCall, "told" | "floor">, answer: ReserveAnswer): JournalCall {
    const admitted = { ...call, told: call.held, floor: call.held };
    this.calls.push(admitted);
    this.#changeFloors(admitted, call.held, 1);
    for (const [link, key, window] of windowsOf(admitted)) {
      const known = this.#floors.get(key) ?? zeroAmounts();
      const view = answer.accounts
        .find(({ scope }) => scope === link.scope)
        ?.windows.find((candidate) => candidate.window === window.window);
      if (view === undefined) this.report(`${call.id}: the answer has no ${window.window} of ${link.scope}`);
      for (const metric of METRICS) {
        const limit = window.hard[metric];
        if (limit === null || view === undefined) continue;
        if (view.settled[metric] + view.held[metric] > limit) this.#overAdmitted(call.id, key, "byAnswer");
        if (known[metric] > limit) this.#overAdmitted(call.id, key, "byCallers");
      }
    }
    return admitted;
  }

  /** Before a close is sent: from then on the ledger may count as little as `least`. */
  closing(call: JournalCall, least: Amounts): void {
    const floor = zeroAmounts();
    for (const metric of METRICS) floor[metric] = Math.min(call.floor[metric], least[metric]);
    this.#changeFloors(call, call.floor, -1);
    this.#changeFloors(call, floor, 1);
    call.floor = floor;
  }

  report(problem: string): void {
    this.problemCount += 1;
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }

  /** By scope: all that its callers were told is booked. */
  toldByScope(): Map<string, Amounts> {
    const sums = new Map<string, Amounts>();
    for (const { chain, told } of this.calls) {
      for (const { scope } of chain) sums.set(scope, addAmounts(sums.get(scope) ?? zeroAmounts(), told));
    }
    return sums;
  }

  #changeFloors(call: JournalCall, amounts: Amounts, factor: 1 | -1): void {
    for (const [, key] of windowsOf(call)) {
      this.#floors.set(key, addAmounts(this.#floors.get(key) ?? zeroAmounts(), amounts, factor));
    }
  }

  #overAdmitted(id: string, window: string, how: keyof Journal["overAdmissions"]): void {
    this.overAdmissions[how] += 1;
    this.report(`${id} was admitted past a limit of ${window}, ${SHOWN[how]}`);
  }
}

function windowsOf({ chain, startedAtMs }: Pick<JournalCall, "chain" | "startedAtMs">) {
  return chain.flatMap((link) =>
    (link.limits ?? []).map((window) => {
      const { startSeconds } = windowBounds(window.window, startedAtMs);
      return [link, `${link.scope} ${window.window} ${startSeconds}`, window] as const;
    }),
  );
}
