/** Sequences that once broke a ledger: the property tests begin with them. `target` and `reuse` count the operations sent before. */
import { ANSWERED, type Fate, type Sequence, type Step } from "./random-steps.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const CENT = 10_000_000;

const usd = (nanoUsd: number) => ({ nanoUsd, tokens: 10, requests: 1 });
const user = [{ scope: "user:1" }];
const run = [{ scope: "run:1", forgetAfterIdleSeconds: 259_200 }];
const userAndOrg = [{ scope: "user:1" }, { scope: "org:acme" }];

function reserve(
  chain: { scope: string }[],
  nanoUsd: number,
  expiresInSeconds = 600,
  reuse: number | null = null,
): Step {
  const again = reuse === null ? null : { target: reuse, isSameAttempt: false };
  const asked = { amounts: usd(nanoUsd), unknownTokens: false, requiresLimit: false };
  return { kind: "reserve", chain, ...asked, expiresInSeconds, reuse: again };
}

function settle(
  target: number,
  nanoUsd: number,
  source: "reported" | "estimated" = "reported",
  lost = false,
): Step {
  const details = { model: "openai/model-0", kinds: [5, 0, 0, 0, 5], alertThresholds: [0.5, 0.8, 1] };
  return { kind: "settle", target, actual: usd(nanoUsd), source, lost, otherChain: undefined, ...details };
}

function release(target: number, own = false): Step {
  return { kind: "release", target, own };
}

function record(chain: { scope: string }[], nanoUsd: number, reuse: number | null = null): Step {
  const details = { model: "openai/model-1", kinds: [], alertThresholds: [] };
  return { kind: "record", chain, amounts: usd(nanoUsd), reuse: sameAgain(reuse), ...details };
}

function administer(kind: "reset" | "pause" | "resume" | "storeLimits", reuse: number | null = null): Step {
  const budgets = [{ window: "day" as const, usd: "1", soft: false }];
  return { kind, chain: user, budgets, reuse: sameAgain(reuse) };
}

function sameAgain(target: number | null) {
  return target === null ? null : { target, isSameAttempt: true };
}

interface SentStep {
  step: Step;
  fate: Fate;
}

/** The step's request arrives so many steps later, and its caller hears nothing. */
function underWay(step: Step, copyAfterBeats: number): SentStep {
  return { step, fate: { original: "request lost", copyAfterBeats } };
}

/** Steps one second apart, unless a number of milliseconds stands between them. */
function sequence(...parts: (Step | SentStep | number)[]): Sequence {
  const steps: Sequence = [];
  for (const part of parts) {
    const last = steps.at(-1);
    if (typeof part !== "number") {
      const sent = "step" in part ? part : { step: part, fate: ANSWERED };
      steps.push({ calls: [{ caller: 0, ...sent }], order: [0], gapMs: 0, jumpMs: SECOND });
    } else if (last !== undefined) last.jumpMs = part;
  }
  return steps;
}

export const CORNER_CASES: Sequence[] = [
  // A caller gives up after a lost answer: its hold is freed by its attempt, and a settle corrects the release.
  sequence(reserve(user, CENT), release(0, true), settle(0, CENT)),
  // The same, but the release dies too: the hold becomes spend, and a late release corrects it.
  sequence(reserve(user, CENT, 50), 5 * MINUTE, record(user, 0), release(0), settle(0, CENT)),
  // A release before its delayed reserve, then another attempt.
  sequence(release(0, true), reserve(user, CENT), release(0, true), reserve(user, CENT, 600, 0)),
  // The same, and the first one's reserve arrives when the next attempt holds: that one alone can give its hold back.
  sequence(
    underWay(reserve(user, CENT), 3),
    release(0, true),
    reserve(user, CENT, 600, 0),
    release(1, true),
    record(user, 0),
  ),
  sequence(
    underWay(reserve(user, CENT), 4),
    reserve(user, CENT, 600, 0),
    release(0, true),
    record(user, 0),
    release(1, true),
  ),
  // Two callers reserve one id, one gives up.
  sequence(
    reserve(user, CENT),
    reserve(user, CENT, 600, 0),
    release(0, true),
    release(1, true),
    settle(0, CENT),
  ),
  // Estimated, expired, released; then reported, twice, differently.
  sequence(reserve(user, 3 * CENT), settle(0, 2 * CENT, "estimated"), settle(0, CENT), settle(0, 2 * CENT)),
  sequence(reserve(user, 3 * CENT, 1), 3 * MINUTE, settle(0, CENT), settle(0, CENT), record(user, CENT)),
  sequence(reserve(user, 3 * CENT), release(0), settle(0, CENT), release(0)),
  // Late in one scope of the chain, in time in the other.
  sequence(
    reserve(userAndOrg, CENT, 1),
    2 * MINUTE,
    record(user, CENT),
    settle(0, 2 * CENT),
    record(userAndOrg, 0),
  ),
  // A sweep in the very minute of the expiry leaves the hold alive.
  sequence(
    reserve(user, 3 * CENT, 90),
    90 * SECOND,
    record(user, 0),
    settle(0, CENT),
    2 * MINUTE,
    record(user, 0),
  ),
  // The store has lost the hold: booked under its own id, found by a replay and a correction.
  sequence(
    release(0, true),
    settle(0, 2 * CENT, "estimated", true),
    settle(0, CENT),
    reserve(user, CENT, 600, 0),
  ),
  // Reset, pause and stored limits sent twice; a reset between reserve and settle.
  sequence(
    record(user, CENT),
    administer("reset"),
    record(user, CENT),
    administer("reset", 1),
    record(user, 0),
  ),
  sequence(administer("pause"), administer("resume"), administer("pause", 0), reserve(user, CENT)),
  sequence(reserve(user, CENT), administer("reset"), settle(0, CENT), record(user, CENT)),
  sequence(
    administer("storeLimits"),
    reserve(user, 100 * CENT),
    reserve(user, CENT),
    2 * DAY,
    reserve(user, CENT),
  ),
  // A hold that straddles midnight, settled after it; one that was due before it.
  sequence(reserve(user, CENT), HOUR / 2, settle(0, CENT), record(user, 0)),
  sequence(reserve(user, CENT, 1), DAY, record(user, CENT), settle(0, CENT)),
  // Segments of one minute on both sides of a reset.
  sequence(reserve(user, CENT), administer("reset"), reserve(user, 2 * CENT), 30 * MINUTE, record(user, 0)),
  // The clock steps back over a minute, and forward by months.
  sequence(record(user, CENT), -200 * SECOND, record(user, CENT), 100 * DAY, record(user, CENT)),
  // A record and a reserve under the same id.
  sequence(record(user, CENT), reserve(user, CENT, 600, 0), settle(0, CENT), record(user, CENT, 0)),
  // A settle arrives two days late: it does not keep the id until the account is forgotten and made anew.
  sequence(
    reserve(run, CENT),
    underWay(settle(0, CENT, "estimated"), 3),
    2 * DAY,
    reserve(run, CENT, 600, 0),
    record(user, 0),
    record(user, 0),
    3 * DAY + MINUTE,
    reserve([{ scope: "run:1" }], CENT),
    settle(0, 2 * CENT),
  ),
  // A correction of a call whose account has gone since, and was made anew: to go again, and to stay.
  ...[run, [{ scope: "run:1" }]].map((anew) =>
    sequence(
      record(user, CENT),
      reserve(run, CENT, 93_600),
      49 * HOUR,
      settle(1, CENT, "estimated"),
      23 * HOUR + MINUTE,
      record(user, CENT),
      reserve(anew, CENT),
      settle(1, 2 * CENT),
    ),
  ),
];
