/** Child processes of the tests: each in a process group of its own, so that whatever it starts goes with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface RunningServer {
  /** Of its process. */
  pid: number | undefined;
  /** What it has written to both streams. */
  output(): string;
  stop(): Promise<void>;
}

export interface Finished {
  exitCode: unknown;
  stdout: string;
  stderr: string;
}

/** The path of a command that the project's packages bring. */
export function packageCommand(name: string): string {
  return join(ROOT, "node_modules/.bin", name);
}

/** Starts a server and waits until something answers at `url`. */
export async function startServer(
  command: string[],
  { url, env, deadlineMs = 60_000 }: { url: string; env: Record<string, string>; deadlineMs?: number },
): Promise<RunningServer> {
  const { child, kill } = spawnGroup(command, env);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      output += chunk;
    });
  }
  const deadline = performance.now() + deadlineMs;
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await kill();
      throw new Error(`${command.join(" ")} does not answer:\n${output}`);
    }
    await delay(50);
  }
  return { pid: child.pid, output: () => output, stop: kill };
}

/** Runs a command to its end, which comes at the deadline at the latest; the exit code is then null, or what it makes of SIGINT. */
export async function runToEnd(
  command: string[],
  env: Record<string, string>,
  deadlineMs?: number,
): Promise<Finished> {
  const { child, kill } = spawnGroup(command, env);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  const deadline = deadlineMs === undefined ? undefined : setTimeout(kill, deadlineMs);
  const [exitCode] = await once(child, "close");
  clearTimeout(deadline);
  await kill();
  return { exitCode, stdout, stderr };
}

/** None of the caller's variables but those that a process needs to live: a key of the developer's must not get in. */
function spawnGroup([file = "", ...args]: string[], env: Record<string, string>) {
  const { PATH = "", HOME = "", TMPDIR = "/tmp" } = process.env;
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { PATH, HOME, TMPDIR, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const killNow = () => signalGroup(child, "SIGKILL");
  process.once("exit", killNow);
  const kill = async () => {
    process.off("exit", killNow);
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      // First as from a keyboard: wrangler takes its temporary files away.
      signalGroup(child, "SIGINT");
      await Promise.race([gone, delay(GRACE_MS, undefined, { ref: false })]);
    }
    killNow();
  };
  return { child, kill };
}

const GRACE_MS = 3_000;

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group is gone already.
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).body?.cancel();
    return true;
  } catch {
    return false;
  }
}
