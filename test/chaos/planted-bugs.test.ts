/** Chaos finds bugs: each one here is planted in the scripts of an otherwise sound ledger. */
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import type { ChaosReport } from "../../chaos/report.ts";
import { runChaos } from "../../chaos/run.ts";
import { brokenTransport, type PlantedBug } from "./broken-transport.ts";

async function chaosWith(bug: PlantedBug | undefined): Promise<ChaosReport> {
  const report = await runChaos({
    seed: 7,
    seconds: 4,
    operations: 1_500,
    processes: 2,
    callersPerProcess: 20,
    wrapTransport: (transport) => (bug === undefined ? transport : brokenTransport(transport, bug)),
  });
  if (report.contradictions.length > 0) rmSync(dirname(report.journalFolder), { recursive: true });
  return report;
}

const BUGS: [name: string, bug: PlantedBug, found: RegExp][] = [
  [
    "a settle that does not look at its id",
    { scripts: ["close"], line: "refuseClosed(known, accounts, at)", instead: "" },
    /settle .* was confirmed, and .* stands|settled of its|first amounts/,
  ],
  [
    "a reserve that does not look at the limits",
    {
      scripts: ["reserve"],
      line: "if refuses(account, requested) then refuse('DENIED', at, {}, accounts) end",
      instead: "",
    },
    /was admitted with \d+ of \d+ [\s\S]*was admitted when at least \d+ of \d+/,
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
      const { contradictions } = await chaosWith(bug);
      expect(contradictions.join("\n")).toMatch(found);
    },
    60_000,
  );

  it.concurrent("nothing where nothing was planted", async () => {
    const { contradictions } = await chaosWith(undefined);
    expect(contradictions).toEqual([]);
  }, 60_000);
});
