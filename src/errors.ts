/** Every error that agentlimit throws: one base class, a stable `code`, a message with the numbers and the way on. */
import type { Denial } from "./ledger/budgets.ts";
import type { Receipt } from "./metering/calls.ts";

/** The stable codes. A code never changes its meaning; new ones may come. */
export type ErrorCode =
  | "BUDGET_EXCEEDED"
  | "PAUSED"
  | "NO_BUDGET"
  | "STORE_UNAVAILABLE"
  | "STORE_DATA"
  | "STATE_LOST"
  | "LAYOUT_TOO_NEW"
  | "ID_CONFLICT"
  | "UNKNOWN_HOLD"
  | "UNKNOWN_MODEL"
  | "UNBOUNDED_CALL"
  | "UNRECOGNIZED_REQUEST"
  | "INVALID_BUDGET"
  | "INVALID_USAGE"
  | "INVALID_SCOPE"
  | "INVALID_OPTIONS"
  | "ALREADY_SETTLED"
  | "HOLD_IN_FLIGHT"
  | "UNEXPECTED";

/**
 * The base of all errors of this library.
 *
 * `instanceof` works across two installed copies of the package: it looks at a registered symbol, not at the class.
 */
export class AgentLimitError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** 402 for a budget, 403 for everything else: no SDK sends a request again after either. */
  readonly status: 402 | 403;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.status = code === "BUDGET_EXCEEDED" ? 402 : 403;
  }

  /**
   * An answer for the end user: problem+json with the code and, where one is known, the time to come back.
   * It holds no amounts and no scope names; those are in `message` and, for denials, in `denials`.
   */
  getResponse(): Response {
    const status = this.responseStatus();
    const retryAfterSeconds = this.responseRetryAfterSeconds();
    const problem = {
      type: "about:blank",
      title: this.responseTitle(),
      status,
      code: this.code,
      ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
    };
    const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
    if (status === 429 && retryAfterSeconds !== null) headers.set("retry-after", String(retryAfterSeconds));
    return new Response(JSON.stringify(problem), { status, headers });
  }

  /** The HTTP status of {@link getResponse}. */
  responseStatus(): number {
    return RESPONSE_STATUS[this.code];
  }

  protected responseRetryAfterSeconds(): number | null {
    return null;
  }

  protected responseTitle(): string {
    return TITLES[this.code];
  }
}

/** Where a denial stands: the budgets that said no, and the receipt when the spend was recorded all the same. */
export interface BudgetExceededOptions {
  denials?: Denial[] | undefined;
  receipt?: Receipt | undefined;
  code?: "BUDGET_EXCEEDED" | "PAUSED" | "NO_BUDGET" | undefined;
  scope?: string | undefined;
  /** Milliseconds since 1970 against which `retryAfterSeconds` is counted; now by default. */
  nowMs?: number | undefined;
}

/** A budget, a pause or a missing budget refused the call; from `record`, the spend is recorded all the same. */
export class BudgetExceededError extends AgentLimitError {
  declare readonly code: "BUDGET_EXCEEDED" | "PAUSED" | "NO_BUDGET";
  /** Every budget that denies, the last to reset first. */
  readonly denials: Denial[];
  /** The scope that refused: the first denial's, or the paused one. */
  readonly scope?: string;
  /**
   * Seconds until the last of the denying windows resets; 1 where only holds in flight stand in the way; null where
   * waiting does not help: a window that never resets, or a call that needs more than a whole limit.
   */
  readonly retryAfterSeconds: number | null;
  /** True when only holds in flight stand in the way: the same call may pass as soon as they settle. */
  readonly transient: boolean;
  /** From `record`: what was recorded. */
  readonly receipt?: Receipt;

  constructor(message = "Budget exceeded", options: BudgetExceededOptions = {}) {
    super(options.code ?? "BUDGET_EXCEEDED", message);
    this.denials = options.denials ?? [];
    const scope = options.scope ?? this.denials[0]?.scope;
    if (scope !== undefined) this.scope = scope;
    if (options.receipt !== undefined) this.receipt = options.receipt;
    this.transient = onlyHoldsDeny(this.denials);
    const fitsLater = this.receipt !== undefined || !needsMoreThanALimit(this.denials);
    this.retryAfterSeconds = fitsLater ? retryAfterSeconds(this.denials, options.nowMs ?? Date.now()) : null;
  }

