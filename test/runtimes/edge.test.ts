/** The stores and the meter inside Vercel's edge runtime, over memory and REST. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll } from "vitest";
import { packageCommand, ROOT } from "../examples/child-process.ts";
import { type Addresses, runtimeSuite } from "./runtime.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-"));
afterAll(() => rmSync(folder, { recursive: true }));

runtimeSuite("the edge runtime", {
  runtime: /^edge-runtime$/,
  stores: ["memory", "Redis over REST"],
  command: (addresses) => [packageCommand("edge-runtime"), bundled(addresses)],
});

/** The runner as one file, with its addresses in it: the runtime hands no environment in. */
function bundled(addresses: Addresses): string {
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
    define: { ADDRESSES: JSON.stringify(addresses) },
    logLevel: "error",
  });
  return outfile;
}
