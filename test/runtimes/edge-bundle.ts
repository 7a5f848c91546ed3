/** Runners for the edge runtime, each as one file with its settings in it: it takes no imports and no environment. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll } from "vitest";
import { packageCommand, ROOT } from "../examples/child-process.ts";

declare global {
  /** The name that Vercel's runtime bears. */
  var EdgeRuntime: unknown;
  /** What the bundler has put in. */
  var SETTINGS: Record<string, string>;
}

const folder = mkdtempSync(join(tmpdir(), "edge-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** @param runner its path in the project. */
export function edgeCommand(runner: string, settings: Record<string, string>): string[] {
  const outfile = join(folder, "runner.js");
  buildSync({
    entryPoints: [join(ROOT, runner)],
    outfile,
    bundle: true,
    format: "iife",
    platform: "browser",
    conditions: ["edge-light", "worker"],
    target: "es2022",
    alias: { "node:assert/strict": join(ROOT, "test/runtimes/small-assert.ts") },
    define: { SETTINGS: JSON.stringify(settings) },
    logLevel: "error",
  });
  return [packageCommand("edge-runtime"), outfile];
}
