/** Runs the cases of stores and meters in whatever runtime this is, and tells each outcome as a line of JSON. */
import type { Bench, StoreCase } from "../ledger/cases/bench.ts";
import { STORE_CASES } from "../ledger/cases/index.ts";
import { meterCases } from "./meter-cases.ts";

/** What one case came to in one store. */
export interface Outcome {
  store: string;
  promise: string;
  name: string;
  /** Why it failed; left out: it passed. */
  failure?: string;
}

/** Makes the bench of each store, by the store's name. */
export type Benches = Record<string, () => Bench>;

/** What runs over each store of a runtime. @param upstreamUrl as `meterCases` has it. */
export function casesOf(upstreamUrl: string): StoreCase[] {
  return [...STORE_CASES, ...meterCases(upstreamUrl)];
}

/** A case takes milliseconds; one that never ends must not keep the others from being told. */
const CASE_DEADLINE_MS = 10_000;

/** Tells first which runtime it is, then each outcome. */
export async function tellOutcomes(runtime: string, benches: Benches, upstreamUrl: string): Promise<void> {
  tell({ runtime });
  for (const [store, makeBench] of Object.entries(benches)) {
    for (const { promise, name, run } of casesOf(upstreamUrl)) {
      const failure = await failureOf(async () => run(makeBench()));
      tell({ store, promise, name, ...(failure === undefined ? {} : { failure }) });
    }
  }
}

function tell(told: Outcome | { runtime: string }): void {
  console.log(JSON.stringify(told));
}

async function failureOf(run: () => Promise<void>): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    const late = () => reject(new Error(`The case has not ended within ${CASE_DEADLINE_MS} ms.`));
    timer = setTimeout(late, CASE_DEADLINE_MS);
  });
  try {
    await Promise.race([run(), deadline]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : `Thrown: ${String(error)}`;
  } finally {
    clearTimeout(timer);
  }
}
