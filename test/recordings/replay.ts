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
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CallMeter, Receipt } from "../../src/metering/calls.ts";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { PricedUsage, Tokens } from "../../src/pricing/usage.ts";
import { isObject, type JsonObject, objectsOf, parseObject } from "../../src/providers/json.ts";
import { pieces, startUpstream, type Upstream } from "../support/upstream.ts";
import { cutsInsideCharacters, random } from "./cuts.ts";
import { type Finding, failed, sentTo, skipped } from "./findings.ts";
import { recordedApi } from "./recorded-apis.ts";
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
  const report: ReplayReport = { passed: 0, failures: [], skipped: new Map() };
  const count = (id: unknown, finding: Finding) => {
    if (finding === undefined) report.passed += 1;
    else if (finding.kind === "failed") report.failures.push(`${id}: ${finding.why}`);
    else report.skipped.set(finding.why, (report.skipped.get(finding.why) ?? 0) + 1);
  };
  const upstream = await startUpstream();
  const next = random(seed);
  try {
    for (const record of recordsOf(join(folder, "index.json"))) {
      count(record.id, await replayAnswer(record, { folder, upstream, next }));
    }
    for (const row of rowsOf(join(folder, "requests.jsonl"))) {
      count(row.id, await replayRequest(row, upstream));
    }
  } finally {
    await upstream.close();
  }
  return report;
}

/** Unknown models cost something, so that a replay is about usage and not about prices. */
const prices = createPriceBook({ unknownModel: { input: "1", output: "1", maxOutputTokens: 1000 } });

interface Stage {
  folder: string;
  upstream: Upstream;
  next: () => number;
}

async function replayAnswer(record: JsonObject, { folder, upstream, next }: Stage): Promise<Finding> {
  const api = recordedApi(String(record.api));
  if (api === undefined) return skipped(`answers of ${record.api}`);
  if (!isObject(record.expected)) return skipped("answers without `expected`");
  const bytes = readFileSync(join(folder, String(record.file)));
  const contentType = record.wire === "sse" ? "text/event-stream" : "application/json";
  upstream.answer = pieces(cutsInsideCharacters(bytes, next), Number(record.httpStatus), contentType);
  const { meter, outcome } = observedMeter();
  const metered = createMeteredFetch({ meter, prices, fetch: sentTo(upstream), allowUnbounded: true });
  const response = await metered(api.url(record), {
    method: "POST",
    body: JSON.stringify(api.body(record)),
  });
  const passedOn = Buffer.from(await response.arrayBuffer());
  if (!passedOn.equals(bytes))
    return failed(`passed on ${passedOn.length} other bytes than the ${bytes.length} that came`);
  const wrong = compare(await outcome, record.expected, record);
  return wrong === undefined ? undefined : failed(wrong);
}

type Outcome = { kind: "reported"; actual: PricedUsage } | { kind: "estimated" } | { kind: "released" };

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

