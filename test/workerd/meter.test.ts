/** The meter inside workerd, over memory and REST: the same suites as in Node. */
import { inject } from "vitest";
import { memoryStore } from "../../src/ledger/memory-store.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { restTransport } from "../../src/redis/rest.ts";
import { describePythonLibrary } from "../meter/python-library.suite.ts";
import { describeMeterSemantics } from "../meter/semantics.suite.ts";

const address = { url: inject("restUrl"), token: inject("restToken") };
const overMemory = async () => ({ store: memoryStore(), close: async () => {} });
const overRest = async () => ({ store: redisStore(restTransport(address)), close: async () => {} });

for (const [name, makeStore] of [
  ["memory, in workerd", overMemory],
  ["REST, in workerd", overRest],
] as const) {
  describePythonLibrary(name, makeStore);
  describeMeterSemantics(name, makeStore);
}
