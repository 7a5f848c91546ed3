/** A store in this process's memory: for tests, demos and single processes. It forgets everything when the process ends. */
import { createStore } from "./backed-store.ts";
import type { LedgerBackend } from "./command-runner.ts";
import type { LedgerCommand, LedgerReply } from "./commands.ts";
import { execute } from "./rules/execute.ts";
import type { LedgerState, Writes } from "./rules/state.ts";
import type { Store } from "./store.ts";

export interface MemoryStoreOptions {
  /** The store's clock, in milliseconds since 1970; Date.now by default. */
  now?: () => number;
}

/**
 * The ledger in memory. Never chosen by itself: hand it in as `store`.
 *
 * @example new UsageMeter({ agentId: "test", store: memoryStore(), monthlyBudgetUsd: 1 })
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return createStore(new MemoryBackend(options));
}

const MAX_LOG_ENTRIES = 1_000;

/** The rules over Maps that hold the same keys, fields and texts as Redis does. */
export class MemoryBackend implements LedgerBackend {
  readonly now: () => number;
  readonly #namespaces = new Map<string, MemoryNamespace>();

  constructor({ now = Date.now }: MemoryStoreOptions) {
    this.now = now;
  }

  async execute(namespace: string, command: LedgerCommand): Promise<LedgerReply> {
    const nowMs = this.now();
    const state = this.namespace(namespace);
    const { reply, writes } = execute(state, command, Math.floor(nowMs * 1000));
    state.apply(writes, nowMs);
    return reply;
  }

  /** One namespace's state. */
  namespace(name: string): MemoryNamespace {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const fresh = new MemoryNamespace(this.now);
    this.#namespaces.set(name, fresh);
    return fresh;
  }
}

interface RememberedOperation {
  text: string;
  expiresAtMs: number;
}

class MemoryNamespace implements LedgerState {
  readonly accounts = new Map<string, Map<string, string>>();
  readonly operations = new Map<string, RememberedOperation>();
  readonly index = new Map<string, string>();
  readonly log: string[] = [];
  /** By scope: when an account goes, unless it is used again. */
  readonly #goesAtMs = new Map<string, number>();
  readonly #now: () => number;
  #nextPurgeMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  account(scope: string): ReadonlyMap<string, string> | undefined {
    if ((this.#goesAtMs.get(scope) ?? Number.POSITIVE_INFINITY) <= this.#now()) {
      this.#goesAtMs.delete(scope);
      this.accounts.delete(scope);
    }
    return this.accounts.get(scope);
  }

  operation(id: string): string | undefined {
    const remembered = this.operations.get(id);
    return remembered !== undefined && remembered.expiresAtMs > this.#now() ? remembered.text : undefined;
  }

  isIndexed(scope: string): boolean {
    return this.index.has(scope);
  }

  apply(writes: Writes, nowMs: number): void {
    for (const [scope, changes] of writes.fields) {
      const fields = this.accounts.get(scope) ?? new Map<string, string>();
      this.accounts.set(scope, fields);
      for (const [field, text] of changes) {
        if (text === undefined) fields.delete(field);
        else fields.set(field, text);
      }
    }
    for (const [scope, idleMs] of writes.idleMs) this.#goesAtMs.set(scope, nowMs + idleMs);
    for (const [scope, since] of writes.indexed) {
      if (!this.index.has(scope)) this.index.set(scope, since);
    }
    this.log.unshift(...writes.log);
    this.log.length = Math.min(this.log.length, MAX_LOG_ENTRIES);
    if (writes.operation !== undefined) {
      const { id, text, timeToLiveMs } = writes.operation;
      const before = this.operations.get(id)?.expiresAtMs ?? nowMs;
      this.operations.set(id, {
        text,
        expiresAtMs: timeToLiveMs === undefined ? before : nowMs + timeToLiveMs,
      });
    }
    this.#forgetExpired(nowMs);
  }

  /** Once a minute: what nobody asks for again must not pile up. */
  #forgetExpired(nowMs: number): void {
    if (nowMs < this.#nextPurgeMs) return;
    this.#nextPurgeMs = nowMs + 60_000;
    for (const [id, { expiresAtMs }] of this.operations) {
      if (expiresAtMs <= nowMs) this.operations.delete(id);
    }
    for (const scope of this.#goesAtMs.keys()) this.account(scope);
  }
}
