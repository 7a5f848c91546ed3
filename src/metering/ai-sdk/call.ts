/** Reads what a call of the AI SDK may cost, as a provider file does of a request. */
import { InvalidUsageError } from "../../errors.ts";
import { DEFINED_TOOL_TOKENS, DEFINED_TOOLSET_TOKENS, type PricedAs } from "../../providers/allowances.ts";
import { openedContext } from "../../providers/anthropic-messages.ts";
import { LEAST_OUTPUT_TOKENS } from "../../providers/bounding-fields.ts";
import { isGiven, isObject, type JsonObject, objectsOf } from "../../providers/json.ts";
import type { OutputShape, ProviderCall } from "../../providers/provider.ts";
import { passesOf, type UnboundedFeature } from "../../providers/unbounded.ts";
import type { ModelCallOptions } from "./model.ts";
import { countablePrompt } from "./prompt.ts";
import type { PricedNames } from "./vendor.ts";

/** A call, and the text of it that is billed as input. */
export interface ReadModelCall {
  readonly call: ProviderCall;
  readonly body: JsonObject;
}

/**
 * Reads a call to `provider`'s `model`. Options that are meant for one provider count for all: none of them lowers the
 * bound but a service tier.
 *
 * @throws InvalidUsageError where a limit is no whole number from 1.
 */
export function readModelCall(
  params: ModelCallOptions,
  { provider, model, mayBeRegional, stream, price }: PricedNames & { stream: boolean; price: PricedAs },
): ReadModelCall {
  const { messages, input, options } = countablePrompt(params.prompt, price);
  const tools = objectsOf(params.tools);
  const ofTools = tools.map(({ providerOptions }) => providerOptions);
  const all = [...options, ...[params.providerOptions, ...ofTools].filter(isObject)];
  const settings = all.flatMap((each) => Object.values(each).filter(isObject)).flatMap(settingsOf);
  const told = (name: string) =>
    settings.filter((setting) => setting.name === name).map(({ value }) => value);

  const fillsContext = FILL_CONTEXT.some((name) => told(name).length > 0);
  const tiers = [...told("servicetier"), ...told("sharedrequesttype")];
  const call: ProviderCall = {
    model,
    stream,
    input: {
      ...input,
      fillsContext: input.fillsContext || fillsContext,
      contextTokens: openedContext([...told("anthropicbeta"), JSON.stringify(params.headers)]),
      allowanceTokens: input.allowanceTokens + definedToolTokens(tools),
    },
    output: outputOf(params, model, told),
    cacheWrite: cacheWriteOf(all, provider),
    fast: told("speed").includes("fast") || tiers.includes("ultrafast"),
    // Left out, the workspace's own setting decides.
    regional:
      mayBeRegional === true || (provider === "anthropic" && !told("inferencegeo").includes("global")),
    priorityTier: priorityTierOf(tiers, provider),
    unbounded: [...passesOf(model), ...toolFeatures(tools), ...settingFeatures(told)],
  };
  const { responseFormat, providerOptions } = params;
  return { call, body: { messages, tools, responseFormat, providerOptions } };
}

interface Setting {
  /** Spelled as all providers' can be compared: `previous_response_id` and `previousResponseId` are `previousresponseid`. */
  readonly name: string;
  readonly value: unknown;
}

function settingsOf(options: JsonObject): Setting[] {
  return Object.entries(options)
    .filter(([, value]) => isGiven(value))
    .map(([name, value]) => ({ name: name.replaceAll("_", "").toLowerCase(), value }));
}

type Told = (name: string) => unknown[];

/** Earlier turns, and content that the provider keeps. */
const FILL_CONTEXT = ["previousresponseid", "conversation", "cachedcontent", "thread"];

const FEATURES: Record<string, UnboundedFeature> = {
  mcpservers: "mcpServer",
  container: "container",
  compaction: "compaction",
  compactiontrigger: "compaction",
  fallbacks: "otherModels",
  models: "otherModels",
  searchparameters: "webSearch",
  websearchoptions: "webSearch",
  enablesearch: "webSearch",
  plugins: "serverTool",
  datasources: "serverTool",
  additionaltools: "serverTool",
  continuationtoken: "severalPasses",
};

function settingFeatures(told: Told): UnboundedFeature[] {
  const found = Object.entries(FEATURES)
    .filter(([name]) =>
      told(name).some((value) => value !== false && !(Array.isArray(value) && value.length === 0)),
    )
    .map(([, feature]) => feature);
  if (told("contextmanagement").some(mayCompact)) found.push("compaction");
  if (told("background").some((value) => value !== false)) found.push("background");
  if (told("reasoningmode").includes("pro")) found.push("severalPasses");
  return found;
}

/** Edits that clear only take away. */
function mayCompact(management: unknown): boolean {
  const edits = isObject(management) ? management.edits : management;
  if (!Array.isArray(edits)) return true;
  return edits.some((edit) => !isObject(edit) || !String(edit.type).startsWith("clear_"));
}

