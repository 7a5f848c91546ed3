/** The commands of the Python library around one call, as its client sends them: nine round trips, one after the other. */
import type { Wire } from "../wires.ts";
import { type Contender, contender } from "./contender.ts";

/** Limits and counters. They are read one by one before the call, and again after it. */
const KEYS = ["budget:usd", "budget:tokens", "spent:usd", "spent:tokens"].map(
  (name) => `agent:worker:${name}`,
);
const [, , USD_KEY = "", TOKENS_KEY = ""] = KEYS;

export function pythonSequence(wire: Wire): Contender {
  return contender("Python's 8 GET, MULTI … EXEC", wire, (way) => async () => {
    for (const key of [...KEYS, ...KEYS]) await way.get(key);
    await way.addToBoth(USD_KEY, TOKENS_KEY);
  });
}
