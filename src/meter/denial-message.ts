/** What a denial says: the numbers, and what to do. For logs; end users get `getResponse()`, which says neither. */
import { needsMoreThanALimit, onlyHoldsDeny } from "../errors.ts";
import type { Denial } from "../ledger/budgets.ts";
import { formatUsd } from "../ledger/money.ts";
import type { RequestedAmounts } from "../ledger/store.ts";
import { windowDetails } from "../ledger/window-names.ts";

/** Of a call that was refused before it was made. `requested` tells amounts that nobody knew from small ones. */
export function denialMessage(denials: Denial[], requested: RequestedAmounts): string {
  const [first] = denials;
  if (first === undefined) return "Budget exceeded.";
  const needs = isKnown(first, requested)
    ? `this call needs ${amountText(first, first.requested)}`
    : "nothing is left";
  return `Budget exceeded: ${standing(first)}; ${needs}.${others(denials)} ${advice(denials)}`;
}

/** Of spend that was recorded over a limit. */
export function overrunMessage(denials: Denial[], recordedNanoUsd: number): string {
  const recorded = `This call's ${formatUsd(recordedNanoUsd)} are recorded; the next call is refused.`;
  const [first] = denials;
  if (first === undefined) return `Budget exceeded when this was recorded first. ${recorded}`;
  return `Budget exceeded: ${standing(first)}.${others(denials)} ${recorded}`;
}

/** Of a scope that an administrator paused. */
export function pausedMessage(scope: string, reason: string | undefined): string {
  const because = reason === undefined ? "" : ` (${reason})`;
  return `Paused: ${scope} is paused${because}; no call is admitted until it is resumed.`;
}

/** Of a chain without any hard limit, where the meter denies such calls. */
export function unbudgetedMessage(scopes: readonly string[]): string {
  return `No budget: nothing limits ${scopes.join(" or ")}, and \`unbudgeted\` is "deny". Declare \`budgets\`, or store a limit on one of them.`;
}

/**
 * `team:search has spent $998.10 and holds $1.40 of its $1000.00 month (resets 2026-12-01T00:00Z)`, and
 * `month (America/New_York; resets 2026-12-01T05:00Z)` where it is not the calendar's in UTC.
 */
function standing(denial: Denial): string {
  const held = denial.held > 0 ? ` and holds ${amountText(denial, denial.held)}` : "";
  const reset =
    denial.resetsAt === null ? "never resets" : `resets ${denial.resetsAt.toISOString().slice(0, 16)}Z`;
  const details = windowDetails(denial);
  const when = details === "" ? reset : `${details}; ${reset}`;
  const used = `${denial.scope} has spent ${amountText(denial, denial.spent)}${held}`;
  return `${used} of its ${amountText(denial, denial.limit)} ${denial.window} (${when})`;
}

function amountText(denial: Denial, amount: number): string {
  switch (denial.metric) {
    case "usd":
      return formatUsd(Math.round(amount * 1e9));
    case "tokens":
    case "requests":
      return `${amount} ${amount === 1 ? denial.metric.slice(0, -1) : denial.metric}`;
    default:
      return denial.metric satisfies never;
  }
}

function isKnown(denial: Denial, requested: RequestedAmounts): boolean {
  const asked = { usd: requested.nanoUsd, tokens: requested.tokens, requests: requested.requests };
  return asked[denial.metric] !== null;
}

function others(denials: Denial[]): string {
  const more = denials.length - 1;
  if (more === 0) return "";
  return more === 1
    ? " One more budget denies it: see `denials`."
    : ` ${more} more budgets deny it: see \`denials\`.`;
}

function advice(denials: Denial[]): string {
  if (needsMoreThanALimit(denials))
    return (
      "It alone needs more than the whole limit: lower its estimate, or the output limit in its request " +
      "(max_completion_tokens, max_output_tokens, max_tokens, maxOutputTokens) or in `defaultMaxOutputTokens`; or raise the budget."
    );
  if (onlyHoldsDeny(denials))
    return "Only calls in flight stand in the way: try again when they have settled.";
  return denials.some((denial) => denial.resetsAt === null)
    ? "Raise the limit to go on."
    : "Wait for the reset, or raise the limit.";
}