  /** Finds a `BudgetExceededError` under whatever an SDK or a framework wrapped around it (`cause`, `lastError`, `errors`). */
  static from(error: unknown): BudgetExceededError | undefined {
    return findDenial(error);
  }

  override responseStatus(): number {
    const onlyMinutes = this.denials.length > 0 && this.denials.every((denial) => denial.window === "minute");
    return onlyMinutes && this.retryAfterSeconds !== null ? 429 : RESPONSE_STATUS[this.code];
  }

  protected override responseRetryAfterSeconds(): number | null {
    return this.retryAfterSeconds;
  }

  protected override responseTitle(): string {
    return this.transient ? "Calls in progress hold all that is left for this." : super.responseTitle();
  }
}

function findDenial(error: unknown): BudgetExceededError | undefined {
  const seen = new Set<unknown>();
  const queue: unknown[] = [error];
  while (queue.length > 0 && seen.size < 64) {
    const next = queue.shift();
    if (typeof next !== "object" || next === null || seen.has(next)) continue;
    seen.add(next);
    if (next instanceof BudgetExceededError) return next;
    const { cause, lastError, errors } = next as { cause?: unknown; lastError?: unknown; errors?: unknown };
    queue.push(cause, lastError, ...(Array.isArray(errors) ? errors : []));
  }
  return undefined;
}

/** Whether the same call may pass as soon as the holds in flight settle. One that settles still counts as a request. */
export function onlyHoldsDeny(denials: readonly Denial[]): boolean {
  const isFreed = ({ metric, spent, requested, limit }: Denial) =>
    metric !== "requests" && !isAbove(spent + requested, limit);
  return denials.length > 0 && denials.every(isFreed);
}

/** Whether the call asks a budget for more than its whole limit, so that it never fits. */
export function needsMoreThanALimit(denials: readonly Denial[]): boolean {
  return denials.some(({ requested, limit }) => isAbove(requested, limit));
}

/** Dollars are compared to the nano-USD. */
const isAbove = (amount: number, limit: number): boolean => Math.round((amount - limit) * 1e9) > 0;

function retryAfterSeconds(denials: readonly Denial[], nowMs: number): number | null {
  if (denials.length === 0) return null;
  if (onlyHoldsDeny(denials)) return 1;
  if (denials.some((denial) => denial.resetsAt === null)) return null;
  const lastResetMs = Math.max(...denials.map((denial) => denial.resetsAt?.getTime() ?? 0));
  return Math.max(1, Math.ceil((lastResetMs - nowMs) / 1000));
}

/** The store did not answer in time, refused, or is full. Nothing was sent to a provider. */
export class StoreUnavailableError extends AgentLimitError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("STORE_UNAVAILABLE", message, options);
  }
}

/** The store answered with something that is not this library's data; the message names the key or scope. */
export class StoreDataError extends AgentLimitError {
  constructor(message: string, code: "STORE_DATA" | "STATE_LOST" | "LAYOUT_TOO_NEW" = "STORE_DATA") {
    super(code, message);
  }
}

/** The same id was used before with another chain, operation or other amounts. */
export class IdConflictError extends AgentLimitError {
  constructor(message: string) {
    super("ID_CONFLICT", message);
  }
}

/** The store no longer knows a hold of this id; nothing was booked. */
export class UnknownHoldError extends AgentLimitError {
  constructor(message: string) {
    super("UNKNOWN_HOLD", message);
  }
}

/** No price is known for a provider and model. */
export class UnknownModelError extends AgentLimitError {
  constructor(message: string) {
    super("UNKNOWN_MODEL", message);
  }
}

/** Nothing in the request limits what the call may cost. */
export class UnboundedCallError extends AgentLimitError {
  constructor(message: string) {
    super("UNBOUNDED_CALL", message);
  }
}

/** A request that no provider file recognises: it might cost money that nobody counts. */
export class UnrecognizedRequestError extends AgentLimitError {
  constructor(message: string) {
    super("UNRECOGNIZED_REQUEST", message);
  }
}

/** A budget or an alert threshold that makes no sense. */
export class InvalidBudgetError extends AgentLimitError {
  constructor(message: string) {
    super("INVALID_BUDGET", message);
  }
}

/** An estimate or a usage that makes no sense: NaN, negative, fractional tokens, nothing to count. */
export class InvalidUsageError extends AgentLimitError {
  constructor(message: string) {
    super("INVALID_USAGE", message);
  }
}

