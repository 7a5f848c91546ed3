/** What is between callers and a ledger: requests and answers get lost, come twice, come late; each that arrives is held against the naive ledger. */
import { StoreUnavailableError } from "../../src/errors.ts";
import type { LedgerBackend } from "../../src/ledger/command-runner.ts";
import type { LedgerCommand, LedgerReply, ReplyCode } from "../../src/ledger/commands.ts";
import type { StateDump } from "../support/state-dump.ts";
import { compareReply, denialTexts, spentTexts } from "./naive-comparison.ts";
import { NaiveLedger, type Prediction } from "./naive-ledger.ts";
import { readAs } from "./naive-windows.ts";
import { requestedBy } from "./perform-step.ts";
import type { Fate, Step } from "./random-steps.ts";
import { Turns } from "./turns.ts";

export interface Clock {
  nowMs: number;
}

/** A ledger that a sequence is played on, in a namespace of its own. */
export interface PlayedLedger {
  namespace: string;
  /** @param clock decides, and is moved by the sequence. */
  open(clock: Clock): LedgerBackend;
  /** Deletes records and accounts behind its back. */
  lose(gone: Gone): Promise<void>;
  /** Whether records and idle accounts outlive their time, because its server's clock is not the sequence's. */
  outlivesTime: boolean;
  dump(): Promise<StateDump>;
}

/** What is no longer there. */
export interface Gone {
  ids: string[];
  scopes: string[];
}

/** Who sends commands, one operation at a time. */
export interface Sender {
  /** What happens to its commands on the wire. */
  fate: Fate;
  /** What its operation is. */
  step: Step | undefined;
  /** What the naive ledger expects of the last command that arrived. */
  expected: Expected | undefined;
}

export interface Expected {
  code: ReplyCode;
  /** Which budgets deny. */
  denials: string[];
  /** Of a reader of history. */
  spent: string[];
}

/** A caller repeats a command by itself after these. */
const REPEATED: ReplyCode[] = ["INIT", "TIME", "WINDOWS"];

export class UnreliableWire {
  readonly naive = new NaiveLedger();
  readonly turns = new Turns();
  readonly namespace: string;
  readonly clock: Clock;
  /** The first contradiction, since callers see it as one more failure of the store. */
  failure: unknown;
  readonly #ledger: PlayedLedger;
  readonly #backend: LedgerBackend;
  readonly #late: { command: LedgerCommand; dueBeat: number }[] = [];
  #gone: Gone[] = [];
  #beat = 0;

  constructor(ledger: PlayedLedger, clock: Clock) {
    this.namespace = ledger.namespace;
    this.clock = clock;
    this.#ledger = ledger;
    this.#backend = ledger.open(clock);
  }

  /** Delivers the copies that are due. */
  async beginBeat(number: number): Promise<void> {
    this.#beat = number;
    const due = this.#late.filter(({ dueBeat }) => dueBeat === number);
    for (const { command } of due) await this.#deliver(command);
    if (this.failure !== undefined) throw this.failure;
  }

  /** @throws StoreUnavailableError when the request or its answer got lost. */
  async send(command: LedgerCommand, sender: Sender): Promise<LedgerReply> {
    const { original, copyAfterBeats } = sender.fate;
    const copy = { command, dueBeat: this.#beat + (copyAfterBeats ?? 0) };
    if (original === "request lost") {
      if (copyAfterBeats !== null) this.#late.push(copy);
      throw new StoreUnavailableError("The request got lost.");
    }
    const reply = await this.#deliver(command, sender);
    if (REPEATED.includes(reply.code)) return reply;
    if (original === "answer lost, sent again") return this.#deliver(command, sender);
    if (copyAfterBeats === 0) await this.#deliver(command);
    else if (copyAfterBeats !== null) this.#late.push(copy);
    if (original === "answer lost") throw new StoreUnavailableError("The answer got lost.");
    return reply;
  }

  /** The ledger loses an id, as a failover does. */
  async loseId(id: string | undefined): Promise<void> {
    if (id === undefined) return;
    this.naive.books.forget(id);
    await this.#ledger.lose({ ids: [id], scopes: [] });
  }

  /** What is forgotten by now does not come back when the clock steps back. */
  async forgetForGood(): Promise<void> {
    await this.#purge();
    const { nowMs } = this.clock;
    for (const { ids, scopes } of this.#gone) {
      const unknown = ids.filter((id) => this.naive.books.known(id, nowMs) === undefined);
      const absent = scopes.filter((scope) => !this.naive.scopes.has(scope));
      await this.#ledger.lose({ ids: unknown, scopes: absent });
    }
    this.#gone = [];
  }

  noteFailure(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.failure ??= error;
    }
  }

  async #deliver(command: LedgerCommand, sender?: Sender): Promise<LedgerReply> {
    await this.#purge();
    const prediction = this.naive.apply(command, this.clock.nowMs);
    if (sender !== undefined) sender.expected = this.#expected(command, prediction, sender.step);
    try {
      const reply = await this.#backend.execute(this.namespace, command, 0);
      compareReply(this.naive, prediction, reply);
      return reply;
    } catch (error) {
      this.failure ??= error;
      throw error;
    }
  }

  async #purge(): Promise<void> {
    const ids = this.naive.books.purge(this.clock.nowMs);
    const scopes = this.naive.purge(this.clock.nowMs);
    if (this.#ledger.outlivesTime) await this.#ledger.lose({ ids, scopes });
    else this.#gone.push({ ids, scopes });
  }

  #expected({ scopes }: LedgerCommand, prediction: Prediction, step: Step | undefined): Expected {
    const { code, accounts, readerMicros, atMicros } = prediction;
    const requested = step === undefined ? undefined : requestedBy(step);
    const judged = accounts.map((account, place) => {
      const sent = { scope: "", list: undefined, ...scopes[place] };
      return readerMicros === undefined ? account : readAs(account, sent, atMicros);
    });
    const { books } = this.naive;
    const denials = requested === undefined ? [] : denialTexts(books.passed(judged, requested));
    const isHistory = step?.kind === "history" && readerMicros !== undefined;
    const spent = isHistory ? spentTexts(this.naive, { ...step, readerMicros }) : [];
    return { code, denials, spent };
  }
}
