/** The conformance suite inside workerd, over memory and REST. */
import { describe, inject, it } from "vitest";
import { restTransport } from "../../src/redis/rest.ts";
import { memoryBench, redisBench } from "../ledger/benches.ts";
import { STORE_CASES } from "../ledger/cases/index.ts";

const address = { url: inject("restUrl"), token: inject("restToken") };

describe.each([
  ["memory", memoryBench],
  ["Redis over REST", () => redisBench(restTransport(address), address)],
])("The ledger in workerd, in %s", (_name, makeBench) => {
  for (const { promise, name, run } of STORE_CASES) {
    describe(promise, () => {
      it(name, () => run(makeBench()));
    });
  }
});
