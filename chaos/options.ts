/** The arguments of `npm run chaos`. */
import { parseArgs } from "node:util";

export interface ChaosArguments {
  seed: number;
  seconds: number;
  operations: number;
  processes: number;
  callersPerProcess: number;
  json: boolean;
  help: boolean;
}

export const USAGE = `npm run chaos -- [options]

  --seed N        draws the errands and faults of that run again (default: a random one)
  --seconds N     callers go on for so long at least (default 30)
  --operations N  and until they have sent so many operations (default 0)
  --processes N   processes of callers (default 4)
  --callers N     callers in each (default 8)
  --json          prints the report as JSON`;

const OPTIONS = {
  seed: { type: "string" },
  seconds: { type: "string" },
  operations: { type: "string" },
  processes: { type: "string" },
  callers: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

/** Longer runs would fold the ledger's hours into days, which the check does not follow. */
const MAX_SECONDS = 4 * 3600;

/** @throws Error for an unknown option or a number out of its range. */
export function parseChaosArguments(args: string[]): ChaosArguments {
  const { values } = parseArgs({ args, options: OPTIONS });
  return {
    seed: wholeNumber("seed", values.seed, 0, 2 ** 32) ?? Math.floor(Math.random() * 1_000_000),
    seconds: wholeNumber("seconds", values.seconds, 1, MAX_SECONDS) ?? 30,
    operations: wholeNumber("operations", values.operations, 0, 10_000_000) ?? 0,
    processes: wholeNumber("processes", values.processes, 1, 64) ?? 4,
    callersPerProcess: wholeNumber("callers", values.callers, 1, 64) ?? 8,
    json: values.json === true,
    help: values.help === true,
  };
}

function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new Error(`--${name} is a whole number from ${least} to ${most}, not ${text}.`);
}
