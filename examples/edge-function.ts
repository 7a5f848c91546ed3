/**
 * Serves an edge function of the examples as Vercel does, bundled, in its `edge-runtime`:
 * `npx node examples/edge-function.ts examples/vercel-edge/api/chat.ts 3000`
 */
import { fileURLToPath } from "node:url";
import { EdgeRuntime, runServer } from "edge-runtime";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface EdgeServer {
  /** Such as `http://127.0.0.1:3000/`. */
  url: string;
  close(): Promise<void>;
}

export interface EdgeFunction {
  /** From the root of the project. */
  file: string;
  env: Record<string, string | undefined>;
  /** A free one if left out. */
  port?: number;
}

export async function serveEdgeFunction({ file, env, port }: EdgeFunction): Promise<EdgeServer> {
  const runtime = new EdgeRuntime({
    initialCode: await bundled(file),
    extend: (context) => Object.assign(context, { process: { env } }),
  });
  return runServer({ runtime, host: "127.0.0.1", ...(port === undefined ? {} : { port }) });
}

async function bundled(file: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import handler from "./${file}";
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
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`esbuild made nothing of ${file}.`);
  return output.text;
}

if (import.meta.main) {
  const [file = "", port = "3000"] = process.argv.slice(2);
  const { url } = await serveEdgeFunction({ file, env: process.env, port: Number(port) });
  console.log(`${file} listens at ${url}`);
}
