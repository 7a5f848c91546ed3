/** What an answer of the AI SDK says that it used, in the terms of the ledger. */
import type { Tokens } from "../../pricing/usage.ts";
import { optionalCount, requiredCount, servedTier, tokensFrom } from "../../providers/counts.ts";
import { PROVIDER_APIS, readUsageOf } from "../../providers/index.ts";
import { isObject, type JsonObject, nonEmptyString } from "../../providers/json.ts";
import type { ProviderCall, ReportedUsage, UsageContext } from "../../providers/provider.ts";

/** An answer as far as it states its cost. */
export interface StatedAnswer {
  readonly usage: unknown;
  /** As the provider names the model that answered. */
  readonly modelId: unknown;
  /** The provider's own body, where the SDK hands it on. */
  readonly body?: unknown;
  readonly providerMetadata?: unknown;
}

/** A call whose answer is read. */
export type AnsweredCall = UsageContext & Pick<ProviderCall, "unbounded">;

/**
 * The usage of an answer. The provider's own body says more than the SDK's counts (fees, cache lifetimes, the tier), so
 * it goes first where it is known.
 *
 * @returns undefined where nothing is stated: never zeros.
 */
export function reportedUsage(answer: StatedAnswer, call: AnsweredCall): ReportedUsage | undefined {
  const own = readOwn(answer.body, call);
  if (own !== undefined) return own;
  const counted = countedUsage(answer, call);
  // Fees are in no count of tokens.
  return counted && call.unbounded.length > 0
    ? { ...counted, doubts: ["the AI SDK hands on no fees of what the provider ran itself"] }
    : counted;
}

function readOwn(body: unknown, call: UsageContext): ReportedUsage | undefined {
  if (!isObject(body)) return undefined;
  const api = PROVIDER_APIS.find((each) => each.isAnswer(body));
  return api && readUsageOf(api, body, call);
}

function countedUsage(answer: StatedAnswer, call: UsageContext): ReportedUsage | undefined {
  const usage = isObject(answer.usage) ? answer.usage : {};
  const raw = isObject(usage.raw) ? usage.raw : {};
  const tier = tierOf(raw, answer.providerMetadata);
  const own = readOwn(answerAround(raw, { tier, model: answer.modelId }), call);
  if (own !== undefined) return own;
  const tokens = readTokens(usage, { raw, tier, call });
  return (
    tokens && {
      models: [{ model: nonEmptyString(answer.modelId), tokens }],
      extras: {
        fast: raw.speed === undefined ? call.fast : raw.speed === "fast",
        regional: raw.inference_geo === "us",
      },
    }
  );
}

/** The provider's own counts as the provider's own answer, where they can be told by their names alone. */
function answerAround(
  raw: JsonObject,
  { tier, model }: { tier: unknown; model: unknown },
): JsonObject | undefined {
  if ("prompt_tokens" in raw) return { choices: [], usage: raw, model, service_tier: tier };
  if ("promptTokenCount" in raw) {
    return {
      candidates: [],
      usageMetadata: { ...raw, serviceTier: raw.serviceTier ?? tier },
      modelVersion: model,
    };
  }
  return undefined;
}

/** The counts of specification v3 and v4: totals, and parts that some providers leave undefined. */
function readTokens(
  usage: JsonObject,
  { raw, tier, call }: { raw: JsonObject; tier: unknown; call: UsageContext },
): Tokens | undefined {
  const input = isObject(usage.inputTokens) ? usage.inputTokens : {};
  const output = isObject(usage.outputTokens) ? usage.outputTokens : {};
  const cacheRead = optionalCount(input.cacheRead);
  const cacheWrite = optionalCount(input.cacheWrite);
  const uncached = input.noCache ?? requiredCount(input.total) - cacheRead - cacheWrite;
  const inputTokens = requiredCount(uncached);
  const reasoning = optionalCount(output.reasoning);
  // Packages read a count that is missing as zero, and no prompt is empty.
  if (inputTokens + cacheRead + cacheWrite === 0) return undefined;
  const outputTokens = requiredCount(output.total ?? requiredCount(output.text) + reasoning);
  const for1h = cacheWrites1h(raw, cacheWrite, call);
  return tokensFrom(
    {
      inputTokens,
      cachedInputTokens: cacheRead,
      cacheWriteTokens: cacheWrite - for1h,
      cacheWrite1hTokens: for1h,
      outputTokens,
      reasoningTokens: Math.min(reasoning, outputTokens),
    },
    servedTier(tier, call),
  );
}

/** Anthropic's own counts tell the lifetimes apart; without them all cost the hour's price if an hour was asked for. */
function cacheWrites1h(raw: JsonObject, cacheWrite: number, call: UsageContext): number {
  const split = isObject(raw.cache_creation) ? raw.cache_creation : {};
  const for5m = optionalCount(split.ephemeral_5m_input_tokens);
  const for1h = optionalCount(split.ephemeral_1h_input_tokens);
  const all1h = call.cacheWrite === "1h" ? cacheWrite - for5m : for1h;
  return Math.min(cacheWrite, Math.max(0, all1h));
}

/** The tier that served the call: OpenAI's package hands it on as metadata. Anthropic's has no price of its own but `batch`. */
function tierOf(raw: JsonObject, metadata: unknown): unknown {
  const own = isObject(metadata) ? Object.values(metadata).filter(isObject) : [];
  const stated = own.map(({ serviceTier }) => serviceTier).find((tier) => typeof tier === "string");
  return stated ?? (raw.service_tier === "batch" ? "batch" : undefined);
}
