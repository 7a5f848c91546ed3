/** The stores and the meter inside Bun, over memory, TCP and REST. */
import { packageCommand } from "../examples/child-process.ts";
import { runtimeSuite } from "./runtime.suite.ts";

runtimeSuite("Bun", {
  runtime: /^Bun\/1\./,
  stores: ["memory", "Redis over TCP", "Redis over REST"],
  command: () => [packageCommand("bun"), "run", "test/runtimes/bun.ts"],
});
