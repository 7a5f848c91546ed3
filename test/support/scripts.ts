/** Small scripts for tests of the transports. */
import { createHash } from "node:crypto";
import type { RedisScript } from "../../src/redis/transport.ts";

/** A script of this text. */
export function script(source: string): RedisScript {
  const upstashSource = `#!lua flags=allow-key-locking\n${source}`;
  return { name: "sample", source, sha1: sha1(source), upstashSource, upstashSha1: sha1(upstashSource) };
}

/** Writes its arguments under its key and answers them, as every script answers. */
export const ECHO = script(`
local answer = { 'agl1' }
for i = 1, #ARGV do answer[i + 1] = '=' .. ARGV[i] end
answer[#ARGV + 2] = 'end'
redis.call('SET', KEYS[1], ARGV[1] or '')
return answer
`);

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
