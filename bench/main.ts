/**
 * `npm run bench`: this library beside others in one run, as ratios, and beside its targets.
 * `-- --quick` takes some 20 seconds, `-- --json` prints the raw figures, which also go to bench/results.
 */
import { parseArgs } from "node:util";
import { measureSizes } from "../scripts/sizes.ts";
import { boundLines, measureBounds } from "./bound-cost.ts";
import { costLines, countCosts } from "./commands.ts";
import { type Comparison, comparisonLines } from "./comparison.ts";
import { type ComparisonName, compareAll } from "./comparisons.ts";
import { watchGuardedCall } from "./guarded-call.ts";
import { machineOf, machineText, writeResult } from "./results.ts";
import { type Servers, startServers } from "./servers.ts";
import { sizeLines } from "./size-lines.ts";
import { measureStreams, streamLines } from "./streams.ts";
import { targetLines, targetsOf } from "./targets.ts";

const PACES = {
  quick: { rounds: 3, roundMs: 100, streams: { rounds: 1, eventsPerStream: 1_000 } },
  full: { rounds: 15, roundMs: 400, streams: { rounds: 5, eventsPerStream: 3_000 } },
};

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
  });
  const tell = options.json ? () => {} : print;
  const servers = await startServers();
  try {
    const figures = await measure(servers, { pace: options.quick ? "quick" : "full", tell });
    tell([`Raw figures: ${writeResult("bench", figures)}`]);
    if (options.json) print([JSON.stringify(figures, null, 2)]);
  } finally {
    await servers.close();
  }
}

async function measure(
  servers: Servers,
  { pace, tell }: { pace: keyof typeof PACES; tell: (lines: string[]) => void },
) {
  const startedAt = new Date().toISOString();
  const machine = await machineOf(servers.observer);
  const { rounds, roundMs } = PACES[pace];
  tell([
    `${machineText(machine)}; ${rounds} rounds of ${roundMs} ms each, in turn; medians.`,
    "Over loopback, where a round trip costs next to nothing: over a network it is round trips that count most.",
    "",
  ]);

  const costs = await countCosts(servers);
  const guardedCall = await watchGuardedCall(servers.rest);
  const sizes = await measureSizes();
  const bounds = measureBounds();
  const streams = await measureStreams(PACES[pace].streams);
  tell([...costLines(costs), ...sizeLines(sizes), ...boundLines(bounds), ...streamLines(streams)]);

  const comparisons = new Map<ComparisonName, Comparison>();
  for await (const [name, comparison] of compareAll(servers, {
    rounds,
    roundMs,
    observer: servers.observer,
  })) {
    comparisons.set(name, comparison);
    tell(comparisonLines(comparison));
  }
  const targets = targetsOf({ comparisons, costs, guardedCall, sizes, streams });
  tell(targetLines(targets));
  return {
    startedAt,
    machine,
    pace,
    targets,
    costs,
    guardedCall,
    sizes,
    bounds,
    streams,
    comparisons: Object.fromEntries(comparisons),
  };
}

function print(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
