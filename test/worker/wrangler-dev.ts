/** Starts the Worker under `wrangler dev` on a free port, with settings of its own and nothing left behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface DevWorker {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** All that wrangler and the Worker have printed so far. */
  output(): string;
  stop(): Promise<void>;
}

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const READY = /Ready on (http:\/\/127\.0\.0\.1:\d+)/;
const START_TIMEOUT_MS = 60_000;

/** @param settings the Worker's environment, kept in a file that goes with the Worker. */
export async function startDevWorker(settings: Record<string, string>): Promise<DevWorker> {
  const folder = mkdtempSync(join(tmpdir(), "wrangler-"));
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${JSON.stringify(value)}\n`);
  writeFileSync(join(folder, "settings"), lines.join(""));
  // A group of its own, so that nothing that wrangler starts outlives it.
  const child = spawn(process.execPath, [wranglerScript(), ...devArguments(folder)], {
    cwd: PROJECT,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_LOG_PATH: join(folder, "logs"),
    },
  });
  const clear = () => {
    killGroup(child);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once("exit", clear);
  let output = "";
  const stop = async () => {
    process.off("exit", clear);
    const exit = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    killGroup(child);
    await exit;
    clear();
  };
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        output += chunk.toString("utf8");
        const address = READY.exec(output)?.[1];
        if (address !== undefined) resolve(address);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      const fail = () => reject(new Error(`wrangler dev did not start:\n${output}`));
      child.once("exit", fail);
      child.once("error", reject);
      setTimeout(fail, START_TIMEOUT_MS).unref();
    });
    return { url, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function wranglerScript(): string {
  const manifest = createRequire(import.meta.url).resolve("wrangler/package.json");
  return join(dirname(manifest), "bin/wrangler.js");
}

function devArguments(folder: string): string[] {
  return [
    "dev",
    ...["--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0"],
    ...["--persist-to", join(folder, "state"), "--env-file", join(folder, "settings")],
    "--show-interactive-dev-session=false",
  ];
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
