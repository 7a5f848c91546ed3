/** Options, checked once and brought into the context that every part of a meter works with. */
import { AgentLimitError, InvalidBudgetError, InvalidOptionsError, InvalidScopeError } from "../errors.ts";
import type { Budget } from "../ledger/budgets.ts";
import { canonicalLimits } from "../ledger/limits.ts";
import { agentScope, checkChain, parseNamespace, parseScope } from "../ledger/names.ts";
import { unknownName } from "../ledger/nearest-name.ts";
import type { ChainLink } from "../ledger/store.ts";
import type { ClampOptions } from "../metering/clamp.ts";
import { TypicalUsage } from "../metering/typical.ts";
import { createPriceBook } from "../pricing/price-book.ts";
import { alertSettings } from "./alerts.ts";
import { storeOf } from "./connect.ts";
import type { MeterContext } from "./context.ts";
import { eventEmitter } from "./events.ts";
import { METER_OPTION_NAMES, type MeterOptions, SCOPE_OPTION_NAMES, type ScopeOptions } from "./options.ts";
import { PendingWork } from "./pending-work.ts";

const DEFAULT_ID_RETENTION_SECONDS = 25 * 3600;
const MIN_ID_RETENTION_SECONDS = 900;
const MAX_ID_RETENTION_SECONDS = 31 * 24 * 3600;
const MAX_WAIT_MS = 600_000;
/** Longer than the longest hold (26 h) and the time in which it may be corrected (24 h). */
const MIN_IDLE_SECONDS = 3 * 24 * 3600;
const MAX_IDLE_SECONDS = 400 * 24 * 3600;

/**
 * The context of a meter without parents.
 *
 * @throws InvalidOptionsError, InvalidScopeError, InvalidBudgetError: nothing is sent.
 */
export function rootContext(options: MeterOptions): MeterContext {
  refuseUnknownNames(options, METER_OPTION_NAMES, "UsageMeter");
  refuseUndefinedBudgets(options);
  const { namespace = "default", unbudgeted = "allow" } = options;
  const scope = rootScope(options);
  const link = chainLink(scope, allBudgets(options), options);
  return {
    ...scopeContext({ chain: [link], scope }, options),
    store: storeOf(options),
    namespace: parseNamespace(namespace),
    unbudgeted: oneOf("unbudgeted", unbudgeted, ["allow", "deny"]),
    waitMs: waitMs(options.waitMs),
    idRetentionSeconds: idRetentionSeconds(options.idRetentionSeconds),
    alerts: alertSettings(options.alertThresholds, options.onAlert),
    prices: createPriceBook(options),
    fetchOptions: fetchOptions(options),
    typical: options.estimate === "typical" ? new TypicalUsage() : undefined,
  };
}

/**
 * The context of a child: a longer chain, its own events and work, all else its parent's.
 *
 * @throws InvalidOptionsError, InvalidBudgetError; InvalidScopeError for a scope twice in the chain, or a ninth.
 */
export function childContext(parent: MeterContext, scope: string, options: ScopeOptions): MeterContext {
  refuseUnknownNames(options, SCOPE_OPTION_NAMES, "A child");
  refuseUndefinedBudgets(options);
  const link = chainLink(parseScope(scope), options.budgets, options);
  const chain = [link, ...parent.chain];
  checkChain(chain.map((entry) => entry.scope));
  return { ...parent, ...scopeContext({ chain, scope }, options, parent) };
}

function chainLink(
  scope: string,
  budgets: Budget[] | undefined,
  { forgetAfterIdleSeconds }: ScopeOptions,
): ChainLink {
  const limits = canonicalLimits(budgets);
  if (forgetAfterIdleSeconds === undefined) return { scope, limits };
  const isValid = Number.isInteger(forgetAfterIdleSeconds) && forgetAfterIdleSeconds >= MIN_IDLE_SECONDS;
  if (isValid && forgetAfterIdleSeconds <= MAX_IDLE_SECONDS) return { scope, limits, forgetAfterIdleSeconds };
  throw new InvalidOptionsError(
    `\`forgetAfterIdleSeconds\` is a whole number from ${MIN_IDLE_SECONDS} (three days) to ${MAX_IDLE_SECONDS} (400 days).`,
  );
}

/** @throws InvalidOptionsError for a name that is no option, with the nearest one. */
export function refuseUnknownNames(options: object, known: readonly string[], whose: string): void {
  if (typeof options !== "object" || options === null) {
    throw new InvalidOptionsError(`${whose} takes its options as one object, such as { ${known[0]}: … }.`);
  }
  const unknown = unknownName(Object.keys(options), known);
  if (unknown === undefined) return;
  const hint = unknown.nearest === undefined ? "." : `; did you mean ${JSON.stringify(unknown.nearest)}?`;
  const forNode =
    unknown.name === "redisUrl"
      ? " `redisUrl` needs `agentlimit/node`; here it is `redis: { url, token }`."
      : "";
  throw new InvalidOptionsError(`${whose} has no option ${JSON.stringify(unknown.name)}${hint}${forNode}`);
}

type ScopeContext = Pick<MeterContext, "chain" | "scope" | "waitUntil" | "onEvent" | "work" | "emit">;

function scopeContext(
  { chain, scope }: Pick<MeterContext, "chain" | "scope">,
  options: ScopeOptions,
  parent?: MeterContext,
): ScopeContext {
  const waitUntil = optionalFunction("waitUntil", options.waitUntil) ?? parent?.waitUntil;
  const onEvent = optionalFunction("onEvent", options.onEvent) ?? parent?.onEvent;
  const emit = eventEmitter(scope, onEvent);
  const onFailure = (cause: unknown) => {
    const message =
      "`waitUntil` threw; work after the response may be cut off. Hand it in bound to its context.";
    emit({
      type: "failed",
      id: "waitUntil",
      error: new AgentLimitError("INVALID_OPTIONS", message, { cause }),
    });
  };
  return {
    chain,
    scope,
    waitUntil,
    onEvent,
    emit,
    work: new PendingWork({ waitUntil, parent: parent?.work, onFailure }),
  };
}

