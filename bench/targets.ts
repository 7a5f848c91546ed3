/** What the bench measured beside what it should be. */
import { styleText } from "node:util";
import type { Sizes } from "../scripts/sizes.ts";
import type { CallCost } from "./commands.ts";
import { type Comparison, ratio } from "./comparison.ts";
import type { ComparisonName } from "./comparisons.ts";
import type { GuardedCall } from "./guarded-call.ts";
import { kilobytesText } from "./size-lines.ts";
import { soakTargets } from "./soak/last-soak.ts";
import { type Spread, spread } from "./statistics.ts";
import type { StreamFigures, StreamWay } from "./streams.ts";
import { tableLines } from "./table.ts";

export interface TargetRow {
  what: string;
  /** The figure, with its spread where it has one. */
  measured: string;
  target: string;
  /** Undefined: not measured in this run. */
  isMet: boolean | undefined;
}

export interface Measured {
  comparisons: ReadonlyMap<ComparisonName, Comparison>;
  costs: CallCost[];
  guardedCall: GuardedCall;
  sizes: Sizes;
  streams: StreamFigures;
}

export function targetsOf({ comparisons, costs, guardedCall, sizes, streams }: Measured): TargetRow[] {
  return [
    roundTrips(guardedCall),
    commands("commands of reserve + settle, 3 budgets, 1 scope", costs, { scopes: "1 scope", most: 11 }),
    commands("the same, 3 scopes", costs, { scopes: "3 scopes", most: 19 }),
    overLimit("UsageMeter.reserve over limit(), REST, p50 of one caller, 1 scope", comparisons, "1 scope"),
    overLimit("the same, 3 scopes", comparisons, "3 scopes"),
    overBare("Store.reserve over a bare EVALSHA, TCP, calls per second, 1 scope", comparisons, {
      scopes: "1 scope",
      least: 0.5,
    }),
    overBare("the same, 3 scopes", comparisons, { scopes: "3 scopes", least: 0.3 }),
    streamCpu(
      "CPU of a metered stream in workerd, passed as it comes",
      streams,
      "metered, passed as it comes",
    ),
    streamCpu("the same, usage asked for and hidden", streams, "metered, usage asked for and hidden"),
    size("core, without client, prices, metered fetch and providers", sizes.core, 12_000),
    size("core with metered fetch and all providers", sizes.coreWithFetch, 24_000),
    size("prices of all models", sizes.parts.table, 7_000),
    ...soakTargets(),
  ];
}

export function targetLines(rows: TargetRow[]): string[] {
  const cells = rows.map(({ what, measured, target, isMet }) => [what, measured, target, verdict(isMet)]);
  return [styleText("bold", "Targets"), ...tableLines(["", "measured:", "target:", ":"], cells), ""];
}

function roundTrips({ before, after, isAfterOffThePath }: GuardedCall): TargetRow {
  return {
    what: "round trips of a guarded call, 3 scopes, REST",
    measured: `${before} before, ${after} after and ${isAfterOffThePath ? "off" : "on"} the path`,
    target: "1 before, 1 after and off the path",
    isMet: before === 1 && after === 1 && isAfterOffThePath,
  };
}

function commands(
  what: string,
  costs: CallCost[],
  { scopes, most }: { scopes: string; most: number },
): TargetRow {
  const cost = costs.find(({ name }) => name === `UsageMeter reserve + settle, ${scopes}`);
  if (cost === undefined) throw new RangeError(`The commands of ${scopes} were not counted.`);
  return { what, measured: String(cost.commands), target: `at most ${most}`, isMet: cost.commands <= most };
}

function overLimit(what: string, comparisons: Measured["comparisons"], scopes: string): TargetRow {
  const names = { of: `UsageMeter.reserve, ${scopes}`, to: "@upstash/ratelimit limit()" };
  const measured = ratio(comparisonOf(comparisons, "before, rest, one"), names, ({ p50Ms }) => p50Ms);
  return { what, measured: spreadText(measured), target: "at most 1.1x", isMet: measured.median <= 1.1 };
}

function overBare(
  what: string,
  comparisons: Measured["comparisons"],
  { scopes, least }: { scopes: string; least: number },
): TargetRow {
  const names = { of: `Store.reserve, ${scopes}`, to: "bare EVALSHA of one INCRBY" };
  const measured = ratio(
    comparisonOf(comparisons, "before, tcp, many"),
    names,
    ({ callsPerSecond }) => callsPerSecond,
  );
  return {
    what,
    measured: spreadText(measured),
    target: `at least ${least}x`,
    isMet: measured.median >= least,
  };
}

function streamCpu(what: string, { cpuRatios }: StreamFigures, way: StreamWay): TargetRow {
  const measured = spread(cpuRatios[way]);
  return {
    what,
    measured: spreadText(measured),
    target: "at most 2.3x a raw pipe",
    isMet: measured.median <= 2.3,
  };
}

function size(what: string, bytes: number, mostBytes: number): TargetRow {
  return {
    what: `${what}, gzipped`,
    measured: kilobytesText(bytes),
    target: `at most ${mostBytes / 1000} kB`,
    isMet: bytes <= mostBytes,
  };
}

function comparisonOf(comparisons: Measured["comparisons"], name: ComparisonName): Comparison {
  const comparison = comparisons.get(name);
  if (comparison === undefined) throw new RangeError(`"${name}" was not measured.`);
  return comparison;
}

const spreadText = ({ median, lowest, highest }: Spread): string =>
  `${median.toFixed(2)}x (${lowest.toFixed(2)}–${highest.toFixed(2)})`;

function verdict(isMet: boolean | undefined): string {
  if (isMet === undefined) return "";
  return isMet ? styleText("green", "✔ met") : styleText("red", "✘ missed");
}
