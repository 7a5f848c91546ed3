/** `npm run bench`: this library beside others, in one run, as ratios. `-- --quick` takes some seconds. */
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { startRedisServer } from "../test/support/redis-server.ts";
import { comparisonLines } from "./comparison.ts";
import { bareScriptTargets, compareWithBareScript } from "./script-ratio.ts";
import { targetLines } from "./targets.ts";

const { values: options } = parseArgs({ options: { quick: { type: "boolean", default: false } } });

const server = await startRedisServer();
const observer = new Redis(server.url);
try {
  const comparison = await compareWithBareScript(server.url, observer, {
    rounds: options.quick ? 5 : 21,
    roundMs: options.quick ? 300 : 1000,
    connections: 8,
  });
  print([...comparisonLines(comparison), "", ...targetLines(bareScriptTargets(comparison))]);
} finally {
  await observer.quit();
  await server.stop();
}

function print(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}
