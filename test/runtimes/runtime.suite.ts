/** Each case that ran in another runtime, as a test of its own here; a case that was not told fails. */
import { beforeAll, describe, expect, inject, it } from "vitest";
import { type Finished, runToEnd } from "../examples/child-process.ts";
import { type Answer, hangUp, speakBothApis, startUpstream } from "../support/upstream.ts";
import { casesOf, type Outcome } from "./outcomes.ts";

export interface RuntimeSuite {
  /** As the runtime itself says: `Bun/1.4.5`. */
  runtime: RegExp;
  /** The stores that the runner must have. */
  stores: string[];
  /** What runs the cases with these addresses, which its environment has too. */
  command(addresses: Addresses): string[];
}

/** Of the servers that the cases need. */
export interface Addresses extends Record<string, string> {
  REDIS_URL: string;
  REST_URL: string;
  REST_TOKEN: string;
  UPSTREAM_URL: string;
}

/** A run takes seconds. What is cut here keeps what it has told. */
const RUN_DEADLINE_MS = 60_000;

/** @param name as in "The ledger in Bun". */
export function runtimeSuite(name: string, { runtime, stores, command }: RuntimeSuite): void {
  let finished: Finished;
  const told: unknown[] = [];
  const cases = casesOf("");

  beforeAll(async () => {
    const upstream = await startUpstream(byPath);
    const addresses: Addresses = {
      REDIS_URL: inject("redisUrl"),
      REST_URL: inject("restUrl"),
      REST_TOKEN: inject("restToken"),
      UPSTREAM_URL: upstream.url,
    };
    const env = { ...addresses, DENO_NO_UPDATE_CHECK: "1" };
    finished = await runToEnd(command(addresses), env, RUN_DEADLINE_MS);
    await upstream.close();
    const wholeLines = finished.stdout.split("\n").slice(0, -1);
    for (const line of wholeLines) if (line.startsWith("{")) told.push(JSON.parse(line));
  }, RUN_DEADLINE_MS + 10_000);

  it(`${name} is what the cases ran in, to their end`, () => {
    expect(finished).toMatchObject({ exitCode: 0, stderr: "" });
    expect(told[0]).toEqual({ runtime: expect.stringMatching(runtime) });
    expect(told).toHaveLength(1 + stores.length * cases.length);
  });

  describe.each(stores)(`The ledger in ${name}, in %s`, (store) => {
    for (const { promise, name: caseName } of cases) {
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

/** The provider of meter-cases.ts: slow, or cut off, where the path begins so. */
const byPath: Answer = (request, response) => {
  if (request.path.startsWith("/cut/")) return hangUp(request, response);
  return speakBothApis({ pauseMs: request.path.startsWith("/slow/") ? 20 : 0 })(request, response);
};

function isOutcome(told: unknown): told is Outcome {
  return typeof told === "object" && told !== null && "store" in told;
}
