/**
 * Replays a folder of recorded answers through the metered fetch, and compares what was settled with what the record
 * says.
 *
 * `index.json` is a list of records: `id`, `api` (`openai-chat`, `anthropic-messages`, `openai-compatible:NAME`, others
 * are left out), `provider`, `streaming`, `wire` (`json` or `sse`), `file` (the body, as it came), `httpStatus`, `model`,
 * and `expected`: counts that include their parts, as providers state them (`inputTokens` with cache reads and writes,
 * `outputTokens` with reasoning), `usageMissing` where the body has none, `usagePartial` where it was cut.
 *
 * `requests.jsonl`, where it is there, has one recorded request a line: `id`, `url`, `request` (its body), `features`
 * (what bears on its cost besides text), `actual` (`inputTokens` that the provider counted). The bound of those without
 * features must not be below what was counted.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inputTokensOf } from "../../src/metering/bound.ts";
import type { CallMeter, Receipt } from "../../src/metering/calls.ts";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { PricedUsage, Tokens } from "../../src/pricing/usage.ts";
import { routeOf } from "../../src/providers/index.ts";
import { isObject, type JsonObject, objectsOf, parseObject } from "../../src/providers/json.ts";
import { pieces, startUpstream, type Upstream } from "../support/upstream.ts";
import { cutsInsideCharacters, random } from "./cuts.ts";

export interface ReplayReport {
  passed: number;
  /** One line each. */
  failures: string[];
  /** Records of APIs that are not metered yet, and requests with features. */
  notCovered: number;
}

/** @param seed decides where the bodies are cut into chunks. */
export async function replayFolder(folder: string, seed: number): Promise<ReplayReport> {
  const report: ReplayReport = { passed: 0, failures: [], notCovered: 0 };
  const count = (id: string, verdict: string | undefined | "not covered") => {
    if (verdict === undefined) report.passed += 1;
    else if (verdict === "not covered") report.notCovered += 1;
    else report.failures.push(`${id}: ${verdict}`);
  };
  const upstream = await startUpstream();
  const next = random(seed);
  try {
    for (const record of recordsOf(join(folder, "index.json"))) {
      count(String(record.id), await replayAnswer(record, { folder, upstream, next }));
    }
  } finally {
    await upstream.close();
  }
  for (const row of rowsOf(join(folder, "requests.jsonl"))) count(String(row.id), checkBound(row));
  return report;
}

/** Unknown models cost something, so that a replay is about usage and not about prices. */
const prices = createPriceBook({ unknownModel: { input: "1", output: "1", maxOutputTokens: 1000 } });

interface Stage {
  folder: string;
  upstream: Upstream;
  next: () => number;
}

/** @returns what is wrong, or undefined. */
async function replayAnswer(
  record: JsonObject,
  { folder, upstream, next }: Stage,
): Promise<string | undefined> {
  const path = pathOf(String(record.api));
  if (path === undefined || !isObject(record.expected)) return "not covered";
  const bytes = readFileSync(join(folder, String(record.file)));
  const contentType = record.wire === "sse" ? "text/event-stream" : "application/json";
  upstream.answer = pieces(cutsInsideCharacters(bytes, next), Number(record.httpStatus), contentType);
  const { meter, outcome } = observedMeter();
  const response = await createMeteredFetch({ meter, prices })(`${upstream.url}${path}`, {
    method: "POST",
    body: JSON.stringify({
      model: record.model ?? "unknown",
      max_tokens: 1000,
      messages: [],
      ...(record.streaming === true ? { stream: true, stream_options: { include_usage: true } } : {}),
    }),
  });
  const passedOn = Buffer.from(await response.arrayBuffer());
  if (!passedOn.equals(bytes))
    return `passed on ${passedOn.length} other bytes than the ${bytes.length} that came`;
  return compare(await outcome, record.expected, record);
}

function pathOf(api: string): string | undefined {
  if (api === "openai-chat" || api.startsWith("openai-compatible:")) return "/v1/chat/completions";
  return api === "anthropic-messages" ? "/v1/messages" : undefined;
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
    background: () => {},
    emit: () => {},
  };
  return { meter, outcome };
}

function compare(outcome: Outcome, expected: JsonObject, record: JsonObject): string | undefined {
  const wanted =
    Number(record.httpStatus) >= 400
      ? "released"
      : expected.usageMissing === true || expected.usagePartial === true
        ? "estimated"
        : "reported";
  if (outcome.kind !== wanted) return `${outcome.kind}, not ${wanted}`;
  if (outcome.kind !== "reported") return undefined;
  const { tokenKinds = {}, tokens } = outcome.actual;
  const perModel = isObject(expected.iterationsByModel) ? expected.iterationsByModel : {};
  const own = perModel[String(record.model)];
  const counted = exclusive(isObject(own) ? own : expected);
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
  if (hasItsOwnPrice(expected.serviceTier) && tokenKinds.serviceTier !== expected.serviceTier) {
    return `service tier is ${tokenKinds.serviceTier}, not ${expected.serviceTier}`;
  }
  const wrong = kinds.find(
    (kind) => (Reflect.get(tokenKinds, kind) ?? 0) !== (Reflect.get(counted, kind) ?? 0),
  );
  if (wrong === undefined) return undefined;
  return `${wrong} is ${Reflect.get(tokenKinds, wrong) ?? 0}, not ${Reflect.get(counted, wrong) ?? 0}`;
}

function hasItsOwnPrice(tier: unknown): boolean {
  return tier === "priority" || tier === "flex" || tier === "batch";
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

/** From counts that include their parts to kinds that exclude each other. Where a cache was filled and read by one call, the same tokens are in both. */
function exclusive(inclusive: JsonObject): Tokens {
  const count = (field: string) => Number(inclusive[field] ?? 0);
  const written1h = count("cacheWriteTokens1h");
  const written = Math.max(count("cacheWriteTokens"), count("cacheWriteTokens5m") + written1h) - written1h;
  const cached = count("cachedInputTokens");
  const audio = count("inputAudioTokens");
  const text = count("inputTokens") - audio;
  const plain = text - cached - written - written1h;
  return {
    inputTokens: plain >= 0 ? plain : text - Math.max(cached, written + written1h),
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    cacheWrite1hTokens: written1h,
    audioInputTokens: audio,
    outputTokens: count("outputTokens"),
    reasoningTokens: Math.min(count("reasoningTokens"), count("outputTokens")),
  };
}

function totalOf({ reasoningTokens: _partOfOutput, serviceTier: _tier, ...kinds }: Tokens): number {
  return Object.values(kinds).reduce((sum, count) => sum + count, 0);
}

/** @returns what is wrong, or undefined. */
function checkBound(row: JsonObject): string | undefined {
  const route = routeOf("POST", new URL(String(row.url)));
  const isPlain = Array.isArray(row.features) && row.features.length === 0;
  if (route.kind !== "call" || !isPlain || !isObject(row.request) || !isObject(row.actual))
    return "not covered";
  const body = row.request;
  const call = route.api.readCall({ ...route, body });
  // Refused by default: nothing has to bound it.
  if (call.unbounded.length > 0) return undefined;
  const bound = inputTokensOf(call, body, prices.find(route.provider, call.model));
  const counted = Number(row.actual.inputTokens);
  return bound >= counted ? undefined : `${counted} input tokens were counted, ${bound} held`;
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
