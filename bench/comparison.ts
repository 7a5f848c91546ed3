/** Contenders that were measured in turn, each beside the first. */
import { styleText } from "node:util";
import type { Round } from "./rounds.ts";
import { type Spread, spread } from "./statistics.ts";
import { tableLines } from "./table.ts";

export interface Comparison {
  /** What was measured, and how. */
  title: string;
  /** By contender; the first is what the others are compared with. */
  rounds: Record<string, Round[]>;
}

/** A figure of one contender over that of another, round by round. */
export function ratio(
  { rounds }: Comparison,
  names: { of: string; to: string },
  figure: (round: Round) => number,
): Spread {
  const base = rounds[names.to] ?? [];
  const ratios = (rounds[names.of] ?? []).map((round, place) => {
    const other = base[place];
    return other === undefined ? Number.NaN : figure(round) / figure(other);
  });
  return spread(ratios);
}

export function comparisonLines(comparison: Comparison): string[] {
  const names = Object.keys(comparison.rounds);
  const titles = ["", "calls/s", "lowest–highest", "ratio", "lowest–highest", "p50 ms", "p99 ms"];
  const rows = names.map((name) => {
    const rate = spread((comparison.rounds[name] ?? []).map((round) => round.callsPerSecond));
    const toFirst = ratio(comparison, { of: name, to: names[0] ?? "" }, (round) => round.callsPerSecond);
    return [
      name,
      styleText("bold", whole(rate.median)),
      styleText("dim", `${whole(rate.lowest)}–${whole(rate.highest)}`),
      styleText("bold", `${toFirst.median.toFixed(2)}x`),
      styleText("dim", `${toFirst.lowest.toFixed(2)}–${toFirst.highest.toFixed(2)}`),
      ...milliseconds(comparison.rounds[name] ?? []),
      ...serverMicros(comparison.rounds[name] ?? []),
    ];
  });
  return [
    styleText("bold", comparison.title),
    ...tableLines([...titles, "server µs", "script µs"], rows),
    "",
  ];
}

const milliseconds = (rounds: Round[]): string[] =>
  [spread(rounds.map((round) => round.p50Ms)), spread(rounds.map((round) => round.p99Ms))].map(({ median }) =>
    median.toFixed(3),
  );

const serverMicros = (rounds: Round[]): string[] =>
  [spread(rounds.map((round) => round.serverMicros)), spread(rounds.map((round) => round.scriptMicros))].map(
    ({ median }) => median.toFixed(1),
  );

const whole = (value: number): string => Math.round(value).toLocaleString("en");
