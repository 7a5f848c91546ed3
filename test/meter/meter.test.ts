/** The meter's suites over every store that Node reaches: memory, TCP, and REST. */
import { inject } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { redisStore } from "../../src/redis/redis-store.ts";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { describeInstrumentedClients } from "./instrumented-clients.suite.ts";
import { describePythonLibrary } from "./python-library.suite.ts";
import { describeMeterSemantics } from "./semantics.suite.ts";
import type { MakeStore } from "./stores.ts";

const stores: Record<string, MakeStore> = {
  memory: async () => ({ store: memoryStore(), close: async () => {} }),
  TCP: async () => {
    const store = redisStore(tcpTransport(inject("redisUrl")));
    return { store, close: async () => store.close?.() };
  },
  REST: async () => {
    const address = { url: inject("restUrl"), token: inject("restToken") };
    return { store: redisStore(restTransport(address)), close: async () => {} };
  },
};

for (const [name, makeStore] of Object.entries(stores)) {
  describePythonLibrary(name, makeStore);
  describeInstrumentedClients(name, makeStore);
  describeMeterSemantics(name, makeStore);
}
