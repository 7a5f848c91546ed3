/** `agentlimit status`: what a scope has spent and holds, and how its budgets stand. */
import type { BudgetStatus, Denial, UsageStats } from "../../ledger/budgets.ts";
import { formatUsd } from "../../ledger/money.ts";
import { usageStats } from "../../ledger/stats.ts";
import type { AccountView } from "../../ledger/store.ts";
import { windowLabel } from "../../ledger/window-names.ts";
import {
  type Ledger,
  type LedgerFlags,
  readScope,
  type ScopeFlags,
  type ScopeReading,
  scopeOf,
  withLedger,
} from "../connect.ts";
import type { CliContext } from "../context.ts";
import {
  amount,
  bar,
  type Cell,
  json,
  minute,
  type Paint,
  percent,
  plain,
  type Style,
  share,
  table,
} from "../output.ts";

export type StatusFlags = ScopeFlags & LedgerFlags & { json?: boolean };

const EXIT_LIMIT_REACHED = 3;

export default async function status(this: CliContext, flags: StatusFlags): Promise<void> {
  const scope = scopeOf(flags);
  const { stdout } = this.process;
  const report = await withLedger(flags, this.environment, async (ledger) => {
    return reportOf(ledger, await readScope(ledger, scope));
  });
  stdout.write(flags.json === true ? json(report) : readable(report, stdout.paint));
  if (report.status !== "OK") this.process.exitCode = EXIT_LIMIT_REACHED;
}

/** What `--json` prints. */
interface StatusReport extends UsageStats {
  status: "OK" | "LIMIT_REACHED" | "PAUSED";
  pauseReason?: string;
  /** The budgets that have nothing left, the last to reset first. */
  reached: Reached[];
  /** False: nothing was ever booked here. */
  exists: boolean;
  /** `2026-11`, in UTC by the server's clock. */
  month: string;
  tokensHeld: number;
  namespace: string;
  ledger: string;
}

interface Reached extends Pick<BudgetStatus, "window" | "timeZone" | "anchor" | "metric" | "resetsAt"> {
  /** Only calls in flight stand in the way. */
  transient: boolean;
}

function reportOf(ledger: Ledger, { answer, account }: ScopeReading): StatusReport {
  const month = account.windows.find(({ window }) => window === "month");
  const { scope, agentId, ...usage } = usageStats(answer);
  return {
    scope,
    ...(agentId === undefined ? {} : { agentId }),
    status: statusOf(answer.denials, account),
    ...(account.pauseReason === undefined ? {} : { pauseReason: account.pauseReason }),
    reached: answer.denials.map(reachedOf),
    exists: account.exists,
    month: new Date(month?.startMs ?? answer.nowMs).toISOString().slice(0, 7),
    ...usage,
    tokensHeld: month?.held.tokens ?? 0,
    namespace: ledger.namespace,
    ledger: ledger.address,
  };
}

function reachedOf({ window, timeZone, anchor, metric, resetsAt, spent, limit }: BudgetStatus): Reached {
  return {
    window,
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(anchor === undefined ? {} : { anchor }),
    metric,
    resetsAt,
    transient: spent < limit,
  };
}

function statusOf(denials: readonly Denial[], account: AccountView): StatusReport["status"] {
  if (account.paused) return "PAUSED";
  return denials.length > 0 ? "LIMIT_REACHED" : "OK";
}

function readable(report: StatusReport, paint: Paint): string {
  const held = `${usd(report.usdHeld)}${report.tokensHeld > 0 ? `, ${report.tokensHeld} tokens` : ""}`;
  const facts: [name: string, value: string][] = [
    [report.agentId === undefined ? "scope" : "agent", paint("bold", report.agentId ?? report.scope)],
    ["month", `${report.month} (UTC)`],
    ["spent", `${dollarsSpent(report)}; ${tokensSpent(report)}`],
    ["held", held],
    ["status", standing(report, paint)],
    ["ledger", paint("dim", `${report.ledger}, namespace ${report.namespace}`)],
  ];
  const lines = facts.map(([name, value]) => `${name.padEnd(8)}${value}\n`).join("");
  return `${lines}${budgetTable(report, paint)}`;
}

function dollarsSpent({ nanoUsdSpent, monthlyBudgetUsd, percentUsd }: StatusReport): string {
  const spent = formatUsd(nanoUsdSpent);
  if (monthlyBudgetUsd === null || percentUsd === null) return spent;
  return `${spent} of ${usd(monthlyBudgetUsd)} (${percent(percentUsd)})`;
}

function tokensSpent({ tokensSpent, monthlyBudgetTokens, percentTokens }: StatusReport): string {
  if (monthlyBudgetTokens === null || percentTokens === null) return `${tokensSpent} tokens`;
  return `${tokensSpent} of ${monthlyBudgetTokens} tokens (${percent(percentTokens)})`;
}

function standing({ status, pauseReason, reached: [first] }: StatusReport, paint: Paint): string {
  switch (status) {
    case "OK":
      return paint("green", status);
    case "LIMIT_REACHED":
      return paint("red", status) + (first === undefined ? "" : ` (${whatIsReached(first)})`);
    case "PAUSED":
      return paint("yellow", status) + (pauseReason === undefined ? "" : ` (${plain(pauseReason)})`);
    default:
      return status satisfies never;
  }
}

/** `usd, month: resets 2026-12-01T00:00Z` */
function whatIsReached(reached: Reached): string {
  const { metric, transient, resetsAt } = reached;
  const wayOn = resetsAt === null ? "never resets" : `resets ${minute(resetsAt)}`;
  return `${metric}, ${windowLabel(reached)}: ${transient ? "held by calls in flight" : wayOn}`;
}

const usd = (dollars: number): string => amount("usd", dollars);

function budgetTable({ exists, budgets, scope }: StatusReport, paint: Paint): string {
  if (!exists)
    return `\n${scope} was never seen in this namespace: nothing was booked, no budget is known.\n`;
  if (budgets.length === 0) return `\nNo budget is known for ${scope}: its calls are counted, not limited.\n`;
  const heading: Cell[] = [
    { text: "WINDOW" },
    { text: "METRIC" },
    { text: "SPENT", align: "right" },
    { text: "HELD", align: "right" },
    { text: "LIMIT", align: "right" },
    { text: "USED", align: "right" },
    { text: "" },
    { text: "RESETS" },
  ];
  return `\n${table(heading, budgets.map(budgetRow), paint)}`;
}

function budgetRow(budget: BudgetStatus): Cell[] {
  const { metric, spent, held, limit, resetsAt, soft } = budget;
  const style = fullness(budget);
  return [
    { text: windowLabel(budget) },
    { text: soft ? `${metric} (soft)` : metric },
    { text: amount(metric, spent), align: "right" },
    { text: amount(metric, held), align: "right" },
    { text: amount(metric, limit), align: "right" },
    { text: percent(budget.percent), style, align: "right" },
    { text: bar({ spent, held, limit }), style },
    { text: resetsAt === null ? "never" : minute(resetsAt) },
  ];
}

function fullness({ spent, held, limit }: BudgetStatus): Style {
  const used = share(spent + held, limit);
  if (used >= 1) return "red";
  return used >= 0.8 ? "yellow" : "green";
}
