/** What a soak may not pass, and how it is told. */
import { styleText } from "node:util";
import type { Spread } from "../statistics.ts";
import { tableLines } from "../table.ts";
import type { Growth } from "./growth.ts";
import type { RandomReservesResult } from "./random-reserves.ts";
import type { ScriptTimes } from "./script-times.ts";

/** Calls per second with a single agent over those of a grown ledger. */
export const MOST_SLOWDOWN = 1.25;
/** The 99.9th percentile of script time, and what a first call after the growth may take. */
export const MOST_SCRIPT_MICROS = 5_000;

export function isGrowthWithin({ slowdown, filling, firstCallMicros, measured }: Growth): boolean {
  const micros = Math.max(filling.p999, firstCallMicros, measured.p999);
  return slowdown.median <= MOST_SLOWDOWN && micros < MOST_SCRIPT_MICROS;
}

export function isExact({ overAdmissions, problemCount }: RandomReservesResult): boolean {
  return overAdmissions === 0 && problemCount === 0;
}

export function growthLines(growths: Growth[]): string[] {
  const titles = [
    "",
    "calls/s alone",
    "grown",
    "alone / grown",
    "filling µs p50, p99.9, longest",
    "first call µs",
    "calls µs p50, p99.9, longest",
    "bytes each:",
    "filled in",
    ":",
  ];
  const rows = growths.map((growth) => [
    growth.what,
    whole(growth.single.median),
    whole(growth.grown.median),
    ratioText(growth.slowdown),
    timesText(growth.filling),
    whole(growth.firstCallMicros),
    timesText(growth.measured),
    Object.entries(growth.bytesEach)
      .map(([what, bytes]) => `${whole(bytes)} ${what}`)
      .join(", "),
    `${growth.fillSeconds.toFixed(1)} s`,
    verdict(isGrowthWithin(growth)),
  ]);
  const title = `Growth: at most ${MOST_SLOWDOWN}x slower, scripts under ${MOST_SCRIPT_MICROS} µs at p99.9 and at the first call`;
  return [styleText("bold", title), ...tableLines(titles, rows), ""];
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
const timesText = ({ p50, p999, longest }: ScriptTimes): string => [p50, p999, longest].map(whole).join(", ");
const verdict = (isMet: boolean): string => (isMet ? styleText("green", "✔") : styleText("red", "✘"));
