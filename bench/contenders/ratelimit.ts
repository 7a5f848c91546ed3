/** `@upstash/ratelimit`'s sliding window: a check that counts one request, and nothing to settle afterwards. */
import { createHash } from "node:crypto";
import { Ratelimit } from "@upstash/ratelimit";
import type { ScriptClient, Wire } from "../wires.ts";
import { type Contender, contender } from "./contender.ts";

/** Never reached. */
const REQUESTS_AN_HOUR = 1_000_000_000;

export function ratelimit(wire: Wire): Contender {
  return contender("@upstash/ratelimit limit()", wire, (way) => {
    const limiter = new Ratelimit({
      redis: onStockRedis(way),
      limiter: Ratelimit.slidingWindow(REQUESTS_AN_HOUR, "1 h"),
    });
    return async () => {
      const { success, reason } = await limiter.limit("agent:worker");
      if (!success || reason !== undefined) throw new Error("limit() refused, or did not ask the store.");
    };
  });
}

/** Its scripts begin with a line that only Upstash understands: it is taken off, and their SHA-1 changes with it. */
function onStockRedis(client: ScriptClient): ConstructorParameters<typeof Ratelimit>[0]["redis"] {
  const ownSha1 = new Map<string, string>();
  const adapted = {
    evalsha: async (sha1: string, keys: string[], args: unknown[]) => {
      const own = ownSha1.get(sha1);
      if (own === undefined) throw new Error("NOSCRIPT");
      return client.evalsha(own, keys, args);
    },
    eval: async (script: string, keys: string[], args: unknown[]) => {
      const plain = script.replace(/^#!.*\n/, "");
      ownSha1.set(sha1Of(script), sha1Of(plain));
      return client.eval(plain, keys, args);
    },
    get: refuseUse,
    set: refuseUse,
  };
  // Its type has the answer of `evalsha` chosen by who calls it, which no implementation can promise.
  return adapted as ConstructorParameters<typeof Ratelimit>[0]["redis"];
}

const sha1Of = (script: string): string => createHash("sha1").update(script).digest("hex");

async function refuseUse(): Promise<never> {
  throw new Error("limit() was not expected to do anything but run its script.");
}
