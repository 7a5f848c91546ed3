/** `meterMiddleware`: a middleware of the AI SDK that holds each call to a language model, and settles it by its answer. */
import { BudgetExceededError, InvalidOptionsError } from "../../errors.ts";
import { isHeld } from "../held-signals.ts";
import { meteringOf } from "../metered-fetch.ts";
import type { MeteredFetchOptions } from "../options.ts";
import type { Verdict } from "../watch.ts";
import { reportedUsage } from "./answer.ts";
import { verdictOfFailure } from "./failure.ts";
import { type HeldModelCall, holdModelCall } from "./held-call.ts";
import type { GeneratedAnswer, LanguageModel, ModelCallOptions, StreamedAnswer } from "./model.ts";
import { pumpParts } from "./pump-parts.ts";

/** A model of the AI SDK, or a function that chooses one by the denial; undefined lets the denial stand. */
export type Fallback =
  | LanguageModel
  | ((error: BudgetExceededError) => LanguageModel | undefined | Promise<LanguageModel | undefined>);

export interface MeterMiddlewareOptions {
  /**
   * What answers when a budget denies the wrapped model, such as a cheaper one. Its call is held on its own; when that is
   * denied too, that denial is thrown. Of the same specification version as the wrapped model.
   */
  fallback?: Fallback;
}

/** What `wrapLanguageModel` of `ai` 6 and 7 takes. */
export interface MeterMiddleware {
  readonly specificationVersion: "v3";
  wrapGenerate<Generated extends GeneratedAnswer>(options: {
    params: ModelCallOptions;
    model: LanguageModel<Generated>;
  }): Promise<Generated>;
  wrapStream<Streamed extends StreamedAnswer>(options: {
    params: ModelCallOptions;
    model: LanguageModel<GeneratedAnswer, Streamed>;
  }): Promise<Streamed>;
}

/**
 * A middleware that holds what each call can cost before its model is asked, and settles by the usage in its answer or in
 * the `finish` of its stream. A denial is thrown as it is, after one attempt. For language models alone.
 *
 * Over a provider whose `fetch` is this meter's, or one of a parent or a child of it, a call counts once.
 *
 * @param meter a `UsageMeter`.
 * @throws InvalidOptionsError for what is no meter of this copy of the package.
 * @example
 * ```ts
 * const model = wrapLanguageModel({
 *   model: openai("gpt-5"),
 *   middleware: meterMiddleware(user, { fallback: openai("gpt-5-nano") }),
 * });
 * ```
 */
export function meterMiddleware(
  meter: { readonly fetch: typeof globalThis.fetch },
  { fallback }: MeterMiddlewareOptions = {},
): MeterMiddleware {
  const options = meteringOf(meter.fetch);
  if (options === undefined) {
    throw new InvalidOptionsError(
      "meterMiddleware takes a UsageMeter of the same installed copy of agentlimit as agentlimit/ai-sdk.",
    );
  }
  return {
    specificationVersion: "v3",
    wrapGenerate: async ({ params, model }) =>
      isHeld(params.abortSignal, options.meter)
        ? model.doGenerate(params)
        : generate(await admit(model, { params, stream: false }, { options, fallback })),
    wrapStream: async ({ params, model }) =>
      isHeld(params.abortSignal, options.meter)
        ? model.doStream(params)
        : stream(await admit(model, { params, stream: true }, { options, fallback }), options),
  };
}

interface Admitted<Model> {
  readonly model: Model;
  readonly held: HeldModelCall;
}

async function admit<Model extends LanguageModel>(
  model: Model,
  call: { params: ModelCallOptions; stream: boolean },
  { options, fallback }: { options: MeteredFetchOptions; fallback: Fallback | undefined },
): Promise<Admitted<Model>> {
  try {
    return { model, held: await holdModelCall(model, call, options) };
  } catch (error) {
    if (!(error instanceof BudgetExceededError)) throw error;
    const other = typeof fallback === "function" ? await fallback(error) : fallback;
    if (other === undefined) throw error;
    assertSameVersion(other, model);
    return { model: other, held: await holdModelCall(other, call, options) };
  }
}

/** Models of one specification version answer alike. */
function assertSameVersion<Model extends LanguageModel>(
  fallback: LanguageModel,
  model: Model,
): asserts fallback is Model {
  if (fallback.specificationVersion === model.specificationVersion) return;
  throw new InvalidOptionsError(
    `The fallback ${fallback.modelId} is a model of specification ${fallback.specificationVersion}, the wrapped one of ` +
      `${model.specificationVersion}. Wrap it too: wrapLanguageModel({ model, middleware: [] }) brings it to the same.`,
  );
}

async function generate<Generated extends GeneratedAnswer>({
  model,
  held,
}: Admitted<LanguageModel<Generated>>): Promise<Generated> {
  const answer = await sent(held, () => model.doGenerate(held.params));
  held.finished();
  await held.settle(verdictOf(answer, held));
  return answer;
}

function verdictOf(answer: GeneratedAnswer, { call }: HeldModelCall): Verdict {
  const { usage, response } = answer;
  const { providerMetadata } = { providerMetadata: undefined, ...answer };
  const stated = { usage, modelId: response?.modelId, body: response?.body, providerMetadata };
  const reported = reportedUsage(stated, call);
  if (reported !== undefined) return { kind: "reported", usage: reported };
  return { kind: "unknown", reason: "The answer does not state its usage" };
}

async function stream<Streamed extends StreamedAnswer>(
  { model, held }: Admitted<LanguageModel<GeneratedAnswer, Streamed>>,
  { meter }: MeteredFetchOptions,
): Promise<Streamed> {
  const answer = await sent(held, () => model.doStream(held.params));
  const { stream, reading } = pumpParts(answer.stream, {
    call: held.call,
    conclude: held.settle,
    abandon: held.abort,
    finished: held.finished,
  });
  meter.background(reading);
  return { ...answer, stream };
}

/** Makes the call that is held. Its failure reaches the caller as it is. */
async function sent<Answer>(held: HeldModelCall, call: () => PromiseLike<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    held.finished();
    void held.settle(verdictOfFailure(error, held.call));
    throw error;
  } finally {
    held.sent();
  }
}
