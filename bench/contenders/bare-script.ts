/** The least that a script can cost: `EVALSHA` of one `INCRBY`. */
import { createHash } from "node:crypto";
import type { Wire } from "../wires.ts";
import { type Contender, contender } from "./contender.ts";

const INCRBY = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
const SHA1 = createHash("sha1").update(INCRBY).digest("hex");

export async function bareScript(wire: Wire): Promise<Contender> {
  await wire.callers[0]?.eval(INCRBY, ["bare"], ["1000"]);
  return contender("bare EVALSHA of one INCRBY", wire, (way) => async () => {
    const sum = await way.evalsha(SHA1, ["bare"], ["1000"]);
    if (typeof sum !== "number") throw new Error("INCRBY did not answer a number.");
  });
}
