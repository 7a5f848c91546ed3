/** What the ledger says at the end, held against the limits and against the model server's bill. */
import { styleText } from "node:util";
import { formatUsd } from "../src/ledger/money.ts";
import type { BudgetStatus } from "../src/node.ts";
import { BURST_CALLS, BURST_CAP_USD, type BurstResult } from "./burst.ts";
import { tableLines } from "./table.ts";
import { stoppedBy, type Team } from "./team.ts";
import type { Upstream } from "./upstream.ts";
import type { Readings } from "./watch.ts";

/** Something that the demo promises, and whether it held. */
export interface Finding {
  holds: boolean;
  text: string;
}

/** How one scope ended. */
export interface Outcome {
  budget: BudgetStatus;
  calls: number;
  stoppedBy: string;
  billedNanoUsd: number;
}

/** One outcome for each agent, then the team's. */
export async function outcomesOf({ meter, agents }: Team, upstream: Upstream): Promise<Outcome[]> {
  const ofAgents = await Promise.all(
    agents.map(async (agent) => ({
      budget: ownBudget((await agent.meter.getUsage()).budgets),
      calls: agent.calls,
      stoppedBy: stoppedBy(agent),
      billedNanoUsd: upstream.bill(agent.name).nanoUsd,
    })),
  );
  const ofTeam = {
    budget: ownBudget((await meter.getUsage()).budgets),
    calls: sum(ofAgents.map(({ calls }) => calls)),
    stoppedBy: "",
    billedNanoUsd: sum(ofAgents.map(({ billedNanoUsd }) => billedNanoUsd)),
  };
  return [...ofAgents, ofTeam];
}

/** The budget of the meter itself, which stands before its parents'. */
export function ownBudget([budget]: BudgetStatus[]): BudgetStatus {
  if (budget === undefined) throw new Error("The ledger knows no budget of this scope.");
  return budget;
}

/** What is held counts: it may be spent any moment. */
export function isOver({ spent, held, limit }: BudgetStatus): boolean {
  return nano(spent) + nano(held) > nano(limit);
}

export function outcomeLines(outcomes: Outcome[]): string[] {
  const heading = ["", "spent", "held", "limit", "billed", "calls", "stopped by"];
  const rows = outcomes.map(({ budget, billedNanoUsd, calls, stoppedBy }) => [
    budget.scope,
    usd(budget.spent),
    formatUsd(nano(budget.held)),
    formatUsd(nano(budget.limit)),
    usd(billedNanoUsd / 1e9),
    String(calls),
    stoppedBy,
  ]);
  return withDimHeading(tableLines([heading, ...rows]));
}

export function findings(outcomes: Outcome[], readings: Readings): Finding[] {
  const over = outcomes.filter(({ budget }) => isOver(budget));
  const inFlight = outcomes.filter(({ budget }) => budget.held !== 0);
  const wrong = outcomes.filter(({ budget, billedNanoUsd }) => nano(budget.spent) !== billedNanoUsd);
  const running = outcomes.filter(({ stoppedBy }) => stoppedBy === "nothing");
  const isWithin = over.length === 0 && readings.over === 0;
  return [
    running.length === 0 ? yes("every agent was stopped by a budget") : no(`not stopped: ${scopes(running)}`),
    isWithin
      ? yes(`no budget went over: not in ${readings.taken} readings on the way, not at the end`)
      : no(`over: ${scopes(over)}, and in ${readings.over} of ${readings.taken} readings on the way`),
    inFlight.length === 0 ? yes("nothing is left held") : no(`still held: ${scopes(inFlight)}`),
    wrong.length === 0
      ? yes("the ledger equals the server's bill, to the nano-dollar")
      : no(`not what the server billed: ${scopes(wrong)}`),
  ];
}

export function burstLines(naive: BurstResult, metered: BurstResult): string[] {
  const row = (label: string, figure: (result: BurstResult) => string) => [
    label,
    figure(naive),
    figure(metered),
  ];
  return withDimHeading(
    tableLines([
      [`${BURST_CALLS} calls at once, $${BURST_CAP_USD.toFixed(2)} cap`, "check, then count", "agentlimit"],
      row("let through", ({ admitted }) => String(admitted)),
      row("refused before they were sent", ({ refused }) => String(refused)),
      row("billed by the server", ({ billedNanoUsd }) => usd(billedNanoUsd / 1e9)),
      row("of the cap", ({ billedNanoUsd }) => `${Math.round(billedNanoUsd / 1e9 / (BURST_CAP_USD / 100))}%`),
    ]),
  );
}

export function burstFinding({ billedNanoUsd, admitted }: BurstResult): Finding {
  const isWithin = admitted > 0 && billedNanoUsd <= nano(BURST_CAP_USD);
  return isWithin
    ? yes("the metered burst stayed under its cap")
    : no("the metered burst went over its cap, or nothing was let through");
}

function yes(text: string): Finding {
  return { holds: true, text };
}

function no(text: string): Finding {
  return { holds: false, text };
}

function withDimHeading([heading = "", ...rows]: string[]): string[] {
  return [styleText("dim", heading), ...rows];
}

function scopes(outcomes: Outcome[]): string {
  return outcomes.map(({ budget }) => budget.scope).join(", ");
}

function sum(amounts: number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

function nano(usd: number): number {
  return Math.round(usd * 1e9);
}

function usd(amount: number): string {
  return `$${amount.toFixed(6)}`;
}
