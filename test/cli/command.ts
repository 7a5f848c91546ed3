/** Runs the command as a user does: a process of its own, its two outputs and its exit code. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  milliseconds: number;
}

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** Types are taken off once and not at every start. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL("../../node_modules/.cache/cli-tests", import.meta.url));

/** `agentlimit …args`, into pipes, with no more environment than is given. */
export function agentlimit(args: string[], environment: Record<string, string> = {}): Promise<Outcome> {
  return outcomeOf(process.execPath, [MAIN, ...args], environment);
}

/** The same at a terminal: what it shows, in `stdout`. */
export function agentlimitAtTerminal(
  args: string[],
  environment: Record<string, string> = {},
): Promise<Outcome> {
  const line = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
  return outcomeOf("script", ["-qec", line, "/dev/null"], { TERM: "xterm-256color", ...environment });
}

async function outcomeOf(
  program: string,
  args: string[],
  environment: Record<string, string>,
): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  await once(child, "close");
  return { code: child.exitCode, ...output, milliseconds: performance.now() - started };
}

/** A namespace that no other test uses. */
export function freshNamespace(): string {
  return `t-${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
}

/** One line on stderr, nothing on stdout. */
export const ONE_LINE = /^agentlimit: [^\n]+\n$/;
