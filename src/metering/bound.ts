/** What a call can cost at most, from its body and its price. */
import { UnboundedCallError } from "../errors.ts";
import { boundNanoUsd } from "../pricing/cost.ts";
import type { ModelPrice } from "../pricing/model-price.ts";
import type { PricedUsage } from "../pricing/usage.ts";
import type { JsonObject } from "../providers/json.ts";
import type { ProviderCall } from "../providers/provider.ts";
import { UNBOUNDED_FEATURES } from "../providers/unbounded.ts";

/** A call that is to be bounded. */
export interface BoundedCall {
  readonly call: ProviderCall;
  /** As it will be sent. */
  readonly body: JsonObject;
  readonly price: ModelPrice;
  /** The account serves nothing on a dearer tier unasked. */
  readonly serviceTier: "default" | undefined;
}

/** Tokens that providers add around the text: templates, and the schemas of tools. Measured, the most was 700. */
const TEMPLATE_TOKENS = 1_024;

/**
 * The most that a call can cost: its bytes as tokens, its output limit for each choice, at the dearest rates that the
 * body can trigger.
 *
 * @throws UnboundedCallError when neither the request nor the price limits its input or its output.
 */
export function boundOf({ call, body, price, serviceTier }: BoundedCall): PricedUsage {
  const inputTokens = inputTokensOf(call, body, price);
  const outputTokens = outputTokensOf(call, price);
  const nanoUsd = boundNanoUsd(price, {
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
  const windowTokens = (price.contextTokens ?? Number.POSITIVE_INFINITY) * (input.inputs ?? 1);
  if (input.fillsContext && price.contextTokens === undefined) {
    throw new UnboundedCallError(
      `This request refers to content that it does not show, and the context window of ${model} is not known. ` +
        "Say with `estimate` what it may cost.",
    );
  }
  if (input.fillsContext) return windowTokens;
  return Math.min(
    textTokens(body) - input.mediaCharacters + TEMPLATE_TOKENS + input.allowanceTokens,
    windowTokens,
  );
}

/** No tokenizer makes more tokens than bytes of text, but one that normalises (NFKC) may see more bytes than were sent. */
function textTokens(body: JsonObject): number {
  const text = JSON.stringify(body);
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
