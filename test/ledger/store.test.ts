/** The conformance suite over memory, TCP and REST. */
import { afterAll, describe, inject, it } from "vitest";
import { restTransport } from "../../src/redis/rest.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { memoryBench, redisBench } from "./benches.ts";
import { STORE_CASES } from "./cases/index.ts";

const address = { url: inject("restUrl"), token: inject("restToken") };
const tcp = tcpTransport(inject("redisUrl"));
const rest = restTransport(address);

afterAll(() => tcp.close?.());

describe.each([
  ["memory", memoryBench],
  ["Redis over TCP", () => redisBench(tcp, address)],
  ["Redis over REST", () => redisBench(rest, address)],
])("The ledger in %s", (_name, makeBench) => {
  for (const { promise, name, run } of STORE_CASES) {
    describe(promise, () => {
      it(name, () => run(makeBench()));
    });
  }
});
