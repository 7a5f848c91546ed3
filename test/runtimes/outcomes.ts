/** Runs the conformance cases in whatever runtime this is, and tells each outcome as a line of JSON. */
import type { Bench } from "../ledger/cases/bench.ts";
import { STORE_CASES } from "../ledger/cases/index.ts";

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

/** A case takes milliseconds; one that never ends must not keep the others from being told. */
const CASE_DEADLINE_MS = 10_000;

/**
 * Tells first which runtime it is, then each outcome.
 * @param tell takes one line, without its end.
 */
export async function tellOutcomes(
  runtime: string,
  benches: Benches,
  tell: (line: string) => void,
): Promise<void> {
  tell(JSON.stringify({ runtime }));
  for (const [store, makeBench] of Object.entries(benches)) {
    for (const { promise, name, run } of STORE_CASES) {
      const failure = await failureOf(async () => run(makeBench()));
      const outcome: Outcome = { store, promise, name, ...(failure === undefined ? {} : { failure }) };
      tell(JSON.stringify(outcome));
    }
  }
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
