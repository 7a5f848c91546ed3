/** Runs the command as a user does: a process of its own, its two outputs and its exit code. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Milliseconds of the command's {@link startOwnTime}, from its first line to its end; NaN at a terminal. */
  ownMs: number;
}

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const TELL_OWN_TIME = new URL("tell-own-time.ts", import.meta.url).href;
/** Types are taken off once and not at every start. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL("../../node_modules/.cache/cli-tests", import.meta.url));

/** `agentlimit …args`, into pipes, with no more environment than is given. */
export function agentlimit(args: string[], environment: Record<string, string> = {}): Promise<Outcome> {
  return outcomeOf(process.execPath, ["--import", TELL_OWN_TIME, MAIN, ...args], environment);
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
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE, ...environment },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const texts = child.stdio.slice(1).map((stream) => (stream instanceof Readable ? text(stream) : ""));
  await once(child, "close");
  const [stdout = "", stderr = "", ownMs = ""] = await Promise.all(texts);
  return { code: child.exitCode, stdout, stderr, ownMs: Number.parseFloat(ownMs) };
}

/** A namespace that no other test uses. */
export function freshNamespace(): string {
  return `t-${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
}

/** One line on stderr, nothing on stdout. */
export const ONE_LINE = /^agentlimit: [^\n]+\n$/;
