/** Who is compared with whom, and over which wires. */
import type { Comparison } from "./comparison.ts";
import { bareScript } from "./contenders/bare-script.ts";
import type { Contender } from "./contenders/contender.ts";
import { meterCall, meterReserve } from "./contenders/meter.ts";
import { pythonSequence } from "./contenders/python-sequence.ts";
import { ratelimit } from "./contenders/ratelimit.ts";
import { storeCall, storeReserve } from "./contenders/store.ts";
import { type RoundsOptions, runRounds } from "./rounds.ts";
import type { Servers } from "./servers.ts";
import { restWire, tcpWire, type Wire } from "./wires.ts";

/** What a caller waits for before its call, beside the least that a script can cost. */
export async function beforeTheCall(wire: Wire): Promise<Contender[]> {
  return [
    await bareScript(wire),
    ratelimit(wire),
    storeReserve(wire, 1),
    storeReserve(wire, 3),
    meterReserve(wire, 1),
    meterReserve(wire, 3),
  ];
}

/** All that a call costs, before it and after it. */
export async function wholeCall(wire: Wire): Promise<Contender[]> {
  return [
    pythonSequence(wire),
    storeCall(wire, 1),
    storeCall(wire, 3),
    meterCall(wire, 1),
    meterCall(wire, 3),
  ];
}

export type ComparisonName = `${"before" | "whole"}, ${"tcp" | "rest"}, ${"one" | "many"}`;

const MANY_CALLERS = 8;

/** One after the other; tells each when it is done. */
export async function* compareAll(
  { redisUrl, rest }: Servers,
  options: RoundsOptions,
): AsyncGenerator<[ComparisonName, Comparison]> {
  const wires = {
    "tcp, many": () => tcpWire(redisUrl, MANY_CALLERS),
    "tcp, one": () => tcpWire(redisUrl, 1),
    "rest, one": () => restWire(rest, 1),
    "rest, many": () => restWire(rest, MANY_CALLERS),
  } as const;
  for (const way of ["tcp, many", "tcp, one", "rest, one", "rest, many"] as const) {
    const wire = await wires[way]();
    yield [`before, ${way}`, await compare(wire, "Before a call", await beforeTheCall(wire), options)];
    yield [`whole, ${way}`, await compare(wire, "A whole call", await wholeCall(wire), options)];
    await wire.close();
  }
}

async function compare(
  wire: Wire,
  what: string,
  contenders: Contender[],
  options: RoundsOptions,
): Promise<Comparison> {
  const rounds = await runRounds(contenders, options);
  for (const contender of contenders) await contender.close();
  return { title: `${what}: ${wire.name}`, rounds: Object.fromEntries(rounds) };
}
