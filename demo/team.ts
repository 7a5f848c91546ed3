/** Four agents of one team: each calls its model through the `openai` package until a budget stops it. */
import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { type AlertEvent, BudgetExceededError, type NodeMeterOptions, UsageMeter } from "../src/node.ts";

export interface Team {
  meter: UsageMeter;
  agents: Agent[];
}

export interface Agent {
  name: string;
  meter: ReturnType<UsageMeter["child"]>;
  /** Calls that were answered. */
  calls: number;
  /** What stopped it; undefined while it runs. */
  stoppedBy: BudgetExceededError | undefined;
}

interface Role {
  name: string;
  model: string;
  budgetUsd: number;
  maxTokens: number;
  stream: boolean;
  task: string;
}

const TEAM_SCOPE = "team:search";
const TEAM_BUDGET_USD = 3.25;

/** Together more than the team has: the last one running is stopped by the team's budget, not by its own. */
const ROLES: Role[] = [
  {
    name: "researcher",
    model: "gpt-5.5-pro",
    budgetUsd: 1.5,
    maxTokens: 600,
    stream: true,
    task: "Compare the ten sources below and say which of them agree.",
  },
  {
    name: "coder",
    model: "gpt-5.5",
    budgetUsd: 0.75,
    maxTokens: 800,
    stream: true,
    task: "Write the next function of the parser, with its test.",
  },
  {
    name: "support-bot",
    model: "gpt-4.1",
    budgetUsd: 0.15,
    maxTokens: 600,
    stream: false,
    task: "Answer the customer who asks where the invoice is.",
  },
  {
    name: "crawler",
    model: "gpt-5.5",
    budgetUsd: 1.5,
    maxTokens: 600,
    stream: true,
    task: "Summarize the next page, and never stop.",
  },
];

/** Calls that an agent has under way at once. */
const WORKERS_PER_AGENT = 3;
const RETRY_MS = 100;

export function createTeam(store: Partial<NodeMeterOptions>, onAlert: (event: AlertEvent) => void): Team {
  const meter = new UsageMeter({
    ...store,
    scope: TEAM_SCOPE,
    budgets: [{ window: "total", usd: TEAM_BUDGET_USD }],
    // The model server has one tier; without this promise each hold would allow for the dearer ones.
    serviceTier: "default",
    alertThresholds: [0.5, 0.8],
    onAlert,
  });
  const agents = ROLES.map(
    ({ name, budgetUsd }): Agent => ({
      name,
      meter: meter.child(`agent:${name}`, { budgets: [{ window: "total", usd: budgetUsd }] }),
      calls: 0,
      stoppedBy: undefined,
    }),
  );
  return { meter, agents };
}

/** Runs all agents at once, and returns when the last one is stopped. */
export async function runTeam({ agents }: Team, baseURL: string, onStop: (agent: Agent) => void) {
  await Promise.all(
    agents.map(async (agent, index) => {
      const role = ROLES[index];
      if (role === undefined) return;
      // The key tells the model server whom to bill.
      const openai = new OpenAI({ baseURL, apiKey: agent.name, fetch: agent.meter.fetch });
      await Promise.all(
        Array.from({ length: WORKERS_PER_AGENT }, () => work(agent, () => ask(openai, role))),
      );
      onStop(agent);
    }),
  );
}

/** In a word or two. */
export function stoppedBy({ name, stoppedBy }: Agent): string {
  if (stoppedBy === undefined) return "nothing";
  return stoppedBy.scope === `agent:${name}` ? "own cap" : "team cap";
}

async function work(agent: Agent, call: () => Promise<void>): Promise<void> {
  while (true) {
    try {
      await call();
      agent.calls += 1;
    } catch (error) {
      if (!(error instanceof BudgetExceededError)) throw error;
      if (!error.transient) {
        agent.stoppedBy = error;
        return;
      }
      // Only calls in flight stand in the way: what they leave over may be enough.
      await delay(RETRY_MS);
    }
  }
}

async function ask(openai: OpenAI, { model, maxTokens, stream, task }: Role): Promise<void> {
  const request = {
    model,
    max_completion_tokens: maxTokens,
    messages: [{ role: "user" as const, content: task }],
  };
  if (!stream) {
    await openai.chat.completions.create(request);
    return;
  }
  for await (const _chunk of await openai.chat.completions.create({ ...request, stream: true })) {
    // An agent would show it.
  }
}
