/** Measures contenders in turn, round after round, in an order that is drawn anew, so that a slow moment hits all alike. */

import type { Redis } from "ioredis";
import type { Contender } from "./contenders/contender.ts";
import { readServer, type ServerReading } from "./server-reading.ts";
import { percentile } from "./statistics.ts";

export interface RoundsOptions {
  rounds: number;
  roundMs: number;
  /** How many calls are under way at a time, one a connection. */
  connections: number;
  /** For what the server says of itself; makes no calls while a round runs. */
  observer: Redis;
}

/** What one contender did in one round. */
export interface Round {
  callsPerSecond: number;
  /** Milliseconds that half, and 99 of 100 calls did not exceed. */
  p50Ms: number;
  p99Ms: number;
  /** Of the server's processor, for one call: microseconds over all, and inside the script. */
  serverMicros: number;
  scriptMicros: number;
}

/** By contender, in the order of `contenders`. */
export async function runRounds(
  contenders: Contender[],
  options: RoundsOptions,
): Promise<Map<string, Round[]>> {
  const measured = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round += 1) {
    for (const contender of shuffled(contenders)) {
      await options.observer.flushall();
      await contender.warm();
      measured.get(contender.name)?.push(await runRound(contender, options));
    }
  }
  return measured;
}

async function runRound(contender: Contender, options: RoundsOptions): Promise<Round> {
  const before = await readServer(options.observer);
  const startMs = performance.now();
  const endMs = startMs + options.roundMs;
  const latenciesMs: number[] = [];
  const callUntilEnd = async (_: unknown, connection: number) => {
    for (let beginMs = startMs; beginMs < endMs; ) {
      const callMs = performance.now();
      await contender.call(connection);
      beginMs = performance.now();
      latenciesMs.push(beginMs - callMs);
    }
  };
  await Promise.all(Array.from({ length: options.connections }, callUntilEnd));
  const seconds = (performance.now() - startMs) / 1000;
  return roundOf(latenciesMs, seconds, difference(before, await readServer(options.observer)));
}

function roundOf(latenciesMs: number[], seconds: number, server: ServerReading): Round {
  return {
    callsPerSecond: latenciesMs.length / seconds,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    serverMicros: server.cpuMicros / latenciesMs.length,
    scriptMicros: server.scriptMicros / latenciesMs.length,
  };
}

function difference(before: ServerReading, after: ServerReading): ServerReading {
  return {
    cpuMicros: after.cpuMicros - before.cpuMicros,
    scriptMicros: after.scriptMicros - before.scriptMicros,
    commands: after.commands - before.commands,
  };
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((element) => ({ element, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ element }) => element);
}