/** Tools that a provider defines and the caller runs. They bring a prompt of their own. */
const CALLER_TOOL =
  /^(?:anthropic\.(?:bash|text_editor|computer|memory)_\d+|openai\.(?:custom|local_shell|apply_patch))$/;
const CALLER_TOOLSET = /^anthropic\.(?:browser|computer)_toolset_\d+$/;

function toolFeatures(tools: JsonObject[]): UnboundedFeature[] {
  return tools.flatMap((tool): UnboundedFeature[] => {
    if (tool.type === "function") return [];
    const id = String(tool.id);
    if (CALLER_TOOL.test(id) || CALLER_TOOLSET.test(id)) return [];
    if (id.endsWith(".mcp")) return ["mcpServer"];
    return [/search/.test(id) && /web|google/.test(id) ? "webSearch" : "serverTool"];
  });
}

function definedToolTokens(tools: JsonObject[]): number {
  return tools.reduce((sum, tool) => {
    if (tool.type === "function") return sum;
    return sum + (CALLER_TOOLSET.test(String(tool.id)) ? DEFINED_TOOLSET_TOKENS : DEFINED_TOOL_TOKENS);
  }, 0);
}

const LIMITS = ["maxtokens", "maxcompletiontokens", "maxoutputtokens"];
const CHOICES = ["n", "bestof", "candidatecount"];

function outputOf(params: ModelCallOptions, model: string, told: Told): OutputShape {
  const limits = [params.maxOutputTokens, ...LIMITS.flatMap(told)].filter(isGiven).map(wholeNumber);
  const modalities = [...told("modalities"), ...told("responsemodalities")]
    .flat()
    .map((modality) => String(modality).toLowerCase());
  const limitTokens =
    limits.length === 0 || makesOwnBudget(params, model)
      ? undefined
      : Math.max(...limits) + thinkingTokens(told);
  // Where the options set limits or budgets of their own, lowering this one alone may do nothing, or be refused.
  const isPredicted = told("prediction").length > 0;
  const isAlone = !isPredicted && LIMITS.every((name) => told(name).length === 0) && !thinks(params, told);
  return {
    limitTokens,
    choices: Math.max(1, ...CHOICES.flatMap(told).map(wholeNumber)),
    audio: modalities.includes("audio") || model.includes("audio"),
    image: modalities.includes("image") || model.includes("image"),
    lowering: isAlone ? { floorTokens: LEAST_OUTPUT_TOKENS, structured: isJson(params) } : undefined,
    takesNoLimit: isPredicted,
  };
}

function isJson({ responseFormat }: ModelCallOptions): boolean {
  return isObject(responseFormat) && responseFormat.type === "json";
}

const THINKING = ["thinking", "reasoningconfig"];

/** Whether a thinking budget goes with the limit. */
function thinks({ reasoning }: ModelCallOptions, told: Told): boolean {
  const isAsked = reasoning !== undefined && reasoning !== "none" && reasoning !== "provider-default";
  return isAsked || THINKING.some((name) => told(name).length > 0);
}

/** Of an effort, the package of some Claude models makes a budget that comes on top of the limit. */
function makesOwnBudget({ reasoning }: ModelCallOptions, model: string): boolean {
  return (
    reasoning !== undefined && !["none", "provider-default"].includes(reasoning) && /claude/i.test(model)
  );
}

const DEFAULT_THINKING_TOKENS = 1_024;

/** The packages of Anthropic and Bedrock add the budget to the limit. */
function thinkingTokens(told: Told): number {
  const thinking = THINKING.flatMap(told).filter(isObject);
  const budgets = thinking.map(({ type, budgetTokens, budget_tokens }) => {
    if (type !== "enabled") return 0;
    return wholeNumber(budgetTokens ?? budget_tokens ?? DEFAULT_THINKING_TOKENS);
  });
  return Math.max(0, ...budgets);
}

function wholeNumber(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidUsageError(
    "A limit of this call bears on its cost and is no whole number from 0. Providers differ in what they make of that.",
  );
}

const CACHE_MARK = /"(?:cacheControl|cache_control|cachePoint)":\{|"caching":"auto"/;

/** The dearest cache write that the options ask for. OpenAI's models write unasked where that has a price. */
function cacheWriteOf(options: JsonObject[], provider: string): ProviderCall["cacheWrite"] {
  const text = JSON.stringify(options);
  if (!CACHE_MARK.test(text)) return provider === "openai" || provider === "azure" ? "5m" : undefined;
  return text.includes('"ttl":"1h"') ? "1h" : "5m";
}

/** Only OpenAI's projects have a tier of their own that a request leaves open. */
function priorityTierOf(tiers: unknown[], provider: string): ProviderCall["priorityTier"] {
  if (tiers.includes("priority") || tiers.includes("fast")) return "asked";
  const isOpen = tiers.length === 0 || tiers.includes("auto");
  return isOpen && (provider === "openai" || provider === "azure") ? "open" : "excluded";
}
