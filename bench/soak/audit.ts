/** The ledger at the end of a run, held against what callers were told. */
import type { Redis } from "ioredis";
import { zeroAmounts } from "../../src/ledger/account.ts";
import { randomId } from "../../src/ledger/operation-id.ts";
import type { Amounts, ChainLink, Store } from "../../src/ledger/store.ts";
import { accountKey } from "../../src/redis/keys.ts";
import type { Journal } from "./journal.ts";

export interface Audit {
  store: Store;
  /** Reads the fields of accounts as docs/redis-layout.md describes them, past this library. */
  client: Redis;
  namespace: string;
  links: Iterable<ChainLink>;
}

/**
 * Each scope's `total` and its history, to the nano-USD, when every hold has been closed or has expired.
 * What differs is reported to the journal.
 */
export async function audit(journal: Journal, { store, client, namespace, links }: Audit): Promise<void> {
  const toldByScope = journal.toldByScope();
  for (const link of links) {
    const told = toldByScope.get(link.scope) ?? zeroAmounts();
    // An operation that spends nothing: moves what has expired into history.
    const sweep = {
      namespace,
      chain: [link],
      id: randomId(),
      argumentsHash: "00000000000000ff",
      retentionSeconds: 900,
    };
    await store.record({ ...sweep, actual: zeroAmounts(), alertThresholds: [] });
    const requested = { nanoUsd: 0, tokens: 0, requests: 0 };
    const { accounts } = await store.check({ namespace, chain: [link], requested });
    const total = accounts[0]?.windows.find(({ window }) => window === "total");
    compare(journal, `${link.scope}: total`, { told, ledger: total?.settled });
    compare(journal, `${link.scope}: held`, { told: zeroAmounts(), ledger: total?.held });
    const fields = await client.hgetall(accountKey(namespace, link.scope));
    compare(journal, `${link.scope}: history`, { told, ledger: historyOf(fields) });
  }
}

function compare(
  journal: Journal,
  what: string,
  {
    told,
    ledger = { nanoUsd: Number.NaN, tokens: Number.NaN, requests: Number.NaN },
  }: {
    told: Amounts;
    ledger: Amounts | undefined;
  },
): void {
  for (const metric of ["nanoUsd", "tokens", "requests"] as const) {
    if (told[metric] === ledger[metric]) continue;
    journal.report(`${what}: callers were told ${told[metric]} ${metric}, the ledger has ${ledger[metric]}`);
  }
}

/** The sums of all rows `name source calls nanoUsd tokens kinds;` of all hours and days. */
function historyOf(fields: Record<string, string>): Amounts {
  const sums = zeroAmounts();
  for (const [field, text] of Object.entries(fields)) {
    if (!/^[HD]:/.test(field)) continue;
    for (const row of text.split(";").filter((each) => each !== "")) {
      const [, , calls, nanoUsd, tokens] = row.split(" ");
      sums.requests += Number(calls);
      sums.nanoUsd += Number(nanoUsd);
      sums.tokens += Number(tokens);
    }
  }
  return sums;
}
