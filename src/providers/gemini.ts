/** Gemini's generateContent and streamGenerateContent, of AI Studio and of Vertex. */
import { outputFloor } from "./bounding-fields.ts";
import { shapeOf } from "./gemini-content.ts";
import { doubtsOfTotal, readUsageMetadata } from "./gemini-usage.ts";
import { countOf, fieldOf, listOf, objectOf } from "./google-fields.ts";
import { isGiven, isObject, type JsonObject, nonEmptyString, objectsOf, parseObject } from "./json.ts";
import type {
  ApiRequest,
  EventReader,
  OutputShape,
  ProviderApi,
  ProviderCall,
  ReportedUsage,
  UsageContext,
} from "./provider.ts";
import { passesOf, type UnboundedFeature } from "./unbounded.ts";

export const gemini: ProviderApi = {
  name: "gemini",
  defaultProvider: "google",

  serves: (url) => calledModel(url, "generateContent|streamGenerateContent") !== undefined,
  isFree: (url) => FREE_PATH.test(unescapedColons(url)),

  readCall,
  withOutputLimit,
  askingForUsage: () => undefined,
  isUsageOnly: () => false,

  isAnswer: (body) => Array.isArray(body.candidates) || isObject(body.promptFeedback),
  readAnswer: (body, call) =>
    isObject(body.usageMetadata)
      ? readUsage(body.usageMetadata, {
          body,
          call,
          queries: queriesIn(body),
          doubts: isGroundedByMaps(body) ? [MAPS_DOUBT] : [],
        })
      : undefined,
  readEvents,
  isErrorBody,
  errorBody,
};

/** POSTs that Google bills nothing for: counting, uploads, cancelling. Cached contents cost by the hour. */
const FREE_PATH = /(?::(?:countTokens|computeTokens|cancel)|(?:\/upload)?\/v1\w*\/files)\/*$/;

/**
 * The model that a path calls, as prices name it: of tuned ones, which need a price of their own, `tunedModels/ID` or
 * `endpoints/ID`. Undefined for other paths, and for other publishers' models.
 *
 * @param methods separated by `|`.
 */
export function calledModel(url: URL, methods: string): string | undefined {
  const path = unescapedColons(url);
  if (/\/publishers\/(?!google\/)/.test(path)) return undefined;
  const [, kind, name = ""] =
    new RegExp(`/(models|tunedModels|endpoints)/([^/:]+):(?:${methods})/*$`).exec(path) ?? [];
  if (kind === undefined) return undefined;
  return kind === "models" ? name : `${kind}/${name}`;
}

function unescapedColons({ pathname }: URL): string {
  return pathname.replace(/%3a/gi, ":");
}

