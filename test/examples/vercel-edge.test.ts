/** The Vercel example, bundled as Vercel does and run by its `edge-runtime`. */
import { join } from "node:path";
import { EdgeRuntime, runServer } from "edge-runtime";
import { build } from "esbuild";
import { ROOT } from "./child-process.ts";
import { edgeExampleSuite } from "./edge.suite.ts";

edgeExampleSuite("the Vercel Edge example", async (env) => {
  const runtime = new EdgeRuntime({
    initialCode: await bundled(),
    extend: (context) => Object.assign(context, { process: { env } }),
  });
  const server = await runServer({ runtime });
  return { chatUrl: new URL("/api/chat", server.url).href, stop: () => server.close() };
});

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import handler from "./examples/vercel-edge/api/chat.ts";
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
  if (file === undefined) throw new Error(`esbuild made nothing of ${join(ROOT, "examples/vercel-edge")}.`);
  return file.text;
}
