/** The stores and the meter inside Deno, over memory, TCP and REST. */
import { packageCommand } from "../examples/child-process.ts";
import { runtimeSuite } from "./runtime.suite.ts";

const flags = ["--no-lock", "--node-modules-dir=manual", "--allow-net", "--allow-env"];

runtimeSuite("Deno", {
  runtime: /^Deno\/2\./,
  stores: ["memory", "Redis over TCP", "Redis over REST"],
  command: () => [packageCommand("deno"), "run", ...flags, "test/runtimes/deno.ts"],
});
