/** `agentlimit reset`: clears what a scope has spent and holds. */
import { formatUsd, usdFromNano } from "../../ledger/money.ts";
import type { AccountView, Amounts, WindowView } from "../../ledger/store.ts";
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
import { json, type Paint, table } from "../output.ts";

export type ResetFlags = ScopeFlags & LedgerFlags & { json?: boolean };

export default async function reset(this: CliContext, flags: ResetFlags): Promise<void> {
  const scope = scopeOf(flags);
  const { stdout } = this.process;
  const report = await withLedger(flags, this.environment, async (ledger) => {
    const { account } = await readScope(ledger, scope);
    await new UsageMeter({ store: ledger.store, namespace: ledger.namespace, scope }).reset();
    return reportOf(ledger, account);
  });
  stdout.write(flags.json === true ? json(report) : readable(report, stdout.paint));
}

/** What `--json` prints. */
interface ResetReport {
  scope: string;
  /** False: nothing was ever booked here. */
  exists: boolean;
  /** As read just before the reset; windows that stood at zero are left out. */
  cleared: Cleared[];
  paused: boolean;
  namespace: string;
  ledger: string;
}

interface Cleared {
  window: WindowView["window"];
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
  { scope, exists, paused, windows }: AccountView,
): ResetReport {
  const cleared = windows.filter(({ settled, held }) => !isZero(settled) || !isZero(held)).map(clearedOf);
  return { scope, exists, cleared, paused, namespace, ledger: address };
}

const isZero = ({ nanoUsd, tokens, requests }: Amounts): boolean =>
  nanoUsd === 0 && tokens === 0 && requests === 0;

function clearedOf({ window, settled, held }: WindowView): Cleared {
  return {
    window,
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
  const { scope, cleared, paused, namespace, ledger } = report;
  const done = `${paint("bold", scope)} is reset (${ledger}, namespace ${namespace}).${paused ? " It stays paused." : ""}\n`;
  if (!report.exists) return `${done}There was nothing to clear: it was never seen in this namespace.\n`;
  if (cleared.length === 0) return `${done}There was nothing to clear.\n`;
  const heading = ["CLEARED", "SPENT", "TOKENS", "REQUESTS", "HELD", "TOKENS", "REQUESTS"].map(
    (text, column) => (column === 0 ? { text } : { text, align: "right" as const }),
  );
  const rows = cleared.map((entry) => [
    { text: entry.window },
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
