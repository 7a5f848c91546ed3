/** Reserve beside the least that a script can cost, over TCP, without pipelining. */
import type { Redis } from "ioredis";
import { type Comparison, ratio } from "./comparison.ts";
import { bareScript } from "./contenders/bare.ts";
import { storeReserve } from "./contenders/store.ts";
import { type RoundsOptions, runRounds } from "./rounds.ts";
import type { TargetRow } from "./targets.ts";

/** By number of scopes: calls per second, over those of the bare script. */
const TARGETS: ReadonlyMap<number, number> = new Map([
  [1, 0.5],
  [3, 0.3],
]);

export async function compareWithBareScript(
  redisUrl: string,
  observer: Redis,
  options: Omit<RoundsOptions, "observer">,
): Promise<Comparison> {
  const contenders = await Promise.all([
    bareScript(redisUrl, options.connections),
    ...[...TARGETS.keys()].map((scopes) => storeReserve(redisUrl, options.connections, scopes)),
  ]);
  const rounds = await runRounds(contenders, { ...options, observer });
  for (const contender of contenders) await contender.close();
  const title = `Reserve beside a bare script: TCP, ${options.connections} connections of one command in flight`;
  return { title, rounds };
}

export function bareScriptTargets(comparison: Comparison): TargetRow[] {
  const [base = "", ...names] = comparison.rounds.keys();
  return [...TARGETS].map(([scopes, target], place) => {
    const { median, lowest, highest } = ratio(
      comparison,
      { of: names[place] ?? "", to: base },
      (round) => round.callsPerSecond,
    );
    return {
      what: `reserve over a bare EVALSHA, calls per second, ${scopes === 1 ? "one scope" : "three"}`,
      measured: `${median.toFixed(2)}x (${lowest.toFixed(2)}–${highest.toFixed(2)})`,
      target: `at least ${target}x`,
      isMet: median >= target,
    };
  });
}
