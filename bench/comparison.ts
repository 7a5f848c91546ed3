/** Contenders that were measured in turn, each beside the first. */
import { styleText } from "node:util";
import type { Round } from "./rounds.ts";
import { type Spread, spread } from "./statistics.ts";
import { tableLines } from "./table.ts";

export interface Comparison {
  /** What was measured, and how. */
  title: string;
  /** By contender; the first is what the others are compared with. */
  rounds: Map<string, Round[]>;
}

/** A figure of one contender over that of another, round by round. */
export function ratio(
  { rounds }: Comparison,
  names: { of: string; to: string },
  figure: (round: Round) => number,
): Spread {
  const base = roundsOf(rounds, names.to);
  const ratios = roundsOf(rounds, names.of).map((round, place) => {
    const other = base[place];
    return other === undefined ? Number.NaN : figure(round) / figure(other);
  });
  return spread(ratios);
}

export function comparisonLines(comparison: Comparison): string[] {
  const [base = ""] = comparison.rounds.keys();
  const titles = [
    "",
    "calls/s",
    "lowest–highest",
    "ratio",
    "lowest–highest",
    "p50 ms",
    "p99 ms",
    "server µs",
    "script µs",
  ];
  const rows = [...comparison.rounds].map(([name, rounds]) => {
    const figures = (of: (round: Round) => number) => spread(rounds.map(of));
    const rate = figures((round) => round.callsPerSecond);
    const ratioToBase = ratio(comparison, { of: name, to: base }, (round) => round.callsPerSecond);
    return [
      name,
      styleText("bold", whole(rate.median)),
      styleText("dim", `${whole(rate.lowest)}–${whole(rate.highest)}`),
      styleText("bold", ratioToBase.median.toFixed(2)),
      styleText("dim", `${ratioToBase.lowest.toFixed(2)}–${ratioToBase.highest.toFixed(2)}`),
      figures((round) => round.p50Ms).median.toFixed(3),
      figures((round) => round.p99Ms).median.toFixed(3),
      figures((round) => round.serverMicros).median.toFixed(1),
      figures((round) => round.scriptMicros).median.toFixed(1),
    ];
  });
  return [styleText("bold", comparison.title), ...tableLines(titles, rows)];
}

function roundsOf(rounds: Map<string, Round[]>, name: string): Round[] {
  const found = rounds.get(name);
  if (found === undefined) throw new RangeError(`Nothing was measured under the name "${name}".`);
  return found;
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
