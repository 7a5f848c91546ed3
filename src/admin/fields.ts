/** The fields of requests, each checked by the rule of the library that will use it, so that a problem names its path. */
import * as v from "valibot";
import { AgentLimitError, type ErrorCode } from "../errors.ts";
import type { Budget } from "../ledger/budgets.ts";
import { canonicalLimits } from "../ledger/limits.ts";
import { nanoUsdRoundedUp } from "../ledger/money.ts";
import { checkChain, parseId, parseNamespace, parseScope } from "../ledger/names.ts";
import { WINDOWS } from "../ledger/window-names.ts";

/** An object of these fields and no others. */
export function exactly<E extends v.ObjectEntries>(entries: E) {
  return v.strictObject(entries, ({ expected }) => {
    if (expected === "never") return "There is no such field.";
    return expected === "Object" ? "This has to be an object." : "This field is needed.";
  });
}

export const scope = v.pipe(v.string(), checkedBy<string>(parseScope));
export const id = v.pipe(v.string(), checkedBy<string>(parseId));
export const namespace = v.pipe(v.string(), checkedBy<string>(parseNamespace));

/** Scopes, leaf first. */
export const chain = v.pipe(v.array(scope), checkedBy<string[]>(checkChain));

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const usd = v.pipe(
  v.union([v.string(), v.number()]),
  v.check(
    (value) => nanoUsdRoundedUp(value) !== undefined,
    "This has to be dollars from 0 to 9,000,000: a decimal text or a number.",
  ),
);

const budget = v.pipe(
  exactly({
    window: v.picklist(WINDOWS),
    usd: v.optional(usd),
    tokens: v.optional(count),
    requests: v.optional(count),
    timeZone: v.optional(v.string()),
    anchor: v.optional(v.string()),
    soft: v.optional(v.boolean()),
  }),
  checkedBy<Budget>((one) => canonicalLimits([one])),
);
export const budgets = v.pipe(v.array(budget), checkedBy<Budget[]>(canonicalLimits));

const model = { provider: v.optional(v.string()), model: v.optional(v.string()) };

/** All forms of an estimate; which of them go together is the library's to say. */
export const estimate = {
  ...model,
  estimatedCostUsd: v.optional(usd),
  tokens: v.optional(count),
  requests: v.optional(count),
  inputTokens: v.optional(count),
  maxOutputTokens: v.optional(count),
};

/** All forms of a usage. */
export const usage = {
  ...model,
  costUsd: v.optional(usd),
  /** The provider's answer as it came. */
  response: v.optional(v.unknown()),
  inputTokens: v.optional(count),
  outputTokens: v.optional(count),
  cachedInputTokens: v.optional(count),
  cacheWriteTokens: v.optional(count),
  cacheWrite1hTokens: v.optional(count),
  reasoningTokens: v.optional(count),
  audioInputTokens: v.optional(count),
  audioCachedInputTokens: v.optional(count),
  audioOutputTokens: v.optional(count),
  imageInputTokens: v.optional(count),
  imageOutputTokens: v.optional(count),
  tokensUsed: v.optional(count),
  serviceTier: v.optional(v.picklist(["batch", "flex", "priority"])),
};

const NAMES = new Set(["scope", "chain", "id", "namespace"]);
const AMOUNTS = new Set([...Object.keys(estimate), ...Object.keys(usage)]);

/** The library's code for a field that is not valid. */
export function codeOfField(name: string | undefined): ErrorCode {
  if (name === undefined) return "INVALID_OPTIONS";
  if (NAMES.has(name)) return "INVALID_SCOPE";
  if (name === "budgets") return "INVALID_BUDGET";
  return AMOUNTS.has(name) ? "INVALID_USAGE" : "INVALID_OPTIONS";
}

/** What `check` throws becomes the problem of this field. */
function checkedBy<T>(check: (value: T) => unknown) {
  return v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.issues !== undefined) return;
    try {
      check(dataset.value);
    } catch (error) {
      if (!(error instanceof AgentLimitError)) throw error;
      addIssue({ message: error.message });
    }
  });
}
