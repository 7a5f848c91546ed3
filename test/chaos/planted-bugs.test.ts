/** Chaos finds bugs: each one here is planted in the scripts of an otherwise sound ledger. */
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { runChaos } from "../../chaos/run.ts";
import { type BrokenScripts, brokenTransport, type PlantedBug, plant } from "./broken-transport.ts";

/** Runs are short: a bug that shows in doubled resets alone may need a second one. */
const SEEDS = [7, 8, 9];

/** What the first run says that contradicts anything; empty when none of them does. */
async function contradictionsWith(broken: BrokenScripts, seeds: number[]): Promise<string[]> {
  for (const seed of seeds) {
    const { contradictions, journalFolder } = await runChaos({
      seed,
      seconds: 4,
      operations: 1_200,
      processes: 2,
      callersPerProcess: 12,
      wrapTransport: (transport) => brokenTransport(transport, broken),
    });
    if (contradictions.length === 0) continue;
    rmSync(dirname(journalFolder), { recursive: true });
    return contradictions;
  }
  return [];
}

const BUGS: [name: string, bug: PlantedBug, found: RegExp][] = [
  [
    "a settle that does not look at its id",
    {
      scripts: ["close"],
      line: "local closed = known.closed\nif not closed then",
      instead: "local closed = false\nif not isForeign then return end\nif not closed then",
    },
    /settle .* was confirmed, and .* stands|settled of its|first amounts/,
  ],
  [
    "a reserve that does not look at the limits",
    {
      scripts: ["reserve"],
      line: "if refuses(account, requested) then refuse('DENIED', at, {}, accounts) end",
      instead: "",
    },
    /was admitted (with|when at least) \d+ of \d+/,
  ],
  [
    "a reset that is applied twice",
    {
      scripts: ["administer"],
      line: "if known then",
      instead: "if known and action ~= 'reset' then",
    },
    /the reset was confirmed at \d+ and is recorded at \d+|log: it names an operation twice/,
  ],
  [
    "an expiry that forgets what was spent",
    {
      scripts: ["reserve", "record", "administer"],
      line: "if segment.start >= window.base then add(window.settled, segment.sum, 1) end",
      instead: "if segment.start >= window.base then add(window.committed, segment.sum, -1) end",
    },
    /settled of its total: the journal adds up to/,
  ],
  [
    "a rollover that resets again and again",
    {
      scripts: ["reserve", "record", "administer"],
      line: "window.start, window.stop, window.unsent = bounds.start, bounds.stop, true",
      instead: "window.unsent = true",
    },
    /its month begins at \d+|settled of its month: the journal adds up to/,
  ],
  [
    "a float in the money",
    {
      scripts: ["close"],
      line: "return { amounts[1], amounts[2], counted[3] }",
      instead: "return { math.floor(amounts[1] / 1e9 * 1e6 + 0.5) * 1000, amounts[2], counted[3] }",
    },
    /closed amounts: the journal has \[\d+,\d+,1\], the ledger \[\d+000,/,
  ],
];

describe("Chaos finds", () => {
  it.concurrent.each(BUGS)(
    "%s",
    async (_name, bug, found) => {
      expect((await contradictionsWith(plant(bug), SEEDS)).join("\n")).toMatch(found);
    },
    120_000,
  );

  it.concurrent("nothing where nothing was planted", async () => {
    expect(await contradictionsWith(new Map(), SEEDS.slice(0, 1))).toEqual([]);
  }, 120_000);
});
