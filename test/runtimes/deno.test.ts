/** The conformance suite inside Deno, over memory, TCP and REST. */
import { inject } from "vitest";
import { packageCommand } from "../examples/child-process.ts";
import { runtimeSuite } from "./runtime.suite.ts";

const flags = ["--no-lock", "--node-modules-dir=manual", "--allow-net", "--allow-env"];

runtimeSuite("Deno", {
  runtime: /^Deno\/2\./,
  stores: ["memory", "Redis over TCP", "Redis over REST"],
  command: [packageCommand("deno"), "run", ...flags, "test/runtimes/deno.ts"],
  env: {
    REDIS_URL: inject("redisUrl"),
    REST_URL: inject("restUrl"),
    REST_TOKEN: inject("restToken"),
    DENO_NO_UPDATE_CHECK: "1",
  },
});
