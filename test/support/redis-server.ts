/** Starts a real redis-server on a free loopback port, with nothing on disk but a folder that goes with it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface RedisServerOptions {
  /** Left out: a free one. A server that is started again on its old port is the same address to its clients. */
  port?: number;
  password?: string;
  /** Further arguments, such as `["--rename-command", "TIME", ""]` or `["--maxmemory", "3mb"]`. */
  args?: string[];
  /** The working folder; left out: a temporary one that goes when the server is stopped. */
  folder?: string;
  /** `"listening"`: return while it still loads its data. */
  until?: "ready" | "listening";
}

export interface RedisServer {
  url: string;
  port: number;
  /** Kills it; connections are reset, the port refuses. Harmless when it is gone already. */
  stop(): Promise<void>;
  /** Sends one command as a line, such as `FLUSHALL`, and returns the first line of the answer. */
  command(line: string): Promise<string>;
  /** Empties all databases; scripts stay loaded. */
  flush(): Promise<void>;
  /** Stops the process in its tracks: it accepts connections and bytes, and answers nothing. */
  pause(): void;
  resume(): void;
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  ensureInstalled();
  for (let tries = 0; ; tries++) {
    const server = await tryToStart(options, options.port ?? (await freePort()));
    if (server !== undefined) return server;
    // Somebody else took the port between looking and listening.
    if (options.port !== undefined || tries === 5) throw new Error("redis-server did not start");
  }
}

async function tryToStart(options: RedisServerOptions, port: number): Promise<RedisServer | undefined> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "redis-"));
  const passwordArgs = options.password === undefined ? [] : ["--requirepass", options.password];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const child = spawn("redis-server", [...args, ...passwordArgs, ...(options.args ?? [])], {
    stdio: "ignore",
  });
  const watchdog = killWhenThisProcessEnds(child);

  const command = (line: string) => sendLine(port, options.password, line);
  const stop = async () => {
    await kill(child);
    watchdog.kill("SIGKILL");
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  if (!(await answers(child, () => command("PING"), options.until ?? "ready"))) {
    await stop();
    return undefined;
  }
  const credentials = options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`;
  return {
    url: `redis://${credentials}127.0.0.1:${port}`,
    port,
    stop,
    command,
    flush: async () => {
      const answer = await command("FLUSHALL");
      if (answer !== "+OK") throw new Error(`FLUSHALL: ${answer}`);
    },
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
  };
}

/** False when the process ended by itself. */
async function answers(child: ChildProcess, ping: () => Promise<string>, until: "ready" | "listening") {
  const deadline = performance.now() + 20_000;
  while (child.exitCode === null && performance.now() < deadline) {
    const answer = await ping().catch(() => undefined);
    if (answer !== undefined && (until === "listening" || !answer.startsWith("-LOADING"))) return true;
    await delay(10);
  }
  return false;
}

/** However this process ends: a shell waits for the end of a pipe that only this process holds open. */
function killWhenThisProcessEnds(child: ChildProcess): ChildProcess {
  const wait = 'read _; kill -9 "$0"';
  return spawn("sh", ["-c", wait, String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

async function sendLine(port: number, password: string | undefined, line: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    const lines = password === undefined ? [line] : [`AUTH ${password}`, line];
    socket.write(lines.map((each) => `${each}\r\n`).join(""));
    let text = "";
    for await (const chunk of socket) {
      text += chunk;
      const answerLines = text.split("\r\n");
      if (answerLines.length > lines.length) return answerLines[lines.length - 1] ?? "";
    }
    throw new Error("redis-server closed the connection");
  } finally {
    socket.destroy();
  }
}

/** A loopback port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

function ensureInstalled(): void {
  if (isInstalled()) return;
  if (process.getuid?.() === 0 && spawnSync("apt-get", ["--version"]).status === 0) {
    // Run level 1: the package then starts no server of its own.
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    execFileSync("apt-get", ["update", "-q"], { env, stdio: "inherit" });
    execFileSync("apt-get", ["install", "-q", "-y", "--no-install-recommends", "redis-server"], {
      env,
      stdio: "inherit",
    });
  }
  if (!isInstalled()) {
    throw new Error(
      "The tests need `redis-server` in PATH: install it with `apt-get install redis-server`, `brew install redis` or your system's package of Redis or Valkey.",
    );
  }
}

function isInstalled(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}
