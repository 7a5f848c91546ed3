/** One provider API: all that the metered fetch asks of the file that knows it. */

import type { CallExtras } from "../pricing/cost.ts";
import type { Tokens } from "../pricing/usage.ts";
import type { PricedAs } from "./allowances.ts";
import type { JsonObject } from "./json.ts";
import type { UnboundedFeature } from "./unbounded.ts";

/** A provider API: one file, one object. Every method is pure but {@link readEvents}, whose reader keeps what it saw. */
export interface ProviderApi {
  /** For messages, logs and recordings: `openai-chat`. */
  readonly name: string;
  /** Whose prices apply where the host names nobody. */
  readonly defaultProvider: string;

  /** Whether a POST to this address, under whatever base path, is a billed call of this API. */
  serves(url: URL): boolean;
  /** Whether a POST to this address belongs to the same service and costs nothing. */
  isFree(url: URL): boolean;
  /** Why a POST to this address, which belongs to the same service, is not metered: a clause for its refusal. */
  whyNot?(url: URL): string | undefined;

  /**
   * Reads what a request asks for, as far as it bears on cost.
   *
   * @throws InvalidUsageError where a field that bounds the cost is malformed.
   */
  readCall(request: ApiRequest): ProviderCall;
  /**
   * The body with this output limit for one choice: in the field that the caller used, else in the one that the model
   * understands. All else stays as it is.
   */
  withOutputLimit(request: ApiRequest, limitTokens: number): JsonObject;
  /** The body that asks for usage in the stream; undefined where it comes without asking, or was asked for. */
  askingForUsage(request: ApiRequest): JsonObject | undefined;
  /** Whether an event exists only because {@link askingForUsage} asked for it. */
  isUsageOnly(data: string): boolean;

  /** Whether a body has the form of this API's answers. */
  isAnswer(body: JsonObject): boolean;
  /** @returns undefined where usage is missing or malformed: never zeros. */
  readAnswer(body: JsonObject, call: UsageContext): ReportedUsage | undefined;
  readEvents(call: UsageContext): EventReader;
  /** Whether the body of a 4xx or 5xx is an error in this API's own form, so that nothing was generated. */
  isErrorBody(body: JsonObject, status: number): boolean;
  /** A refusal in the form of this API's errors. */
  errorBody(code: string, message: string): JsonObject;
}

/** A billed request, its body parsed. */
export interface ApiRequest {
  readonly url: URL;
  /** Whose prices apply: by the host, else the API's own default. */
  readonly provider: string;
  readonly body: JsonObject;
  /** Of the request; left out where it was recorded without them. */
  readonly headers?: Headers;
  /** Left out where it is not known yet, or does not matter. */
  readonly price?: PricedAs;
  /** `always`: servers of unknown kind are asked for usage in streams, too. */
  readonly includeUsage?: "known" | "always" | undefined;
}

/** What a request asks for, as far as it bears on cost. */
export interface ProviderCall {
  /** As the request names it; an Azure deployment's name. Empty where it names none. */
  readonly model: string;
  readonly stream: boolean;
  /** A stream that comes as JSON is one array of its events, sent in pieces. */
  readonly streamsJson?: boolean;
  readonly input: InputShape;
  readonly output: OutputShape;
  /** The dearest cache write that the body can trigger. */
  readonly cacheWrite: "5m" | "1h" | undefined;
  /** The call may run in the provider's fastest mode. */
  readonly fast: boolean;
  /** The call may be pinned to a region, which has its price. */
  readonly regional: boolean;
  /** `open`: the request leaves it to the account's settings. */
  readonly priorityTier: "asked" | "open" | "excluded";
  readonly unbounded: UnboundedFeature[];
  /**
   * Calls of the provider's own tools that the request allows at most (`max_uses`, `max_tool_calls`), each with a fee.
   * Left out where it limits none. Such a call is unbounded all the same: this is what is held for its fees if admitted.
   */
  readonly feeCalls?: Pick<CallExtras, "webSearches" | "fileSearches"> | undefined;
}

/** What stands in the body besides text. */
export interface InputShape {
  /** Characters of Base64 media, which are not billed as text. */
  readonly mediaCharacters: number;
  /** Tokens that media and predefined tools may add, at most. */
  readonly allowanceTokens: number;
  /** The body refers to content that it does not show (a file, a document, earlier turns): only the context window bounds it. */
  readonly fillsContext: boolean;
  readonly audio: boolean;
  /** The context window that the request opens, where it may be longer than the model's own. */
  readonly contextTokens?: number | undefined;
  /** Inputs with a context window each, such as texts that are embedded together; 1 where left out. */
  readonly inputs?: number;
}

/** What the answer may hold. */
export interface OutputShape {
  /** The request's own limit for one choice, in tokens; undefined where it sets none. */
  readonly limitTokens: number | undefined;
  /** Answers to one prompt, each up to the limit. */
  readonly choices: number;
  readonly audio: boolean;
  readonly image: boolean;
  /**
   * How far the meter may lower the limit so that a call still fits its budgets. Left out where no lower limit helps:
   * the API has none (embeddings), or refuses one in this request.
   */
  readonly lowering?: LimitLowering | undefined;
  /** The API refuses a limit in this request (`prediction` of chat completions), so that none is written into it. */
  readonly takesNoLimit?: boolean;
}

/** What a lower output limit has to respect. */
export interface LimitLowering {
  /**
   * Tokens for one choice, at least 16, below which the API refuses the request or has no room for an answer: one more
   * than a thinking budget that is taken from the limit (Anthropic's `thinking.budget_tokens`, OpenRouter's
   * `reasoning.max_tokens`, Gemini's `thinkingBudget`).
   */
  readonly floorTokens: number;
  /**
   * The answer has to be whole JSON, so that one cut short is worthless: chat's `response_format` of other types than
   * `text`, responses' `text.format`, Anthropic's `output_config.format` or `output_format`, Gemini's `responseSchema`,
   * `responseJsonSchema` or a `responseMimeType` of JSON.
   */
  readonly structured: boolean;
}

/** What reading an answer needs to know of its request. */
export type UsageContext = Pick<ProviderCall, "cacheWrite" | "fast" | "regional"> &
  Partial<Pick<ProviderCall, "model" | "output" | "priorityTier">> & {
    /** Who was called; undefined where nobody says. */
    readonly provider?: string | undefined;
  };

/** What one answer says it used. */
export interface ReportedUsage {
  /** One entry for each model that took part; the one that answered comes first. */
  readonly models: readonly [ModelUsage, ...ModelUsage[]];
  /** What was billed besides tokens, and what makes them dearer. */
  readonly extras: CallExtras;
  /** The whole cost as the provider itself states it, in nano-USD: it goes before every price. Undefined where none is stated to the last digit. */
  readonly statedNanoUsd?: number | undefined;
  /** Why the counts may not be the whole truth, each a clause. They are booked all the same, and a `failed` event tells of it. */
  readonly doubts?: readonly string[] | undefined;
}

export interface ModelUsage {
  /** As the answer names it; undefined where it names none. */
  readonly model: string | undefined;
  readonly tokens: Tokens;
}

/** Reads usage from the events of one stream, in order. */
export interface EventReader {
  read(data: string): void;
  /** The event came after which no usage follows: from here on the counts are final, however the stream ends. */
  readonly ended: boolean;
  /** The counts are final if the stream closes properly here. */
  readonly complete: boolean;
  /** What is known so far; undefined where nothing is, or something is malformed. */
  usage(): ReportedUsage | undefined;
}
