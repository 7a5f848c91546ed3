/** What a call used or may use, as users and provider files say it. */
import type { InvalidUsageError } from "../errors.ts";
import type { Usd } from "../ledger/money.ts";

/**
 * Tokens of one call. All whole, finite, not negative. Every field is exclusive of the others but `reasoningTokens`,
 * which is a part of `outputTokens`: `inputTokens` leaves out cached and cache-written ones, audio and images are in
 * neither input nor output.
 */
export interface Tokens {
  inputTokens?: number;
  outputTokens?: number;
  cachedInputTokens?: number;
  /** Written to a 5-minute cache, or to one without a stated lifetime. */
  cacheWriteTokens?: number;
  cacheWrite1hTokens?: number;
  reasoningTokens?: number;
  audioInputTokens?: number;
  /** Audio read from a cache, where the provider tells it apart; not in `cachedInputTokens`. */
  audioCachedInputTokens?: number;
  audioOutputTokens?: number;
  imageInputTokens?: number;
  imageOutputTokens?: number;
  /** Alone: counted as tokens and priced at the output rate. With a split: the split prices, this is what a token budget counts. */
  tokensUsed?: number;
  /** The tier that the answer states. */
  serviceTier?: "batch" | "flex" | "priority";
}

/** What a call really used: tokens of a model, an amount, or the provider's answer as it came. */
export type Usage =
  | ({ provider: string; model: string } & Tokens)
  | { costUsd: Usd; provider?: string; model?: string; tokensUsed?: number }
  | { response: unknown };

/**
 * What a call may use at most, in one of two forms. `requests` is how many requests the estimate covers, 1 by default.
 *
 * - In dollars: `estimatedCostUsd` and `tokens` are of all requests together. Without `tokens` none are held, and a token
 *   budget refuses where it has nothing left.
 * - By model: `inputTokens` and `maxOutputTokens` are of each request. Without `maxOutputTokens` each may use the most
 *   that the model's price states; `inputTokens` is needed, unless the price is per call alone.
 *
 * @example { provider: "openai", model: "gpt-4o-mini", inputTokens: 100, maxOutputTokens: 1000, requests: 3 }   // at most 3,300 tokens
 */
export type Estimate =
  | { estimatedCostUsd: Usd; tokens?: number; requests?: number }
  | { provider: string; model: string; inputTokens?: number; maxOutputTokens?: number; requests?: number };

/**
 * USD per million tokens, and per call. A missing kind is priced as its plain one; `input` and `output` go together.
 * It is the price on every service tier.
 */
export interface Price {
  input?: Usd;
  output?: Usd;
  cachedInput?: Usd;
  cacheWrite?: Usd;
  cacheWrite1h?: Usd;
  audioInput?: Usd;
  audioCachedInput?: Usd;
  audioOutput?: Usd;
  imageInput?: Usd;
  imageOutput?: Usd;
  /** USD for each call, on top of tokens. */
  perCall?: Usd;
  /** The most that one answer can hold, in tokens. */
  maxOutputTokens?: number;
}

/** Prices by provider and model: `{ openai: { "my-ft": { input: "3", output: "12" } } }`. */
export type Pricing = Record<string, Record<string, Price>>;

/** Usage with its price: what the ledger books. */
export interface PricedUsage {
  nanoUsd: number;
  /** What token budgets count. */
  tokens: number;
  requests: number;
  provider?: string;
  model?: string;
  /** For history; exclusive kinds. */
  tokenKinds?: Tokens;
  /** Why it may not be the whole cost: it is booked all the same, and a `failed` event tells of it. */
  doubt?: InvalidUsageError | undefined;
}
