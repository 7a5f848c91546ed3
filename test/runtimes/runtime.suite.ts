/** Each case that ran in another runtime, as a test of its own here; a case that was not told fails. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Finished, runToEnd } from "../examples/child-process.ts";
import { STORE_CASES } from "../ledger/cases/index.ts";
import type { Outcome } from "./outcomes.ts";

export interface RuntimeSuite {
  /** As the runtime itself says: `Bun/1.4.5`. */
  runtime: RegExp;
  /** The stores that the runner must have. */
  stores: string[];
  command: string[];
  env: Record<string, string>;
}

/** A run takes two seconds. What is cut here keeps what it has told. */
const RUN_DEADLINE_MS = 60_000;

/** @param name as in "The ledger in Bun". */
export function runtimeSuite(name: string, { runtime, stores, command, env }: RuntimeSuite): void {
  let finished: Finished;
  const told: unknown[] = [];

  beforeAll(async () => {
    finished = await runToEnd(command, env, RUN_DEADLINE_MS);
    const wholeLines = finished.stdout.split("\n").slice(0, -1);
    for (const line of wholeLines) if (line.startsWith("{")) told.push(JSON.parse(line));
  }, RUN_DEADLINE_MS + 10_000);

  it(`${name} is what the cases ran in, to their end`, () => {
    expect(finished).toMatchObject({ exitCode: 0, stderr: "" });
    expect(told[0]).toEqual({ runtime: expect.stringMatching(runtime) });
    expect(told).toHaveLength(1 + stores.length * STORE_CASES.length);
  });

  describe.each(stores)(`The ledger in ${name}, in %s`, (store) => {
    for (const { promise, name: caseName } of STORE_CASES) {
      describe(promise, () => {
        it(caseName, () => expectPassed(outcomeOf(store, promise, caseName)));
      });
    }
  });

  function expectPassed(outcome: Outcome | undefined): void {
    if (outcome === undefined) {
      throw new Error(`${name} told nothing of this case (exit ${finished.exitCode}).\n${finished.stderr}`);
    }
    if (outcome.failure !== undefined) throw new Error(`In ${name}: ${outcome.failure}`);
  }

  function outcomeOf(store: string, promise: string, caseName: string): Outcome | undefined {
    return told
      .filter(isOutcome)
      .find((each) => each.store === store && each.promise === promise && each.name === caseName);
  }
}

function isOutcome(told: unknown): told is Outcome {
  return typeof told === "object" && told !== null && "store" in told;
}
