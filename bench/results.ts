/** Raw figures, one file a run, in bench/results. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Redis } from "ioredis";

const FOLDER = fileURLToPath(new URL("results/", import.meta.url));

/** What the figures were measured on: ratios of one run can be compared, absolute figures of two machines can't. */
export interface Machine {
  cores: number;
  processor: string;
  node: string;
  redis: string;
}

export async function machineOf(observer: Redis): Promise<Machine> {
  const info = await observer.info("server");
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? "unknown",
    node: process.version,
    redis: /^redis_version:(\S+)/m.exec(info)?.[1] ?? "unknown",
  };
}

export const machineText = ({ cores, processor, node, redis }: Machine): string =>
  `${cores} cores (${processor}), Redis ${redis}, Node ${node}`;

/** Writes the figures of a run of this kind, such as `bench`. @returns the file, from the working folder. */
export function writeResult(kind: string, figures: object): string {
  mkdirSync(FOLDER, { recursive: true });
  const name = `${kind}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.json`;
  writeFileSync(`${FOLDER}${name}`, `${JSON.stringify(figures, null, 2)}\n`);
  return `bench/results/${name}`;
}

/** The figures of the last run of this kind; undefined before the first. */
export function lastResult(kind: string): unknown {
  try {
    const names = readdirSync(FOLDER).filter((name) => name.startsWith(`${kind}-`));
    const last = names.sort().at(-1);
    return last === undefined ? undefined : JSON.parse(readFileSync(`${FOLDER}${last}`, "utf8"));
  } catch {
    return undefined;
  }
}
