/** A transport whose scripts fail when they touch a key that is not in KEYS. */
import { createHash } from "node:crypto";
import type { RedisScript, ScriptTransport } from "../../src/redis/transport.ts";

/** A local `redis` hides the global one from all that follows; Redis itself says which keys a command has. */
const GUARD = `
local redis = (function(real)
  local declared = {}
  for _, key in ipairs(KEYS) do declared[key] = true end
  local function guarded(call)
    return function(...)
      local keys = real.pcall('COMMAND', 'GETKEYS', ...)
      for _, key in ipairs(keys.err and {} or keys) do
        if not declared[key] then error('the key ' .. key .. ' is not in KEYS') end
      end
      return call(...)
    end
  end
  return setmetatable({ call = guarded(real.call), pcall = guarded(real.pcall) }, { __index = real })
end)(redis)
`;

export function declaredKeysTransport(transport: ScriptTransport): ScriptTransport {
  const guarded = new Map<string, RedisScript>();
  return {
    ...transport,
    run(script, keys, args, elapsedMs) {
      const known = guarded.get(script.sha1) ?? withGuard(script);
      guarded.set(script.sha1, known);
      return transport.run(known, keys, args, elapsedMs);
    },
  };
}

function withGuard(script: RedisScript): RedisScript {
  const source = `${GUARD}${script.source}`;
  return { ...script, source, sha1: createHash("sha1").update(source).digest("hex") };
}
