/** Measures contenders in turn, round after round, in an order that is drawn anew, so that a slow moment hits all alike. */
import type { Redis } from "ioredis";
import { type Contender, warm } from "./contenders/contender.ts";
import { readServer, type ServerReading } from "./server-reading.ts";
import { percentile } from "./statistics.ts";

export interface RoundsOptions {
  rounds: number;
  roundMs: number;
  /** For what the server says of itself, and to empty it before each round. */
  observer: Redis;
}

/** What one contender did in one round. */
export interface Round {
  callsPerSecond: number;
  /** Milliseconds that half, and 99 of 100 calls did not exceed. */
  p50Ms: number;
  p99Ms: number;
  /** Microseconds of the server's processor for one call: over all, and inside scripts. */
  serverMicros: number;
  scriptMicros: number;
}

/** By contender, in the order that they are given in. */
export async function runRounds(
  contenders: Contender[],
  options: RoundsOptions,
): Promise<Map<string, Round[]>> {
  const measured = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round += 1) {
    for (const contender of shuffled(contenders)) {
      await options.observer.flushall();
      await warm(contender);
      measured.get(contender.name)?.push(await runRound(contender, options));
    }
  }
  return measured;
}

async function runRound(
  contender: Contender,
  { roundMs, observer }: Omit<RoundsOptions, "rounds">,
): Promise<Round> {
  const before = await readServer(observer);
  const startMs = performance.now();
  const endMs = startMs + roundMs;
  const latenciesMs: number[] = [];
  const callUntilEnd = async (_: unknown, caller: number) => {
    for (let beginMs = startMs; beginMs < endMs; ) {
      beginMs = performance.now();
      await contender.call(caller);
      latenciesMs.push(performance.now() - beginMs);
    }
  };
  await Promise.all(Array.from({ length: contender.callers }, callUntilEnd));
  const seconds = (performance.now() - startMs) / 1000;
  return roundOf(latenciesMs, seconds, { before, after: await readServer(observer) });
}

function roundOf(
  latenciesMs: number[],
  seconds: number,
  { before, after }: { before: ServerReading; after: ServerReading },
): Round {
  const calls = latenciesMs.length;
  return {
    callsPerSecond: calls / seconds,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    serverMicros: (after.cpuMicros - before.cpuMicros) / calls,
    scriptMicros: (after.scriptMicros - before.scriptMicros) / calls,
  };
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((element) => ({ element, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ element }) => element);
}