function readCall(request: ApiRequest): ProviderCall {
  const { url, body } = request;
  const model = calledModel(url, "generateContent|streamGenerateContent") ?? "";
  const instruction = objectOf(body, "systemInstruction");
  const shown = shapeOf([...listOf(body, "contents"), ...(instruction === undefined ? [] : [instruction])]);
  const cached = isGiven(fieldOf(body, "cachedContent"));
  return {
    model,
    stream: /[:/]streamGenerateContent\/*$/.test(unescapedColons(url)),
    // Without `alt=sse`, and where something in between has dropped it.
    streamsJson: true,
    // Nobody sees what was cached, sound among it.
    input: { ...shown, fillsContext: shown.fillsContext || cached, audio: shown.audio || cached },
    output: outputOf(body, model),
    // Storing a cache is another call, and reading one is never dearer than not.
    cacheWrite: undefined,
    fast: false,
    regional: false,
    priorityTier: asksForPriority(request) ? "asked" : "excluded",
    unbounded: [...passesOf(model), ...unboundedIn(body)],
  };
}

/**
 * `maxOutputTokens` limits thoughts and answer together. `thinkingBudget` is no limit: a call with one of 8,000 is known
 * to have thought 355,987 tokens, far above its model's maximum. So where a request sets no `maxOutputTokens`, that
 * maximum is what is held, and what such a call costs beyond it is an overrun.
 *
 * @see https://github.com/googleapis/go-genai/issues/339
 */
function outputOf(body: JsonObject, model: string): OutputShape {
  const config = objectOf(body, "generationConfig") ?? {};
  const asked = fieldOf(config, "responseModalities");
  const modalities: unknown[] = Array.isArray(asked) ? asked : [asked ?? "TEXT"];
  // One that is not known may be either.
  const others = modalities
    .map((modality) => String(modality).toUpperCase())
    .filter((name) => name !== "TEXT");
  const audio = others.some((name) => name !== "IMAGE") || /tts|audio|live/i.test(model);
  const image = others.some((name) => name !== "AUDIO") || /image/i.test(model);
  const structured =
    ["responseSchema", "responseJsonSchema"].some((field) => isGiven(fieldOf(config, field))) ||
    /json|enum/i.test(String(fieldOf(config, "responseMimeType")));
  return {
    limitTokens: countOf(config, "maxOutputTokens"),
    choices: countOf(config, "candidateCount") ?? 1,
    audio,
    image,
    // Half a picture is none.
    lowering: image || audio ? undefined : { floorTokens: floorOf(config), structured },
  };
}

/** Google refuses no lower limit, but with all of it thought away there is no answer. */
function floorOf(config: JsonObject): number {
  const budget = fieldOf(objectOf(config, "thinkingConfig") ?? {}, "thinkingBudget");
  return outputFloor({ budget }, "budget");
}

const ORDINARY_TIER = /^(?:service_tier_)?(?:unspecified|standard|flex)$/i;
/** With which Vertex is asked for a tier. */
const TIER_HEADER = "x-vertex-ai-llm-shared-request-type";

function asksForPriority({ body, headers }: ApiRequest): boolean {
  const asked = [fieldOf(body, "serviceTier"), headers?.get(TIER_HEADER)];
  return asked.some((tier) => isGiven(tier) && !ORDINARY_TIER.test(String(tier)));
}

function unboundedIn(body: JsonObject): UnboundedFeature[] {
  const tools = listOf(body, "tools").flatMap((tool) =>
    Object.keys(tool).filter((name) => isGiven(tool[name])),
  );
  const config = objectOf(body, "generationConfig") ?? {};
  // Vertex chooses the model itself.
  const isRouted = ["routingConfig", "modelConfig"].some((field) => isGiven(fieldOf(config, field)));
  return [...tools.flatMap(featureOf), ...(isRouted ? (["otherModels"] as const) : [])];
}

/** All tools but declared functions run at Google's, or bring pictures of a screen with every step. */
function featureOf(tool: string): UnboundedFeature[] {
  if (/^function_?declarations$/i.test(tool)) return [];
  if (/^mcp/i.test(tool)) return ["mcpServer"];
  return [/search/i.test(tool) && !/^file/i.test(tool) ? "webSearch" : "serverTool"];
}

function withOutputLimit({ body }: ApiRequest, limitTokens: number): JsonObject {
  const place = isGiven(body.generation_config) ? "generation_config" : "generationConfig";
  const config = objectOf(body, "generationConfig") ?? {};
  const field = isGiven(config.max_output_tokens) ? "max_output_tokens" : "maxOutputTokens";
  return { ...body, [place]: { ...config, [field]: limitTokens } };
}

interface Answered {
  /** The answer, or the last event of a stream. */
  readonly body: JsonObject;
  readonly call: UsageContext;
  /** What was searched for, in the whole answer. */
  readonly queries: readonly string[];
  readonly doubts: readonly string[];
}

function readUsage(usage: JsonObject, { body, call, queries, doubts }: Answered): ReportedUsage | undefined {
  const tokens = readUsageMetadata(usage, call);
  if (tokens === undefined) return undefined;
  const model = nonEmptyString(body.modelVersion);
  const found = [...doubts, ...doubtsOfTotal(usage)];
  return {
    models: [{ model, tokens }],
    extras: { webSearches: billedSearches(queries, model ?? call.model ?? "") },
    ...(found.length === 0 ? {} : { doubts: found }),
  };
}

/** Up to Gemini 2.5 a grounded prompt is billed, however many queries it took; later each query is. */
function billedSearches(queries: readonly string[], model: string): number {
  return /gemini-[12]\b/.test(model) ? Math.min(1, queries.length) : queries.length;
}

const MAPS_DOUBT = "it is grounded by Google Maps, whose fee is not counted";

function isGroundedByMaps(body: JsonObject): boolean {
  const chunks = groundingIn(body).flatMap(({ groundingChunks }) => objectsOf(groundingChunks));
  return chunks.some(({ maps }) => isGiven(maps));
}

function groundingIn(body: JsonObject): JsonObject[] {
  return objectsOf(body.candidates)
    .map(({ groundingMetadata }) => groundingMetadata)
    .filter(isObject);
}

function queriesIn(body: JsonObject): string[] {
  const lists = groundingIn(body).flatMap(({ webSearchQueries, imageSearchQueries }) => [
    webSearchQueries,
    imageSearchQueries,
  ]);
  return lists
    .flat()
    .map(nonEmptyString)
    .filter((query) => query !== undefined);
}

/**
 * Nearly every event states what was used so far. The last one counts, as a whole: counts can fall, and what is zero is
 * left out, so that neither the largest nor a mixture is right. An answer ends with the reason why it finished, each of
 * its candidates with one.
 */
function readEvents(call: UsageContext): EventReader {
  const queries = new Set<string>();
  const finished = new Set<unknown>();
  const choices = call.output?.choices ?? 1;
  let last: string | undefined;
  /** It has finished since. */
  let isOutdated = false;
  let mostCandidates = 0;
  let byMaps = false;
  let blocked = false;
  let ended = false;

  function usage(): ReportedUsage | undefined {
    const body = last === undefined ? undefined : parseObject(last);
    if (body === undefined || !isObject(body.usageMetadata)) return undefined;
    // Seen where a model makes several passes: the last event speaks of one of them.
    const fell = Number(body.usageMetadata.candidatesTokenCount ?? 0) < mostCandidates;
    const doubts = [
      ...(fell ? ["it states less output than an earlier event"] : []),
      ...(isOutdated ? ["the event that ends it does not state what was used"] : []),
      ...(byMaps ? [MAPS_DOUBT] : []),
    ];
    return readUsage(body.usageMetadata, { body, call, queries: [...queries], doubts });
  }

  return {
    read(data) {
      if (data.includes('"usageMetadata"')) {
        last = data;
        isOutdated = false;
        mostCandidates = Math.max(mostCandidates, Number(CANDIDATES.exec(data)?.[1] ?? 0));
      }
      // Parsing every event would cost more than forwarding it.
      if (!TELLING.test(data)) return;
      const event = parseObject(data);
      if (event === undefined) return;
      for (const query of queriesIn(event)) queries.add(query);
      byMaps ||= isGroundedByMaps(event);
      for (const candidate of objectsOf(event.candidates)) {
        if (!nonEmptyString(candidate.finishReason)) continue;
        finished.add(candidate.index ?? 0);
        isOutdated = !isObject(event.usageMetadata);
      }
      blocked ||=
        isObject(event.promptFeedback) && nonEmptyString(event.promptFeedback.blockReason) !== undefined;
      const isLast = blocked || finished.size >= choices;
      ended = isLast && isObject(event.usageMetadata) && usage() !== undefined;
    },
    get ended() {
      return ended;
    },
    get complete() {
      return blocked || finished.size > 0;
    },
    usage,
  };
}

const CANDIDATES = /"candidatesTokenCount"\s*:\s*(\d+)/;
const TELLING = /"(?:finishReason|blockReason|groundingMetadata)"/;

/** @see https://google.aip.dev/193 */
function isErrorBody({ error }: JsonObject): boolean {
  return isObject(error) && typeof error.code === "number" && typeof error.message === "string";
}

function errorBody(code: string, message: string): JsonObject {
  return { error: { code: code === "BUDGET_EXCEEDED" ? 402 : 403, message, status: code } };
}
