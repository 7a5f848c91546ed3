/** Runs an edge function of the examples: bundled as Vercel does, in its `edge-runtime`. */
import { join } from "node:path";
import { EdgeRuntime, runServer } from "edge-runtime";
import { build } from "esbuild";
import { ROOT } from "./child-process.ts";
import type { RunningExample } from "./edge.suite.ts";

/** @param file of the function, from the root of the project. */
export async function startEdgeFunction(file: string, env: Record<string, string>): Promise<RunningExample> {
  const runtime = new EdgeRuntime({
    initialCode: await bundled(file),
    extend: (context) => Object.assign(context, { process: { env } }),
  });
  const server = await runServer({ runtime });
  return { chatUrl: new URL("/api/chat", server.url).href, stop: () => server.close() };
}

async function bundled(path: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import handler from "./${path}";
        addEventListener("fetch", (event) => event.respondWith(handler(event.request, event)));
      `,
      resolveDir: ROOT,
    },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    conditions: ["edge-light", "worker"],
    target: "es2022",
    logLevel: "silent",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${join(ROOT, path)}.`);
  return file.text;
}
