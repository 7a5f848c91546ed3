/** The naive ledger's scopes: how one begins, what keeps it, and what administrators do to it. */
import type { AdministerCommand, ScopeArguments } from "../../src/ledger/commands.ts";
import { entries, inForce, type Scope, storeLimits } from "./naive-windows.ts";

export function newScope({ scope: name, idleSeconds }: ScopeArguments, atMicros: number): Scope {
  const times = { bornMicros: atMicros, lastMicros: atMicros };
  return { name, idleSeconds, ...times, isPaused: false, reason: undefined, periods: [] };
}

/** A pause and stored limits do not lapse with idleness. */
export function isKept({ isPaused, periods }: Scope): boolean {
  return isPaused || periods.some(({ stored }) => stored !== undefined);
}

/** A scope that nobody has used is looked up in the index, unless its account may just have gone. */
export function needsIndex(
  sent: Pick<ScopeArguments, "idleSeconds">[],
  known: (Scope | undefined)[],
): boolean {
  return sent.some(({ idleSeconds }, place) => known[place] === undefined && idleSeconds === undefined);
}

export function isLimited({ periods }: Scope): boolean {
  return periods.some((period) =>
    inForce(period)
      .slice(0, 3)
      .some((limit) => limit !== null),
  );
}

export function administerScope(scope: Scope, { action, detail }: AdministerCommand, atMicros: number): void {
  switch (action) {
    case "reset":
      for (const period of scope.periods) Object.assign(period, { sinceMicros: atMicros, fired: [] });
      return;
    case "pause":
    case "resume":
      scope.isPaused = action === "pause";
      scope.reason = action === "pause" && detail !== "" ? detail : undefined;
      return;
    case "limits":
      storeLimits(scope, entries(detail), atMicros);
      return;
    case "unmark": {
      const [name, letter, millionths, since] = detail.split(":");
      const period = scope.periods.find((candidate) => candidate.name === name);
      if (period === undefined || String(period.sinceMicros) !== since) return;
      period.fired = period.fired.filter((mark) => mark !== `${letter}${millionths}`);
      return;
    }
    default:
      action satisfies never;
  }
}