/** @returns what is wrong, or undefined. */
function compare(outcome: Outcome, expected: JsonObject, record: JsonObject): string | undefined {
  const wanted =
    Number(record.httpStatus) >= 400
      ? "released"
      : expected.usageMissing === true || expected.usagePartial === true
        ? "estimated"
        : "reported";
  if (outcome.kind !== wanted) return `${outcome.kind}, not ${wanted}`;
  if (outcome.kind !== "reported") return undefined;
  const { tokens, nanoUsd } = outcome.actual;
  const stated = expected.providerCostUsd;
  // Booked amounts are rounded up; stated ones come as fractions of a dollar that no double has exactly.
  if (typeof stated === "number" && Math.abs(nanoUsd - stated * 1e9) > 1) {
    return `${nanoUsd} nano-USD, not ${stated * 1e9}`;
  }
  const cachedAudio = outcome.actual.tokenKinds?.audioCachedInputTokens ?? 0;
  const tokenKinds = asRecorded(outcome.actual.tokenKinds ?? {});
  const perModel = isObject(expected.iterationsByModel) ? expected.iterationsByModel : {};
  const own = perModel[String(record.model)];
  const counted = exclusive(isObject(own) ? own : expected, cachedAudio);
  const total = isObject(own)
    ? Object.values(perModel).reduce<number>(
        (sum, model) => sum + (isObject(model) ? totalOf(exclusive(model)) : 0),
        0,
      )
    : totalOf(counted);
  if (total !== tokens) return `${tokens} tokens in all, not ${total}`;
  const kinds = [...new Set([...Object.keys(counted), ...COUNTED_KINDS])].filter((kind) =>
    isObject(own) ? kind !== "reasoningTokens" : true,
  );
  const tier = pricedTier(expected.serviceTier);
  if (tier !== undefined && tokenKinds.serviceTier !== tier) {
    return `service tier is ${tokenKinds.serviceTier}, not ${tier}`;
  }
  const wrong = kinds.find(
    (kind) => (Reflect.get(tokenKinds, kind) ?? 0) !== (Reflect.get(counted, kind) ?? 0),
  );
  if (wrong === undefined) return undefined;
  return `${wrong} is ${Reflect.get(tokenKinds, wrong) ?? 0}, not ${Reflect.get(counted, wrong) ?? 0}`;
}

/** Google's tiers are in its words: `ON_DEMAND_FLEX`. */
function pricedTier(tier: unknown): string | undefined {
  return /(?:^|_)(priority|flex|batch)$/.exec(String(tier).toLowerCase())?.[1];
}

/** Records don't tell pictures apart, nor spoken answers. */
function asRecorded(kinds: Tokens): Tokens {
  const { imageInputTokens = 0, imageOutputTokens = 0, audioOutputTokens = 0, ...others } = kinds;
  const { inputTokens = 0, outputTokens = 0 } = kinds;
  return {
    ...others,
    inputTokens: inputTokens + imageInputTokens,
    outputTokens: outputTokens + imageOutputTokens + audioOutputTokens,
  };
}

const COUNTED_KINDS = [
  "inputTokens",
  "outputTokens",
  "cachedInputTokens",
  "cacheWriteTokens",
  "cacheWrite1hTokens",
  "reasoningTokens",
  "audioInputTokens",
] as const satisfies (keyof Tokens)[];

/**
 * From counts that include their parts to kinds that exclude each other. Where a cache was filled and read by one call,
 * the same tokens are in both.
 *
 * @param cachedAudio how much of the cached input was settled as audio: records do not say.
 */
function exclusive(inclusive: JsonObject, cachedAudio = 0): Tokens {
  const count = (field: string) => Number(inclusive[field] ?? 0);
  const written1h = count("cacheWriteTokens1h");
  const written = Math.max(count("cacheWriteTokens"), count("cacheWriteTokens5m") + written1h) - written1h;
  const cached = count("cachedInputTokens") - cachedAudio;
  const audio = count("inputAudioTokens") - cachedAudio;
  const text = count("inputTokens") - audio - cachedAudio;
  const plain = text - cached - written - written1h;
  return {
    inputTokens: plain >= 0 ? plain : text - Math.max(cached, written + written1h),
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    cacheWrite1hTokens: written1h,
    audioInputTokens: audio,
    audioCachedInputTokens: cachedAudio,
    outputTokens: count("outputTokens"),
    reasoningTokens: Math.min(count("reasoningTokens"), count("outputTokens")),
  };
}

function totalOf({ reasoningTokens: _partOfOutput, serviceTier: _tier, ...kinds }: Tokens): number {
  return Object.values(kinds).reduce((sum, count) => sum + count, 0);
}

function recordsOf(file: string): JsonObject[] {
  if (!existsSync(file)) return [];
  const list: unknown = JSON.parse(readFileSync(file, "utf8"));
  return objectsOf(list);
}

function rowsOf(file: string): JsonObject[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.map(parseObject).filter((row) => row !== undefined);
}
