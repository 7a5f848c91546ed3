/** What a soak may not pass, and how it is told. */
import { styleText } from "node:util";
import type { Spread } from "../statistics.ts";
import { tableLines } from "../table.ts";
import type { Growth } from "./growth.ts";
import type { RandomReservesResult } from "./random-reserves.ts";

/**
 * What a call takes of the server's processor on a grown ledger over what it takes with a single agent. That is how many
 * calls per second a server has room for; the rates themselves are told too, and sway with all else that the machine does.
 */
export const MOST_SLOWDOWN = 1.25;
/** The 99.9th percentile of script time. What the first call takes is told beside it. */
export const MOST_SCRIPT_MICROS = 5_000;

export function isGrowthWithin({ serverMicros, measured }: Growth): boolean {
  const isFlat = serverMicros.grown <= MOST_SLOWDOWN * serverMicros.single;
  return isFlat && measured.p999 < MOST_SCRIPT_MICROS;
}

export function isExact({ overAdmissions, problemCount }: RandomReservesResult): boolean {
  return overAdmissions === 0 && problemCount === 0;
}

export function growthLines(growths: Growth[]): string[] {
  const titles = [
    "",
    "calls/s alone, grown",
    "alone / grown",
    "server µs alone, grown",
    "p99.9 alone",
    "p99.9",
    "filling",
    "first call",
  ];
  const rows = growths.map((growth) => [
    growth.what,
    pairText(growth.single.median, growth.grown.median),
    ratioText(growth.slowdown),
    pairText(growth.serverMicros.single, growth.serverMicros.grown),
    ...[growth.measuredSingle.p999, growth.measured.p999, growth.filling.p999, growth.firstCallMicros].map(
      whole,
    ),
    Object.entries(growth.bytesEach)
      .map(([what, bytes]) => `${whole(bytes)} ${what}`)
      .join(", "),
    `${growth.fillSeconds.toFixed(1)} s`,
    verdict(isGrowthWithin(growth)),
  ]);
  const title = `Growth: at most ${MOST_SLOWDOWN}x the server's time, scripts under ${whole(MOST_SCRIPT_MICROS)} µs at p99.9`;
  const table = tableLines([...titles, "bytes each:", "filled in", ":"], rows);
  return [styleText("bold", title), ...table, ...firstCallLines(growths), ""];
}

/** The slowest first call beside what is asked of all scripts. It is one call of each account, and fails no soak. */
function firstCallLines(growths: readonly Growth[]): string[] {
  const [slowest] = growths.toSorted((a, b) => b.firstCallMicros - a.firstCallMicros);
  if (slowest === undefined) return [];
  const isMet = slowest.firstCallMicros < MOST_SCRIPT_MICROS;
  const took = `The first call on a grown ledger, which sweeps all that is due, took up to ${whole(slowest.firstCallMicros)} µs (${slowest.what})`;
  return [`${verdict(isMet)} ${took}: ${isMet ? "below" : "not below"} ${whole(MOST_SCRIPT_MICROS)} µs.`];
}

export function randomReservesLines(result: RandomReservesResult): string[] {
  const { counts, seconds, overAdmissions, problemCount, problems } = result;
  const rows = Object.entries(counts).map(([what, count]) => [words(what), whole(count)]);
  return [
    styleText("bold", `Random reserves: ${whole(counts.reserves)} in ${seconds.toFixed(0)} s`),
    ...tableLines(["", "calls"], rows),
    `${verdict(overAdmissions === 0)} ${overAdmissions} admissions past a limit`,
    `${verdict(problemCount === 0)} ${problemCount} answers or sums that differ from what callers were told`,
    ...problems.map((problem) => `  ${problem}`),
    "",
  ];
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
const ratioText = ({ median, lowest, highest }: Spread): string =>
  `${median.toFixed(2)}x (${lowest.toFixed(2)}–${highest.toFixed(2)})`;
const pairText = (single: number, grown: number): string => `${whole(single)}, ${whole(grown)}`;
const verdict = (isMet: boolean): string => (isMet ? styleText("green", "✔") : styleText("red", "✘"));
