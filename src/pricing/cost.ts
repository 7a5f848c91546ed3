/** What a call cost, and what it can cost at most: integer nano-USD, rounded up once, after all addition. */
import { InvalidUsageError, UnknownModelError } from "../errors.ts";
import { MAX_AMOUNT } from "../ledger/money.ts";
import type { ModelPrice, ServiceTier, TierPrice } from "./model-price.ts";
import type { RateKind, Rates } from "./rates.ts";
import { INPUT_COUNTS, OUTPUT_COUNTS, RATE_OF_COUNT, splitTokens, sumOf, wholeCount } from "./tokens.ts";
import type { Tokens } from "./usage.ts";

/** What a call costs besides its tokens, and what makes its tokens dearer. */
export interface CallExtras {
  /** Calls that a price per call counts; 1 by default. */
  requests?: number;
  /** Web searches that the provider made, billed each. */
  webSearches?: number;
  /** File searches that the provider made, billed each. */
  fileSearches?: number;
  /** Containers that the provider ran code in, billed by their time, which no answer states. */
  containers?: number;
  /** Images that a tool of the provider's made, as far as their tokens are not stated. */
  images?: number;
  /** The call ran in the provider's fastest mode: Anthropic's `speed: "fast"`, OpenAI's ultrafast tier. */
  fast?: boolean;
  /** The call was pinned to a region: Anthropic's `inference_geo: "us"`, OpenAI's data residency. */
  regional?: boolean;
}

/** The most that a call can use, and which dearer kinds it can ask for. */
export interface CallBound extends CallExtras {
  /** Input of every kind together. */
  inputTokens: number;
  /** Output of every kind together. */
  outputTokens: number;
  /** The dearest cache write that the request can trigger; of providers that write unasked the 5-minute rate always counts. */
  cacheWrite?: "5m" | "1h" | undefined;
  audioInput?: boolean;
  audioOutput?: boolean;
  imageOutput?: boolean;
  /** The call may be served on the priority tier. */
  priorityTier?: boolean;
}

/**
 * The cost of one call.
 *
 * A size tier is chosen by all input together. `tokensUsed` without a split is priced at the output rate.
 *
 * @param tokens As {@link validateTokens} returns them.
 * @throws UnknownModelError where something that is billed apart has no known fee: it is never free.
 * @throws InvalidUsageError above 9e15 nano-USD ($9,000,000), or when a count of the extras is not whole.
 */
export function costNanoUsd(price: ModelPrice, tokens: Tokens, extras: CallExtras = {}): number {
  const tier = price.serviceTiers[tokens.serviceTier ?? "standard"];
  const inputTokens = sumOf(tokens, INPUT_COUNTS);
  const rates = tier.steps.findLast((step) => step.fromInputTokens <= inputTokens)?.rates;
  const tokensPico = rates === undefined ? 0n : picoOf(tokens, rates);
  const feesPico = feesOf(price, extras, (what) => {
    throw new UnknownModelError(
      `No fee is known for ${what} of ${price.provider}: what ${price.model} cost in all can't be told.`,
    );
  });
  return roundedUp(price, { tokensPico, feesPico, perMille: tier.perMille, extras });
}

/**
 * The most that one call can cost: the dearest rates that its flags allow, no cache hit, every size tier that its
 * input reaches, every hour of the provider's. No usage within the bound costs more, fees that nobody knows left aside.
 *
 * @throws InvalidUsageError above 9e15 nano-USD ($9,000,000), or when a count is not whole.
 */
