/** What a call can cost at most, from its body and its price. */
import { UnboundedCallError } from "../errors.ts";
import { boundNanoUsd } from "../pricing/cost.ts";
import type { ModelPrice } from "../pricing/model-price.ts";
import type { PricedUsage } from "../pricing/usage.ts";
import { type JsonObject, jsonText } from "../providers/json.ts";
import type { ProviderCall } from "../providers/provider.ts";
import { UNBOUNDED_FEATURES } from "../providers/unbounded.ts";

/** A call at its price. */
export interface PricedCall {
  readonly call: ProviderCall;
  readonly price: ModelPrice;
  /** The account serves nothing on a dearer tier unasked. */
  readonly serviceTier: "default" | undefined;
}

/** A call with its body as it will be sent. */
export interface SizedCall extends Omit<PricedCall, "serviceTier"> {
  readonly body: JsonObject;
}

/** The most tokens that a call can use. */
export interface TokenBound {
  /** Input of every kind together. */
  readonly inputTokens: number;
  /** Output of every kind and of all choices together. */
  readonly outputTokens: number;
}

/** Tokens that providers add around the text: templates, and the schemas of tools. Measured, the most was 700. */
const TEMPLATE_TOKENS = 1_024;

/**
 * The most tokens that a call can use: its bytes as input, and its output limit for each choice.
 *
 * @throws UnboundedCallError when neither the request nor the price limits its input or its output.
 */
export function tokenBoundOf({ call, body, price }: SizedCall): TokenBound {
  return { inputTokens: inputTokensOf(call, body, price), outputTokens: outputTokensOf(call, price) };
}

/**
 * What so many tokens of a call cost at most, at the dearest rates that its body can trigger.
 *
 * @throws InvalidUsageError above $9,000,000.
 */
export function priceBound(
  { call, price, serviceTier }: PricedCall,
  { inputTokens, outputTokens }: TokenBound,
): PricedUsage {
  const nanoUsd = boundNanoUsd(price, {
    ...call.feeCalls,
    inputTokens,
    outputTokens,
    cacheWrite: call.cacheWrite,
    audioInput: call.input.audio,
    audioOutput: call.output.audio,
    imageOutput: call.output.image,
    fast: call.fast,
    regional: call.regional,
    priorityTier:
      call.priorityTier === "asked" || (call.priorityTier === "open" && serviceTier !== "default"),
  });
  return {
    nanoUsd,
    tokens: inputTokens + outputTokens,
    requests: 1,
    provider: price.provider,
    model: call.model,
  };
}

/**
 * Refuses what no body bounds.
 *
 * @throws UnboundedCallError with the reasons and the ways on.
 */
export function assertBounded(call: ProviderCall): void {
  if (call.unbounded.length === 0) return;
  const reasons = [...new Set(call.unbounded)].map((feature) => UNBOUNDED_FEATURES[feature]);
  throw new UnboundedCallError(
    `Nothing in this request limits its cost: ${reasons.join("; ")}. ` +
      "Say with `estimate` what it may cost, or admit such calls with `allowUnbounded: true`.",
  );
}

/**
 * The most input that a body can be billed as, in tokens of every kind.
 *
 * @throws UnboundedCallError where only the context window bounds it, and nobody knows the window.
 */
export function inputTokensOf({ input, model }: ProviderCall, body: JsonObject, price: ModelPrice): number {
  const window = Math.max(price.contextTokens ?? Number.POSITIVE_INFINITY, input.contextTokens ?? 0);
  const windowTokens = window * (input.inputs ?? 1);
  if (input.fillsContext && price.contextTokens === undefined) {
    throw new UnboundedCallError(
      `This request refers to content that it does not show, and the context window of ${model} is not known. ` +
        "Say with `estimate` what it may cost.",
    );
  }
  if (input.fillsContext) return windowTokens;
  return Math.min(
    textBytes(body) - input.mediaCharacters + TEMPLATE_TOKENS + input.allowanceTokens,
    windowTokens,
  );
}

/**
 * The bytes of a body's decoded text: no tokenizer makes more tokens of it. One that normalises (NFKC) may see more bytes
 * than were sent. However a body escapes its characters, it counts alike.
 */
export function textBytes(body: JsonObject): number {
  const text = jsonText(body);
  const bytes = byteLength(text);
  return bytes === text.length ? bytes : Math.max(bytes, byteLength(text.normalize("NFKC")));
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

function outputTokensOf({ output, model }: ProviderCall, price: ModelPrice): number {
  const limitTokens = output.limitTokens ?? price.maxOutputTokens;
  if (limitTokens !== undefined) return limitTokens * output.choices;
  throw new UnboundedCallError(
    `Nothing limits the output of ${model}: set a limit in the request or \`defaultMaxOutputTokens\`, ` +
      "or give its price a `maxOutputTokens`.",
  );
}