function rootScope({ agentId, scope }: MeterOptions): string {
  if (agentId !== undefined && scope !== undefined)
    throw new InvalidOptionsError("Give `agentId` or `scope`, not both: `agentId` x is the scope agent:x.");
  if (agentId === undefined && scope === undefined)
    throw new InvalidOptionsError("Give `agentId`, or the `scope` that the budget is for.");
  if (scope !== undefined) return parseScope(scope);
  if (typeof agentId !== "string" || agentId.trim() === "")
    throw new InvalidScopeError("`agentId` is a name, not blank.");
  return agentScope(agentId);
}

/** A budget that is there and undefined is most likely a variable that is not set, and must not mean "no limit". */
function refuseUndefinedBudgets(options: MeterOptions): void {
  for (const name of ["budgets", "monthlyBudgetUsd", "monthlyBudgetTokens"] as const) {
    if (!Object.hasOwn(options, name) || options[name] !== undefined) continue;
    throw new InvalidBudgetError(
      `\`${name}\` is undefined. For no such budget leave it out; is a variable not set?`,
    );
  }
}

/** The short forms are budgets like any other: the same one in both forms is one too many. */
function allBudgets({ budgets, monthlyBudgetUsd, monthlyBudgetTokens }: MeterOptions): Budget[] | undefined {
  const short: Budget[] = [];
  if (monthlyBudgetUsd !== undefined) short.push({ window: "month", usd: monthlyBudgetUsd });
  if (monthlyBudgetTokens !== undefined) short.push({ window: "month", tokens: monthlyBudgetTokens });
  if (short.length === 0 || (budgets !== undefined && !Array.isArray(budgets))) return budgets;
  return [...(budgets ?? []), ...short];
}

function fetchOptions(options: MeterOptions): MeterContext["fetchOptions"] {
  const { estimate, defaultMaxOutputTokens, unknownRequest, includeUsage, allowUnbounded, serviceTier } =
    options;
  if (estimate !== undefined && typeof estimate !== "function") {
    oneOf("estimate", estimate, ["strict", "typical"], "a function that says what a request may cost");
  }
  if (unknownRequest !== undefined) oneOf("unknownRequest", unknownRequest, ["reject", "pass"]);
  if (includeUsage !== undefined) oneOf("includeUsage", includeUsage, ["known", "always"]);
  if (serviceTier !== undefined) oneOf("serviceTier", serviceTier, ["default"]);
  if (allowUnbounded !== undefined && typeof allowUnbounded !== "boolean")
    throw new InvalidOptionsError("`allowUnbounded` is true or false.");
  if (
    defaultMaxOutputTokens !== undefined &&
    !(Number.isSafeInteger(defaultMaxOutputTokens) && defaultMaxOutputTokens > 0)
  )
    throw new InvalidOptionsError("`defaultMaxOutputTokens` is a whole number above 0.");
  const fetch = optionalFunction("fetch", options.fetch);
  return {
    fetch,
    estimate: typeof estimate === "function" ? estimate : undefined,
    clamp: clampOptions(options.clamp),
    defaultMaxOutputTokens,
    unknownRequest,
    includeUsage,
    allowUnbounded,
    serviceTier,
  };
}

function clampOptions(clamp: ClampOptions | undefined): ClampOptions | undefined {
  if (clamp === undefined) return undefined;
  refuseUnknownNames(clamp, ["floorTokens", "maxShare", "structuredOutput"], "`clamp`");
  const { floorTokens, maxShare, structuredOutput } = clamp;
  if (!Number.isSafeInteger(floorTokens) || floorTokens < 1)
    throw new InvalidOptionsError("`clamp.floorTokens` is a whole number above 0.");
  if (maxShare !== undefined && !(typeof maxShare === "number" && maxShare > 0 && maxShare <= 1))
    throw new InvalidOptionsError("`clamp.maxShare` is a number above 0 and at most 1.");
  if (structuredOutput !== undefined) oneOf("clamp.structuredOutput", structuredOutput, ["clamp"]);
  return { ...clamp };
}

function idRetentionSeconds(seconds: number = DEFAULT_ID_RETENTION_SECONDS): number {
  const isValid = Number.isInteger(seconds) && seconds >= MIN_ID_RETENTION_SECONDS;
  if (isValid && seconds <= MAX_ID_RETENTION_SECONDS) return seconds;
  throw new InvalidOptionsError(
    `\`idRetentionSeconds\` is a whole number from ${MIN_ID_RETENTION_SECONDS} to ${MAX_ID_RETENTION_SECONDS} (31 days).`,
  );
}

function waitMs(milliseconds: number = 0): number {
  if (typeof milliseconds === "number" && milliseconds >= 0 && milliseconds <= MAX_WAIT_MS)
    return milliseconds;
  throw new InvalidOptionsError(`\`waitMs\` is a number of milliseconds from 0 to ${MAX_WAIT_MS}.`);
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[], ...others: string[]): T {
  if (allowed.includes(value)) return value;
  const texts = [...allowed.map((text) => JSON.stringify(text)), ...others];
  throw new InvalidOptionsError(`\`${name}\` is ${texts.join(" or ")}.`);
}

function optionalFunction<F>(name: string, value: F | undefined): F | undefined {
  if (value === undefined || typeof value === "function") return value;
  throw new InvalidOptionsError(`\`${name}\` is a function.`);
}