export function boundNanoUsd(price: ModelPrice, bound: CallBound): number {
  const inputTokens = wholeCount(bound.inputTokens, "inputTokens");
  const outputTokens = wholeCount(bound.outputTokens, "outputTokens");
  const inputKinds = inputKindsOf(price, bound);
  const outputKinds = outputKindsOf(bound);
  const tiers: ServiceTier[] = ["standard", "flex", "batch"];
  if (bound.priorityTier) tiers.push("priority");
  const prices = price.hourlyServiceTiers.flatMap((hour) => tiers.map((name) => hour[name]));
  const feesPico = feesOf(price, bound, () => 0);
  const costs = prices.flatMap((tier) =>
    reachedRates(tier, inputTokens).map((rates) => {
      const inputPico = BigInt(inputTokens) * BigInt(dearest(rates, inputKinds));
      const outputPico = BigInt(outputTokens) * BigInt(dearest(rates, outputKinds));
      return roundedUp(price, {
        tokensPico: inputPico + outputPico,
        feesPico,
        perMille: tier.perMille,
        extras: bound,
      });
    }),
  );
  return Math.max(...costs);
}

function picoOf(tokens: Tokens, rates: Rates): bigint {
  if (splitTokens(tokens) === 0) return BigInt(tokens.tokensUsed ?? 0) * BigInt(rates.output);
  const reasoning = BigInt(tokens.reasoningTokens ?? 0);
  const plain = [...INPUT_COUNTS, ...OUTPUT_COUNTS].reduce(
    (sum, count) => sum + BigInt(tokens[count] ?? 0) * BigInt(rates[RATE_OF_COUNT[count]]),
    0n,
  );
  return plain + reasoning * (BigInt(rates.reasoningOutput) - BigInt(rates.output));
}

interface Charge {
  tokensPico: bigint;
  feesPico: bigint;
  perMille: number;
  extras: CallExtras;
}

function roundedUp(price: ModelPrice, { tokensPico, feesPico, perMille, extras }: Charge): number {
  const factors = [
    perMille,
    price.multiplierPerMille,
    extras.regional ? price.regionalPerMille : 1000,
    extras.fast ? price.fastPerMille : 1000,
  ];
  const dividend = factors.reduce((product, factor) => product * BigInt(factor), tokensPico);
  const divisor = 1000n ** BigInt(factors.length);
  const perNano = divisor * 1000n;
  const nanoUsd = (dividend + feesPico * divisor + perNano - 1n) / perNano;
  if (nanoUsd <= BigInt(MAX_AMOUNT)) return Number(nanoUsd);
  throw new InvalidUsageError(
    "A call that costs more than $9,000,000 is no call: check its counts and its price.",
  );
}

/** What is billed apart, each with its fee and how a message calls it. */
const FEES = [
  ["requests", "perCall", "calls"],
  ["webSearches", "webSearch", "web searches"],
  ["fileSearches", "fileSearch", "file searches"],
  ["containers", "container", "the containers that code ran in"],
  ["images", "image", "images that a tool made"],
] as const satisfies [keyof CallExtras, keyof ModelPrice["fees"], string][];

function feesOf({ fees }: ModelPrice, extras: CallExtras, unknownFee: (what: string) => number): bigint {
  return FEES.reduce((sum, [count, fee, what]) => {
    const times = wholeCount(extras[count] ?? (count === "requests" ? 1 : 0), count);
    return times === 0 ? sum : sum + BigInt(times) * BigInt(fees[fee] ?? unknownFee(what));
  }, 0n);
}

function inputKindsOf(price: ModelPrice, bound: CallBound): RateKind[] {
  const kinds: RateKind[] = ["input", "cachedInput", "imageInput"];
  if (bound.cacheWrite !== undefined || price.writesCacheUnasked) kinds.push("cacheWrite");
  if (bound.cacheWrite === "1h") kinds.push("cacheWrite1h");
  if (bound.audioInput) kinds.push("audioInput", "audioCachedInput");
  return kinds;
}

function outputKindsOf(bound: CallBound): RateKind[] {
  const kinds: RateKind[] = ["output", "reasoningOutput"];
  if (bound.audioOutput) kinds.push("audioOutput");
  if (bound.imageOutput) kinds.push("imageOutput");
  return kinds;
}

function reachedRates(tier: TierPrice, inputTokens: number): Rates[] {
  return tier.steps.filter((step) => step.fromInputTokens <= inputTokens).map((step) => step.rates);
}

function dearest(rates: Rates, kinds: readonly RateKind[]): number {
  return Math.max(...kinds.map((kind) => rates[kind]));
}
