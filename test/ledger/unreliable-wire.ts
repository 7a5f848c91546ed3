/** What is between callers and a ledger: requests and answers get lost, come twice, come late; each that arrives is held against the naive ledger. */
import { StoreUnavailableError } from "../../src/errors.ts";
import type { LedgerBackend } from "../../src/ledger/command-runner.ts";
import type { LedgerCommand, LedgerReply, ReplyCode } from "../../src/ledger/commands.ts";
import type { RequestedAmounts } from "../../src/ledger/store.ts";
import type { StateDump } from "../support/state-dump.ts";
import { compareReply, denialTexts } from "./naive-comparison.ts";
import { NaiveLedger, type Prediction } from "./naive-ledger.ts";
import { readAs } from "./naive-windows.ts";
import type { Fate } from "./random-steps.ts";
import { Turns } from "./turns.ts";

export interface Clock {
  nowMs: number;
}

/** A ledger that a sequence is played on, in a namespace of its own. */
export interface PlayedLedger {
  namespace: string;
  /** @param clock decides, and is moved by the sequence. */
  open(clock: Clock): LedgerBackend;
  /** Deletes the records of ids behind its back. */
  loseIds(ids: string[]): Promise<void>;
  /** Whether records outlive their time, because its server's clock is not the sequence's. */
  keepsIds: boolean;
  dump(): Promise<StateDump>;
}

/** Who sends commands, one operation at a time. */
export interface Sender {
  /** What happens to its commands on the wire. */
  fate: Fate;
  /** What its operation asks for. */
  requested: RequestedAmounts | undefined;
  /** What the naive ledger expects of the last command that arrived: the code, and which budgets deny. */
  expected: { code: ReplyCode; denials: string[] } | undefined;
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
  #forgotten: string[] = [];
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
    if (copyAfterBeats === 0) await this.#deliver(command);
    else if (copyAfterBeats !== null) this.#late.push(copy);
    if (original === "answer lost") throw new StoreUnavailableError("The answer got lost.");
    return reply;
  }

  /** The ledger loses an id, as a failover does. */
  async loseId(id: string | undefined): Promise<void> {
    if (id === undefined) return;
    this.naive.books.forget(id);
    await this.#ledger.loseIds([id]);
  }

  /** What is forgotten by now does not come back when the clock steps back. */
  async forgetForGood(): Promise<void> {
    await this.#purge();
    const { books } = this.naive;
    const unknown = this.#forgotten.filter((id) => books.known(id, this.clock.nowMs) === undefined);
    await this.#ledger.loseIds(unknown);
    this.#forgotten = [];
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
    if (sender !== undefined) {
      const denials = this.#denials(command, prediction, sender.requested);
      sender.expected = { code: prediction.code, denials };
    }
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
    const gone = this.naive.books.purge(this.clock.nowMs);
    if (this.#ledger.keepsIds && gone.length > 0) await this.#ledger.loseIds(gone);
    else this.#forgotten.push(...gone);
  }

  #denials(
    { scopes }: LedgerCommand,
    { accounts, readerMicros, atMicros }: Prediction,
    requested: RequestedAmounts | undefined,
  ): string[] {
    if (requested === undefined || accounts.length === 0) return [];
    const isRead = readerMicros !== undefined;
    const judged = accounts.map((account, place) => {
      const sent = { scope: "", list: undefined, bounds: undefined, ...scopes[place] };
      return isRead ? readAs(account, sent, atMicros) : account;
    });
    return denialTexts(this.naive.books.passed(judged, requested));
  }
}
