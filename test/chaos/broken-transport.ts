/** A transport whose scripts have a bug that was planted in their text. */
import { createHash } from "node:crypto";
import type { RedisScript, ScriptTransport } from "../../src/redis/transport.ts";

export interface PlantedBug {
  /** The scripts that hold the line. */
  scripts: string[];
  /** Stands in each of them once. */
  line: string;
  instead: string;
}

/** @throws Error when a script does not hold the line exactly once: the bug then must be planted elsewhere. */
export function brokenTransport(transport: ScriptTransport, bug: PlantedBug): ScriptTransport {
  const broken = new Map<string, RedisScript>();
  return {
    ...transport,
    run(script, keys, args, elapsedMs) {
      if (!bug.scripts.includes(script.name)) return transport.run(script, keys, args, elapsedMs);
      const known = broken.get(script.name) ?? withBug(script, bug);
      broken.set(script.name, known);
      return transport.run(known, keys, args, elapsedMs);
    },
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
