/** `npm run demo`: four agents run into their budgets, live, with no key, no account and no Redis. */
import { styleText } from "node:util";
import type { AlertEvent } from "../src/node.ts";
import { liveView } from "./bars.ts";
import { burstThroughCheckThenCount, burstThroughMeter } from "./burst.ts";
import { chooseLedger, type DemoLedger } from "./ledger.ts";
import { burstFinding, burstLines, type Finding, findings, outcomeLines, outcomesOf } from "./report.ts";
import { type Agent, createTeam, runTeam } from "./team.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { whileWatching } from "./watch.ts";

const THREE_LINES = [
  'import { UsageMeter } from "agentlimit";',
  'const meter = new UsageMeter({ agentId: "support-bot", monthlyBudgetUsd: 100 });',
  "const openai = new OpenAI({ fetch: meter.fetch });",
];

async function main(): Promise<void> {
  const ledger = chooseLedger(process.argv.slice(2), process.env);
  print([
    "",
    styleText("bold", "Four agents share $3.25, each has a budget too, and none stops by itself."),
    styleText("dim", `The models are played on this machine; the ledger is ${ledger.description}.`),
    "",
  ]);
  const upstream = await startUpstream();
  const found = [...(await agentsAct(ledger, upstream)), ...(await burstAct(ledger, upstream))];
  print([
    styleText("dim", "Guard your own client, in the Redis that UPSTASH_REDIS_REST_URL and _TOKEN name:"),
    "",
    ...THREE_LINES,
    "",
  ]);
  await upstream.close();
  process.exitCode = found.every(({ holds }) => holds) ? 0 : 1;
}

async function agentsAct({ store }: DemoLedger, upstream: Upstream): Promise<Finding[]> {
  const view = liveView(process.stdout);
  const team = createTeam(store, (alert) => view.tell(alertLine(alert)));
  for (const meter of [team.meter, ...team.agents.map((agent) => agent.meter)]) await meter.reset();

  const readings = await whileWatching(team, view, () =>
    runTeam(team, upstream.baseUrl, (agent) => view.tell(stopLine(agent))),
  );
  view.end();
  const outcomes = await outcomesOf(team, upstream);
  await team.meter.close();

  const found = findings(outcomes, readings);
  const caught = team.agents.at(-1)?.stoppedBy;
  print(["", ...outcomeLines(outcomes), "", ...found.map(findingLine), ""]);
  if (caught !== undefined) {
    print([styleText("dim", "What the last caller caught:"), `${caught.name}: ${caught.message}`, ""]);
  }
  return found;
}

async function burstAct({ store }: DemoLedger, upstream: Upstream): Promise<Finding[]> {
  const naive = await burstThroughCheckThenCount(upstream);
  const metered = await burstThroughMeter(upstream, store);
  const found = burstFinding(metered);
  print([...burstLines(naive, metered), "", findingLine(found), ""]);
  return [found];
}

function alertLine({ scope, threshold, budget }: AlertEvent): string {
  return `  ${scope} has spent ${threshold * 100}% of its $${budget.limit.toFixed(2)}`;
}

function stopLine({ name, calls, stoppedBy }: Agent): string {
  return `  agent:${name} is stopped by the budget of ${stoppedBy?.scope} after ${calls} calls`;
}

function findingLine({ holds, text }: Finding): string {
  return `${holds ? styleText("green", "✔") : styleText("red", "✘")} ${text}`;
}

function print(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line === "" ? "" : `  ${line}`}\n`).join(""));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  // Agents may still be running.
  process.exit(1);
}
