/** The conformance suite inside Vercel's edge runtime, over memory and REST. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, inject } from "vitest";
import { packageCommand, ROOT } from "../examples/child-process.ts";
import { runtimeSuite } from "./runtime.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-"));
afterAll(() => rmSync(folder, { recursive: true }));

runtimeSuite("the edge runtime", {
  runtime: /^edge-runtime$/,
  stores: ["memory", "Redis over REST"],
  command: [packageCommand("edge-runtime"), bundled()],
  env: {},
});

/** The runner as one file, with its addresses in it: the runtime hands no environment in. */
function bundled(): string {
  const outfile = join(folder, "edge.js");
  buildSync({
    entryPoints: [join(ROOT, "test/runtimes/edge.ts")],
    outfile,
    bundle: true,
    format: "iife",
    platform: "browser",
    conditions: ["edge-light", "worker"],
    target: "es2022",
    alias: { "node:assert/strict": join(ROOT, "test/runtimes/small-assert.ts") },
    define: {
      REST_URL: JSON.stringify(inject("restUrl")),
      REST_TOKEN: JSON.stringify(inject("restToken")),
    },
    logLevel: "error",
  });
  return outfile;
}
