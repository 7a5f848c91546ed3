/** The cases in the edge runtime, which has no sockets; bundled and run by edge.test.ts. */
import { restTransport } from "../../src/redis/rest.ts";
import { memoryBench, redisBench } from "../ledger/benches.ts";
import { tellOutcomes } from "./outcomes.ts";

const { REST_URL: url = "", REST_TOKEN: token = "", UPSTREAM_URL = "" } = SETTINGS;
const rest = restTransport({ url, token });

void tellOutcomes(
  String(globalThis.EdgeRuntime),
  { memory: memoryBench, "Redis over REST": () => redisBench(rest, { url, token }) },
  UPSTREAM_URL,
);
