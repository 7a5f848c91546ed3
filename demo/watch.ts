/** Reads the ledger again and again while the agents run: for the bars, and to catch a budget that goes over. */
import { setTimeout as delay } from "node:timers/promises";
import type { BudgetStatus } from "../src/node.ts";
import type { Bar, LiveView } from "./bars.ts";
import { isOver, ownBudget } from "./report.ts";
import { type Agent, stoppedBy, type Team } from "./team.ts";

export interface Readings {
  taken: number;
  /** Those that showed a budget above its limit, what is held counted in. */
  over: number;
}

const EVERY_MS = 100;

/** @returns when `run` has ended and everything is settled. */
export async function whileWatching(team: Team, view: LiveView, run: () => Promise<void>): Promise<Readings> {
  const readings: Readings = { taken: 0, over: 0 };
  const read = async () => {
    const bars = await barsOf(team);
    readings.taken += 1;
    if (bars.some(({ budget }) => isOver(budget))) readings.over += 1;
    view.draw(bars);
  };
  let ended = false;
  const outcome = Promise.allSettled([run()]).finally(() => {
    ended = true;
  });
  while (!ended) {
    await read();
    await Promise.race([outcome, delay(EVERY_MS)]);
  }
  for (const result of await outcome) if (result.status === "rejected") throw result.reason;
  await team.meter.flush();
  await read();
  return readings;
}

/** The team's bar, then one for each agent. */
async function barsOf({ meter, agents }: Team): Promise<Bar[]> {
  const [team, ...own] = await Promise.all(
    [meter, ...agents.map((agent) => agent.meter)].map(async (each) =>
      ownBudget((await each.getUsage()).budgets),
    ),
  );
  const bars = agents.map((agent, index) => agentBar(agent, own[index]));
  return [...(team === undefined ? [] : [{ budget: team, note: "", stopped: false }]), ...bars];
}

function agentBar(agent: Agent, budget: BudgetStatus | undefined): Bar {
  if (budget === undefined) throw new Error(`No budget of ${agent.name} was read.`);
  const stopped = agent.stoppedBy !== undefined;
  return { budget, note: stopped ? `stopped: ${stoppedBy(agent)}` : `${agent.calls} calls`, stopped };
}
