/** The last `npm run soak` on this machine, for the table of targets: it takes too long to be part of a bench. */
import * as v from "valibot";
import { lastResult } from "../results.ts";
import type { TargetRow } from "../targets.ts";
import { MOST_SCRIPT_MICROS, MOST_SLOWDOWN } from "./limits.ts";

const Soak = v.object({
  startedAt: v.string(),
  size: v.picklist(["quick", "full"]),
  growth: v.array(
    v.object({
      serverMicros: v.object({ single: v.number(), grown: v.number() }),
      measured: v.object({ p999: v.number() }),
    }),
  ),
  random: v.object({
    counts: v.object({ reserves: v.number() }),
    overAdmissions: v.number(),
    problemCount: v.number(),
  }),
});

export function soakTargets(): TargetRow[] {
  const { success, output: soak } = v.safeParse(Soak, lastResult("soak"));
  const what = "growth, slowest";
  const target = `at most ${MOST_SLOWDOWN}x, scripts under ${MOST_SCRIPT_MICROS / 1000} ms`;
  if (!success) return [{ what, measured: "not measured: npm run soak", target, isMet: undefined }];

  const slowdown = Math.max(...soak.growth.map(({ serverMicros: { single, grown } }) => grown / single));
  const scriptMicros = Math.max(...soak.growth.map(({ measured }) => measured.p999));
  const { counts, overAdmissions, problemCount } = soak.random;
  const when = `${soak.size} soak of ${soak.startedAt.slice(0, 10)}`;
  return [
    {
      what: `${what}, ${when}`,
      measured: `${slowdown.toFixed(2)}x, ${(scriptMicros / 1000).toFixed(1)} ms`,
      target,
      isMet: slowdown <= MOST_SLOWDOWN && scriptMicros < MOST_SCRIPT_MICROS,
    },
    {
      what: `overspend; lost or doubled spend, ${when}`,
      measured: `${overAdmissions}; ${problemCount} in ${counts.reserves.toLocaleString("en")} reserves`,
      target: "0; 0",
      isMet: overAdmissions === 0 && problemCount === 0,
    },
  ];
}
