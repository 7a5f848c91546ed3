/**
 * `npm run soak`: growth, and random concurrent reserves. Exit code 1 where a limit is passed.
 * `-- --quick` takes some 30 seconds, `-- --seed 7` draws other calls, `-- --json` prints the raw figures, which also go
 * to bench/results.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { startRedisServer } from "../../test/support/redis-server.ts";
import { type Machine, machineOf, machineText, writeResult } from "../results.ts";
import { measureGrowth } from "./growth.ts";
import { growthLines, isExact, isGrowthWithin, randomReservesLines } from "./limits.ts";
import { randomReserves } from "./random-reserves.ts";

const SIZES = {
  quick: { agents: 50_000, holds: 5_000, days: 60, rounds: 4, roundMs: 250, reserves: 25_000 },
  full: { agents: 1_000_000, holds: 100_000, days: 400, rounds: 12, roundMs: 1_000, reserves: 1_000_000 },
};
const CALLERS = 64;

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      seed: { type: "string", default: String(randomInt(2 ** 32)) },
    },
  });
  const seed = Number(options.seed);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new Error("--seed is a whole number below 2^32.");
  const print = options.json ? () => {} : printLines;
  const size = options.quick ? "quick" : "full";
  const startedAt = new Date().toISOString();
  const machine = await thisMachine();
  print([`${machineText(machine)}; seed ${seed}.`, ""]);

  const growth = await measureGrowth({ ...SIZES[size], tell });
  print(growthLines(growth));
  const { reserves } = SIZES[size];
  const random = await randomReserves({
    reserves,
    seed,
    callers: CALLERS,
    progress: (counts) => tell(`random reserves: ${counts.reserves} of ${reserves}, ${counts.denied} denied`),
  });
  print(randomReservesLines(random));

  const isWithin = growth.every(isGrowthWithin) && isExact(random);
  const figures = { startedAt, machine, size, seed, isWithin, growth, random };
  print([`Raw figures: ${writeResult("soak", figures)}`]);
  if (options.json) printLines([JSON.stringify(figures, null, 2)]);
  process.exitCode = isWithin ? 0 : 1;
}

async function thisMachine(): Promise<Machine> {
  const server = await startRedisServer();
  const observer = new Redis(server.url);
  try {
    return await machineOf(observer);
  } finally {
    await observer.quit();
    await server.stop();
  }
}

function tell(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

function printLines(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
