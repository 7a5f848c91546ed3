/** A store whose every operation is journaled before it is sent and after it was answered. */
import { AgentLimitError } from "../src/errors.ts";
import type { Amounts, ChainLink, Crossing, Standing, Store } from "../src/ledger/store.ts";
import { declaredLimits } from "./budgets.ts";
import type { JournalWriter, SeenWindow, SentOperation, Told, Triple } from "./journal.ts";

const RETENTION_SECONDS = 86_400;
const ALERT_THRESHOLDS = [0.5, 1];

export interface JournaledStoreOptions {
  store: Store;
  journal: JournalWriter;
  namespace: string;
}

export class JournaledStore {
  readonly #options: JournaledStoreOptions;

  constructor(options: JournaledStoreOptions) {
    this.#options = options;
  }

  /** Sends an operation, or the same again. Undefined: nobody knows whether it was applied. */
  async send(operation: SentOperation): Promise<Told | undefined> {
    const { store, journal, namespace } = this.#options;
    const number = journal.sent(operation);
    try {
      const told = toldOf(operation, await perform(store, namespace, operation));
      journal.told(number, told);
      return told;
    } catch (error) {
      journal.failed(number, describe(error));
      return undefined;
    }
  }
}

function perform(store: Store, namespace: string, operation: SentOperation): Promise<Standing & StoreAnswer> {
  const { id, hash, scopes } = operation;
  const chain: ChainLink[] = scopes.map((scope) =>
    "limits" in operation && operation.limits === "sent"
      ? { scope, limits: declaredLimits(scope) }
      : { scope },
  );
  const base = { namespace, id, argumentsHash: hash, chain, retentionSeconds: RETENTION_SECONDS };
  switch (operation.kind) {
    case "reserve": {
      const [nanoUsd, tokens, requests] = operation.asked;
      const { attempt, expiresInSeconds } = operation;
      return store.reserve({ ...base, attempt, expiresInSeconds, requested: { nanoUsd, tokens, requests } });
    }
    case "settle": {
      const { source, model, tokenKinds, actual } = operation;
      const amounts = actual === null ? {} : { actual: amountsOf(actual) };
      return store.settle({
        ...base,
        ...amounts,
        source,
        model,
        tokenKinds,
        alertThresholds: ALERT_THRESHOLDS,
      });
    }
    case "release":
      return store.release({
        ...base,
        ...(operation.attempt === null ? {} : { attempt: operation.attempt }),
      });
    case "record": {
      const { model, tokenKinds, actual } = operation;
      const booked = { actual: amountsOf(actual), model, tokenKinds };
      return store.record({ ...base, ...booked, alertThresholds: ALERT_THRESHOLDS });
    }
    case "reset":
      return store.reset(base);
    case "pause":
      return store.pause(base);
    case "resume":
      return store.resume(base);
    default:
      return operation satisfies never;
  }
}

/** What the answers of all operations may hold. */
interface StoreAnswer {
  outcome: string;
  replayed?: boolean;
  startedAtMicros?: number;
  expiresAtMs?: number;
  held?: Amounts;
  booking?: { actual: Amounts; source: string };
  crossings?: Crossing[];
}

function toldOf(operation: SentOperation, answer: Standing & StoreAnswer): Told {
  const { outcome, startedAtMicros, expiresAtMs, held, booking } = answer;
  return {
    outcome,
    replayed: answer.replayed ?? false,
    ledgerMicros: Math.round(answer.nowMs * 1000),
    ...(startedAtMicros === undefined ? {} : { startMicros: startedAtMicros }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(held === undefined ? {} : { held: tripleOf(held) }),
    ...(booking === undefined
      ? {}
      : { booking: { actual: tripleOf(booking.actual), source: booking.source } }),
    crossings: (answer.crossings ?? []).map(crossingText),
    windows: operation.kind === "reserve" ? seenWindows(answer) : [],
  };
}

function seenWindows({ accounts }: Standing): SeenWindow[] {
  return accounts.flatMap(({ scope, windows }) =>
    windows.map(
      ({ window, settled, held }): SeenWindow => [scope, window, tripleOf(settled), tripleOf(held)],
    ),
  );
}

function crossingText({ scope, window, metric, threshold, baseMicros }: Crossing): string {
  return `${scope} ${window} ${metric} ${threshold} ${baseMicros}`;
}

function describe(error: unknown): string {
  if (error instanceof AgentLimitError) return `${error.code}: ${error.message}`;
  return `unexpected: ${error instanceof Error ? error.stack : String(error)}`;
}

const amountsOf = ([nanoUsd, tokens, requests]: Triple): Amounts => ({ nanoUsd, tokens, requests });
const tripleOf = ({ nanoUsd, tokens, requests }: Amounts): Triple => [nanoUsd, tokens, requests];
