/** `npm run chaos`: callers, faults, and at the end the question whether the ledger is exact. */
import { parseChaosArguments, USAGE } from "./options.ts";
import { reportLines } from "./report.ts";
import { type ChaosProgress, runChaos } from "./run.ts";

async function main(): Promise<void> {
  const { json, help, ...options } = parseChaosArguments(process.argv.slice(2));
  if (help) return print([USAGE]);
  process.stderr.write(`Chaos with seed ${options.seed}\n`);
  const report = await runChaos({ ...options, onProgress: showProgress });
  if (process.stderr.isTTY) process.stderr.write("\n");
  print(json ? [JSON.stringify(report, null, 2)] : reportLines(report));
  if (report.contradictions.length > 0) process.exitCode = 1;
}

/** One line that is written over and over in a terminal, else one every ten seconds. */
function showProgress({ seconds, operations, networkFaults, serverFaults }: ChaosProgress): void {
  const line = `${Math.floor(seconds)} s: ${operations} operations, ${networkFaults} faults of the network, ${serverFaults} of servers`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line} `);
  else if (Math.floor(seconds) % 10 === 0 && seconds % 1 < 0.5) process.stderr.write(`${line}\n`);
}

function print(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`);
  // Callers and servers may still be running.
  process.exit(1);
}