/** A scope, id or namespace outside its alphabet, twice in a chain, or one too many. */
export class InvalidScopeError extends AgentLimitError {
  constructor(message: string) {
    super("INVALID_SCOPE", message);
  }
}

/** Any other option that makes no sense; the message names it. */
export class InvalidOptionsError extends AgentLimitError {
  constructor(message: string) {
    super("INVALID_OPTIONS", message);
  }
}

/** The operation was closed before; `receipt` is its first one, where it is known. */
export class AlreadySettledError extends AgentLimitError {
  readonly receipt?: Receipt;

  constructor(message: string, receipt?: Receipt) {
    super("ALREADY_SETTLED", message);
    if (receipt !== undefined) this.receipt = receipt;
  }
}

/** `track` met a live hold of the same id: another worker is running this call. */
export class HoldInFlightError extends AgentLimitError {
  constructor(message: string) {
    super("HOLD_IN_FLIGHT", message);
  }
}

/** An error for an event: our own as it is, any other as the cause of an `UNEXPECTED` one. */
export function asAgentLimitError(error: unknown): AgentLimitError {
  if (error instanceof AgentLimitError) return error;
  return new AgentLimitError("UNEXPECTED", "Something failed that should not have; see `cause`.", {
    cause: error,
  });
}

const TITLES: Record<ErrorCode, string> = {
  BUDGET_EXCEEDED: "The budget leaves no room for this.",
  PAUSED: "This is paused.",
  NO_BUDGET: "No budget is set for this.",
  STORE_UNAVAILABLE: "Budgets can't be checked at the moment.",
  STORE_DATA: "Budgets can't be read at the moment.",
  STATE_LOST: "Budgets can't be read at the moment.",
  LAYOUT_TOO_NEW: "Budgets can't be read at the moment.",
  ID_CONFLICT: "This id was used for something else.",
  UNKNOWN_HOLD: "No such call is known.",
  UNKNOWN_MODEL: "This model has no known price.",
  UNBOUNDED_CALL: "Nothing limits the cost of this call.",
  UNRECOGNIZED_REQUEST: "This request can't be metered.",
  INVALID_BUDGET: "The budget is not valid.",
  INVALID_USAGE: "The usage is not valid.",
  INVALID_SCOPE: "The scope or id is not valid.",
  INVALID_OPTIONS: "The request is not valid.",
  ALREADY_SETTLED: "This call was settled before.",
  HOLD_IN_FLIGHT: "This call is under way.",
  UNEXPECTED: "Something went wrong.",
};

const RESPONSE_STATUS: Record<ErrorCode, number> = {
  BUDGET_EXCEEDED: 402,
  PAUSED: 403,
  NO_BUDGET: 403,
  STORE_UNAVAILABLE: 503,
  STORE_DATA: 503,
  STATE_LOST: 503,
  LAYOUT_TOO_NEW: 503,
  ID_CONFLICT: 409,
  UNKNOWN_HOLD: 404,
  UNKNOWN_MODEL: 403,
  UNBOUNDED_CALL: 403,
  UNRECOGNIZED_REQUEST: 403,
  INVALID_BUDGET: 400,
  INVALID_USAGE: 400,
  INVALID_SCOPE: 400,
  INVALID_OPTIONS: 400,
  ALREADY_SETTLED: 409,
  HOLD_IN_FLIGHT: 409,
  UNEXPECTED: 500,
};

// Two copies of the package must agree on `instanceof`, an SDK's root class may be put under an error, and a
// minifier renames classes.
for (const [name, errorClass] of Object.entries({
  AgentLimitError,
  BudgetExceededError,
  StoreUnavailableError,
  StoreDataError,
  IdConflictError,
  UnknownHoldError,
  UnknownModelError,
  UnboundedCallError,
  UnrecognizedRequestError,
  InvalidBudgetError,
  InvalidUsageError,
  InvalidScopeError,
  InvalidOptionsError,
  AlreadySettledError,
  HoldInFlightError,
})) {
  const brand = Symbol.for(`agentlimit.${name}`);
  Object.defineProperty(errorClass.prototype, brand, { value: true });
  Object.defineProperty(errorClass.prototype, "name", { value: name, configurable: true, writable: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, candidate: unknown): boolean {
      const isOwnClass = this === errorClass;
      if (!isOwnClass) return Function.prototype[Symbol.hasInstance].call(this as never, candidate);
      return typeof candidate === "object" && candidate !== null && brand in candidate;
    },
  });
}
