/** `agentlimit reset`: clears what a scope has spent and holds. */
import { StoreDataError } from "../../errors.ts";
import type { BudgetStatus } from "../../ledger/budgets.ts";
import { formatUsd, usdFromNano } from "../../ledger/money.ts";
import type { AccountView, Amounts, WindowView } from "../../ledger/store.ts";
import { windowLabel, windowParts } from "../../ledger/window-names.ts";
import { UsageMeter } from "../../meter.ts";
import {
  type Ledger,
  type LedgerFlags,
  readScope,
  type ScopeFlags,
  scopeOf,
  withLedger,
} from "../connect.ts";
import type { CliContext } from "../context.ts";
import { json, type Paint, plain, table } from "../output.ts";

export type ResetFlags = ScopeFlags & LedgerFlags & { json?: boolean };

export default async function reset(this: CliContext, flags: ResetFlags): Promise<void> {
  const scope = scopeOf(flags);
  const { stdout } = this.process;
  const report = await withLedger(flags, this.environment, (ledger) => resetScope(ledger, scope));
  stdout.write(flags.json === true ? json(report) : readable(report, stdout.paint));
}

/** A scope that was never seen is left alone: a mistyped name must not become an account. */
async function resetScope(ledger: Ledger, scope: string): Promise<ResetReport> {
  const before = await readUnlessVanished(ledger, scope);
  if (before?.exists === false) return reportOf(ledger, { before, after: before });
  await new UsageMeter({ store: ledger.store, namespace: ledger.namespace, scope }).reset();
  const { account: after } = await readScope(ledger, scope);
  return reportOf(ledger, { before, after });
}

/** @returns undefined where the store has lost the account, which a reset makes anew. */
async function readUnlessVanished(ledger: Ledger, scope: string): Promise<AccountView | undefined> {
  try {
    return (await readScope(ledger, scope)).account;
  } catch (error) {
    if (error instanceof StoreDataError && error.code === "STATE_LOST") return undefined;
    throw error;
  }
}

/** What `--json` prints. */
interface ResetReport {
  scope: string;
  /** False: nothing was ever booked here, and nothing was done. */
  exists: boolean;
  /** The account was lost, with its stored limits; it was made anew, and is paused. */
  vanished: boolean;
  /** As read just before the reset; windows that stood at zero are left out. */
  cleared: Cleared[];
  paused: boolean;
  pauseReason?: string;
  namespace: string;
  ledger: string;
}

interface Cleared extends Pick<BudgetStatus, "window" | "timeZone" | "anchor"> {
  usdSpent: number;
  nanoUsdSpent: number;
  usdHeld: number;
  nanoUsdHeld: number;
  tokensSpent: number;
  tokensHeld: number;
  requestsSpent: number;
  requestsHeld: number;
}

function reportOf(
  { namespace, address }: Ledger,
  { before, after }: { before: AccountView | undefined; after: AccountView },
): ResetReport {
  const { scope, exists, paused, pauseReason } = after;
  const windows = before?.windows ?? [];
  return {
    scope,
    exists,
    vanished: before === undefined,
    cleared: windows.filter(({ settled, held }) => !isZero(settled) || !isZero(held)).map(clearedOf),
    paused,
    ...(pauseReason === undefined ? {} : { pauseReason }),
    namespace,
    ledger: address,
  };
}

const isZero = ({ nanoUsd, tokens, requests }: Amounts): boolean =>
  nanoUsd === 0 && tokens === 0 && requests === 0;

function clearedOf({ window, settled, held }: WindowView): Cleared {
  return {
    ...windowParts(window),
    usdSpent: usdFromNano(settled.nanoUsd),
    nanoUsdSpent: settled.nanoUsd,
    usdHeld: usdFromNano(held.nanoUsd),
    nanoUsdHeld: held.nanoUsd,
    tokensSpent: settled.tokens,
    tokensHeld: held.tokens,
    requestsSpent: settled.requests,
    requestsHeld: held.requests,
  };
}

function readable(report: ResetReport, paint: Paint): string {
  const { scope, cleared } = report;
  const name = paint("bold", scope);
  const where = `${report.ledger}, namespace ${report.namespace}`;
  if (!report.exists) return `Nothing to reset: ${name} was never seen here (${where}).\n`;
  const done = `${name} is reset (${where}).${pauseText(report)}\n`;
  if (report.vanished)
    return `${done}Its account had vanished from the store and was made anew, without what it had spent and without stored limits.\n`;
  if (cleared.length === 0) return `${done}There was nothing to clear.\n`;
  const heading = ["CLEARED", "SPENT", "TOKENS", "REQUESTS", "HELD", "TOKENS", "REQUESTS"].map(
    (text, column) => (column === 0 ? { text } : { text, align: "right" as const }),
  );
  const rows = cleared.map((entry) => [
    { text: windowLabel(entry) },
    ...[
      formatUsd(entry.nanoUsdSpent),
      String(entry.tokensSpent),
      String(entry.requestsSpent),
      formatUsd(entry.nanoUsdHeld),
      String(entry.tokensHeld),
      String(entry.requestsHeld),
    ].map((text) => ({ text, align: "right" as const })),
  ]);
  return `${done}\n${table(heading, rows, paint)}`;
}

function pauseText({ paused, pauseReason }: ResetReport): string {
  if (!paused) return "";
  return ` It stays paused${pauseReason === undefined ? "" : ` (${plain(pauseReason)})`}.`;
}
