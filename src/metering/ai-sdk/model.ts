/** The AI SDK's language models as far as the meter looks at them: specification v3 (`ai` 6) and v4 (`ai` 7). */

/** A language model: of a provider, or already wrapped. `Generated` and `Streamed` are what its version answers with. */
export interface LanguageModel<
  Generated extends GeneratedAnswer = GeneratedAnswer,
  Streamed extends StreamedAnswer = StreamedAnswer,
> {
  readonly specificationVersion: string;
  /** Such as `openai.responses`. */
  readonly provider: string;
  readonly modelId: string;
  doGenerate(options: ModelCallOptions): PromiseLike<Generated>;
  doStream(options: ModelCallOptions): PromiseLike<Streamed>;
}

/** What bears on the cost of a call; everything else goes through as it is. */
export interface ModelCallOptions {
  prompt: object[];
  maxOutputTokens?: number | undefined;
  responseFormat?: object | undefined;
  tools?: object[] | undefined;
  /** The effort of `ai` 7, of which some providers make a budget on top of the limit. */
  reasoning?: string | undefined;
  providerOptions?: object | undefined;
  headers?: Record<string, string | undefined> | undefined;
  abortSignal?: AbortSignal | undefined;
}

/** What `doGenerate` resolves with. */
export interface GeneratedAnswer {
  usage: object;
  response?: { modelId?: string | undefined; body?: unknown } | undefined;
}

/** What `doStream` resolves with. */
export interface StreamedAnswer {
  stream: ReadableStream<object>;
}
