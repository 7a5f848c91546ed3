/** Runs a Worker in plain workerd, with no development server in between. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { packageCommand, ROOT, type RunningServer, startServer } from "../examples/child-process.ts";
import { freePort } from "./redis-server.ts";

export interface RunningWorker extends RunningServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
}

export interface WorkerSetting {
  /** The Worker's module, its path in the project. */
  entry: string;
  /** Its environment, texts alone. */
  env: Record<string, string>;
  compatibilityFlags?: string[];
}

export async function startWorkerd({
  entry,
  env,
  compatibilityFlags = [],
}: WorkerSetting): Promise<RunningWorker> {
  const folder = mkdtempSync(join(tmpdir(), "workerd-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await build({
    entryPoints: [join(ROOT, entry)],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    minify: true,
    conditions: ["workerd", "worker"],
  });
  const config = join(folder, "config.capnp");
  writeFileSync(config, configuration({ port, env, compatibilityFlags }));
  const server = await startServer([packageCommand("workerd"), "serve", config], { url, env: {} });
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  };
  return { ...server, url, stop };
}

/** @see https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function configuration({
  port,
  env,
  compatibilityFlags,
}: {
  port: number;
  env: Record<string, string>;
  compatibilityFlags: string[];
}): string {
  const bindings = Object.entries(env).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`,
  );
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ${JSON.stringify(compatibilityFlags)},
  bindings = [${bindings.join(", ")}],
);
`;
}
