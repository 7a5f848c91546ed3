/** The conformance suite inside Bun, over memory, TCP and REST. */
import { inject } from "vitest";
import { packageCommand } from "../examples/child-process.ts";
import { runtimeSuite } from "./runtime.suite.ts";

runtimeSuite("Bun", {
  runtime: /^Bun\/1\./,
  stores: ["memory", "Redis over TCP", "Redis over REST"],
  command: [packageCommand("bun"), "run", "test/runtimes/bun.ts"],
  env: {
    REDIS_URL: inject("redisUrl"),
    REST_URL: inject("restUrl"),
    REST_TOKEN: inject("restToken"),
  },
});
