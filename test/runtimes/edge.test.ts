/** The stores and the meter inside Vercel's edge runtime, over memory and REST. */
import { edgeCommand } from "./edge-bundle.ts";
import { runtimeSuite } from "./runtime.suite.ts";

runtimeSuite("the edge runtime", {
  runtime: /^edge-runtime$/,
  stores: ["memory", "Redis over REST"],
  command: (addresses) => edgeCommand("test/runtimes/edge.ts", addresses),
});
