/** The ledger in memory, with bugs between the rules and what they read and write. */
import type { LedgerCommand } from "../../src/ledger/commands.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import { execute } from "../../src/ledger/rules/execute.ts";
import type { LedgerState, Writes } from "../../src/ledger/rules/state.ts";
import { playedMemory } from "./played-ledgers.ts";
import type { PlayedLedger } from "./unreliable-wire.ts";

/** Changes what the rules read of a state, or what they write to it. */
export interface RulesBug {
  read?(state: LedgerState, command: LedgerCommand, nowMs: number): Partial<LedgerState>;
  write?(writes: Writes, state: LedgerState): void;
}

/** A ledger in memory that has the bug. */
export function brokenMemory(bug: RulesBug): PlayedLedger {
  const ledger = playedMemory();
  return {
    ...ledger,
    open(clock) {
      const backend = ledger.open(clock);
      if (!(backend instanceof MemoryBackend)) throw new Error("The played memory is a memory backend.");
      const execution = async (namespace: string, command: LedgerCommand) => {
        const state = backend.namespace(namespace);
        const { nowMs } = clock;
        const { reply, writes } = execute(
          spoiled(state, bug.read?.(state, command, nowMs)),
          command,
          nowMs * 1000,
        );
        bug.write?.(writes, state);
        state.apply(writes, nowMs);
        return reply;
      };
      return { now: backend.now, execute: execution };
    },
  };
}

function spoiled(state: LedgerState, changes: Partial<LedgerState> = {}): LedgerState {
  return {
    account: (scope) => state.account(scope),
    operation: (id) => state.operation(id),
    isIndexed: (scope) => state.isIndexed(scope),
    ...changes,
  };
}

/** The fields of a hold's record that stand before its closing. */
const FIELDS_OF_A_HOLD = 8;

export const RULES_BUGS: [name: string, bug: RulesBug][] = [
  [
    "a settle that does not look at its id",
    {
      read: (state, { kind }) => ({
        operation: (id) => {
          const text = state.operation(id);
          return kind === "settle" ? text?.split(" ").slice(0, FIELDS_OF_A_HOLD).join(" ") : text;
        },
      }),
    },
  ],
  [
    "a rollover that resets twice",
    {
      write({ fields }, state) {
        for (const [scope, changes] of fields) {
          const before = state.account(scope)?.get("w");
          const after = changes.get("w");
          if (before !== undefined && after !== undefined) changes.set("w", withBoundsOf(before, after));
        }
      },
    },
  ],
  [
    "an expiry that forgets what was spent",
    {
      read: (state, _command, nowMs) => ({
        account(scope) {
          const fields = state.account(scope);
          const isDue = (field: string) =>
            field.startsWith("x:") && Number(field.slice(2)) < Math.floor(nowMs / 60_000);
          return fields === undefined ? undefined : new Map([...fields].filter(([field]) => !isDue(field)));
        },
      }),
    },
  ],
  [
    "a float in the money",
    {
      write({ fields }) {
        for (const changes of fields.values()) {
          for (const field of ["c", "s"]) {
            const text = changes.get(field);
            if (text !== undefined) changes.set(field, withFloats(text));
          }
        }
      },
    },
  ],
  [
    "a reset that is applied twice",
    {
      read: (state, command) => ({
        operation: (id) =>
          command.kind === "administer" && command.action === "reset" ? undefined : state.operation(id),
      }),
    },
  ],
];

/** A list with the bounds that each window had before. */
function withBoundsOf(before: string, after: string): string {
  const bounds = new Map(
    before.split(";").map((entry) => [entry.split(" ")[0], entry.split(" ").slice(1, 3).join(" ")]),
  );
  return after.replace(/(\S+) (\d+ \d+) ([^;]+;)/g, (_entry, name: string, own: string, limits: string) => {
    return `${name} ${bounds.get(name) ?? own} ${limits}`;
  });
}

/** Amounts as 32-bit floats hold them. */
function withFloats(text: string): string {
  return text.replace(/\d+(?=,\d+,\d+)/g, (nanoUsd) => String(Math.fround(Number(nanoUsd))));
}
