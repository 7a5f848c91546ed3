/** A transport whose scripts have a bug that was planted in their text. */
import { createHash } from "node:crypto";
import { SCRIPTS } from "../../src/redis/scripts.ts";
import type { RedisScript, ScriptTransport } from "../../src/redis/transport.ts";

export interface PlantedBug {
  /** The scripts that hold the line. */
  scripts: string[];
  /** Stands in each of them once. */
  line: string;
  instead: string;
}

export type BrokenScripts = Map<string, RedisScript>;

/** @throws Error when a script does not hold the line exactly once: the bug then must be planted elsewhere. */
export function plant(...bugs: PlantedBug[]): BrokenScripts {
  const broken: BrokenScripts = new Map();
  for (const bug of bugs) {
    const named = Object.values<RedisScript>(SCRIPTS).filter(({ name }) => bug.scripts.includes(name));
    if (named.length !== bug.scripts.length) throw new Error(`Not all of ${bug.scripts.join(", ")} exist.`);
    for (const script of named) broken.set(script.name, withBug(broken.get(script.name) ?? script, bug));
  }
  return broken;
}

export function brokenTransport(transport: ScriptTransport, broken: BrokenScripts): ScriptTransport {
  return {
    ...transport,
    run: (script, keys, args, elapsedMs) =>
      transport.run(broken.get(script.name) ?? script, keys, args, elapsedMs),
  };
}

function withBug(script: RedisScript, { line, instead }: PlantedBug): RedisScript {
  const parts = script.source.split(`\n${line}\n`);
  if (parts.length !== 2)
    throw new Error(`"${script.name}" holds the line ${parts.length - 1} times: ${line}`);
  const source = parts.join(`\n${instead}\n`);
  const upstashSource = `#!lua flags=allow-key-locking\n${source}`;
  return { ...script, source, sha1: sha1(source), upstashSource, upstashSha1: sha1(upstashSource) };
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
