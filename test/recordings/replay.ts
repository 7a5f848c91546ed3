/**
 * Replays a folder of recorded answers through the metered fetch, and compares what was settled with what the record
 * says.
 *
 * `index.json` is a list of records: `id`, `api` (one of `recorded-apis.ts`; others are skipped), `provider`,
 * `streaming`, `wire` (`sse`, `json-array` for Gemini's streams without `alt=sse`, else `json`), `file` (the body, as it
 * came), `httpStatus`, `model`, and `expected`: counts that include their parts, as providers state them (`inputTokens` with cache reads and writes,
 * `outputTokens` with reasoning), `usageMissing` where the body has none, `usagePartial` where it was cut,
 * `providerCostUsd` where the body states its cost.
 *
 * `requests.jsonl`, where it is there, has one recorded request a line: `id`, `url`, `request` (its body), `features`
 * (what bears on its cost besides text), `actual` (`inputTokens` and `outputTokens` that the provider counted). What is
 * held for it must not be below what was counted.
 *
 * A body or a line that can't be read is a failure, and what is not replayed is counted with the reason.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CallMeter, Receipt } from "../../src/metering/calls.ts";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { createPriceBook, type PriceBook } from "../../src/pricing/price-book.ts";
import { isObject, type JsonObject } from "../../src/providers/json.ts";
import { pieces, startUpstream, type Upstream } from "../support/upstream.ts";
import { compareUsage, type Outcome } from "./compare-usage.ts";
import { cutsInsideCharacters, random } from "./cuts.ts";
import { type Finding, failed, sentTo, skipped } from "./findings.ts";
import { recordedApi } from "./recorded-apis.ts";
import { readRecordedFolder } from "./recorded-folder.ts";
import { replayRequest } from "./recorded-requests.ts";

export interface ReplayReport {
  passed: number;
  /** One line each. */
  failures: string[];
  /** How many were not replayed, by reason. */
  skipped: Map<string, number>;
}

/** @param seed decides where the bodies are cut into chunks. */
export async function replayFolder(folder: string, seed: number): Promise<ReplayReport> {
  const { answers, requests, problems, unnamed } = readRecordedFolder(folder);
  const report: ReplayReport = { passed: 0, failures: problems, skipped: new Map() };
  const count = (id: unknown, finding: Finding) => {
    if (finding === undefined) report.passed += 1;
    else if (finding.kind === "failed") report.failures.push(`${id}: ${finding.why}`);
    else report.skipped.set(finding.why, (report.skipped.get(finding.why) ?? 0) + 1);
  };
  for (const file of unnamed) count(file, skipped("files that no record names"));
  const upstream = await startUpstream();
  const next = random(seed);
  try {
    for (const record of answers) {
      count(record.id, await orFailure(replayAnswer(record, { folder, upstream, next })));
    }
    for (const row of requests) count(row.id, await orFailure(replayRequest(row, upstream)));
  } finally {
    await upstream.close();
  }
  return report;
}

/** What can't be replayed, or is never settled, must not keep the rest from it. */
async function orFailure(replay: Promise<Finding>): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve(failed("was not settled within 10 seconds")), 10_000);
  });
  try {
    return await Promise.race([replay, late]);
  } catch (error) {
    return failed(String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Unknown models cost something, and unknown fees nothing: a replay is about usage and not about prices. */
const prices = withoutUnknownFees(
  createPriceBook({ unknownModel: { input: "1", output: "1", maxOutputTokens: 1000 } }),
);

function withoutUnknownFees(book: PriceBook): PriceBook {
  const none = { webSearch: 0, fileSearch: 0, container: 0, image: 0 };
  return {
    pricesAsOf: book.pricesAsOf,
    find(provider, model) {
      const price = book.find(provider, model);
      const known = Object.entries(price.fees).filter(([, fee]) => fee !== undefined);
      return { ...price, fees: { ...price.fees, ...none, ...Object.fromEntries(known) } };
    },
  };
}

interface Stage {
  folder: string;
  upstream: Upstream;
  next: () => number;
}

async function replayAnswer(record: JsonObject, { folder, upstream, next }: Stage): Promise<Finding> {
  const api = recordedApi(record);
  const { expected, wire, httpStatus } = record;
  if (api === undefined) return skipped(`answers of ${record.api}`);
  if (!isObject(expected)) return skipped("answers without `expected`");
  const bytes = readFileSync(join(folder, String(record.file)));
  const status = httpStatus ?? 200;
  if (typeof status !== "number" || !(status >= 200 && status <= 599))
    return failed(`${status} is no status`);
  const contentType = wire === "sse" ? "text/event-stream" : "application/json";
  upstream.answer = pieces(cutsInsideCharacters(bytes, next), status, contentType);
  const { meter, outcome } = observedMeter();
  const metered = createMeteredFetch({ meter, prices, fetch: sentTo(upstream), allowUnbounded: true });
  const response = await metered(api.url(record), {
    method: "POST",
    body: JSON.stringify(api.body(record)),
  });
  const passedOn = Buffer.from(await response.arrayBuffer());
  if (!passedOn.equals(bytes))
    return failed(`passed on ${passedOn.length} other bytes than the ${bytes.length} that came`);
  const recorded = { record, expected, status, body: bytes.toString("utf8") };
  const wrong = compareUsage(await outcome, recorded, prices);
  return wrong === undefined ? undefined : failed(wrong);
}

function observedMeter(): { meter: CallMeter; outcome: Promise<Outcome> } {
  let settle: (outcome: Outcome) => void = () => {};
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  const closed = async (result: Outcome): Promise<Receipt> => {
    settle(result);
    const usage = { scope: "replay", usdSpent: 0, nanoUsdSpent: 0, usdHeld: 0, tokensSpent: 0, budgets: [] };
    const none = { monthlyBudgetUsd: null, monthlyBudgetTokens: null, percentUsd: null, percentTokens: null };
    return {
      id: "",
      costUsd: 0,
      costNanoUsd: 0,
      source: result.kind === "reported" ? "reported" : "estimated",
      replayed: false,
      overrun: false,
      usage: { ...usage, ...none, remainingUsd: null },
    };
  };
  const meter: CallMeter = {
    hold: async (_bound, id) => ({
      id,
      settleReported: (actual) => closed({ kind: "reported", actual }),
      settleEstimated: () => closed({ kind: "estimated" }),
      release: async () => settle({ kind: "released" }),
    }),
    covers: () => false,
    background: () => {},
    emit: () => {},
  };
  return { meter, outcome };
}
