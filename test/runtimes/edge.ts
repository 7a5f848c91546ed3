/** The conformance cases in the edge runtime, which has no sockets; bundled and run by edge.test.ts. */
import { restTransport } from "../../src/redis/rest.ts";
import { memoryBench, redisBench } from "../ledger/benches.ts";
import { tellOutcomes } from "./outcomes.ts";

declare global {
  /** The name that Vercel's runtime bears. */
  var EdgeRuntime: unknown;
  /** The bundler puts these in. */
  var REST_URL: string;
  var REST_TOKEN: string;
}

const address = { url: REST_URL, token: REST_TOKEN };
const rest = restTransport(address);

void tellOutcomes(
  String(globalThis.EdgeRuntime),
  { memory: memoryBench, "Redis over REST": () => redisBench(rest, address) },
  (line) => console.log(line),
);
