/** `UsageMeter`: budgets of one scope and its parents, and the calls that count against them. */
import type { UsageStats } from "./ledger/budgets.ts";
import * as administration from "./meter/administration.ts";
import { callRequest, usedAmounts } from "./meter/amounts.ts";
import { type Check, check, readUsage, UNKNOWN_REQUEST } from "./meter/check.ts";
import type { MeterContext } from "./meter/context.ts";
import { openHold } from "./meter/hold.ts";
import { releaseById, settleById } from "./meter/hold-by-id.ts";
import { type MeteredFetches, meteredFetches } from "./meter/metered-fetches.ts";
import type { MeterOptions, ScopeOptions } from "./meter/options.ts";
import { record } from "./meter/record.ts";
import { childContext, rootContext } from "./meter/settings.ts";
import { track } from "./meter/track.ts";
import type { CallOptions, Hold, Receipt } from "./metering/calls.ts";
import {
  instrumentAnthropicClient as instrumentAnthropic,
  instrumentOpenAIClient as instrumentOpenAI,
} from "./metering/instrument.ts";
import type { Estimate, Usage } from "./pricing/usage.ts";

/** Contexts of children on their way into the constructor. */
const inherited = new WeakMap<object, MeterContext>();

/**
 * Meters the calls of one scope, such as an agent, a user or a company, against its budgets and those of its parents.
 *
 * A meter is cheap to make, and made without I/O: one at module level, and a child for each request, is the usual form.
 *
 * @example
 * ```ts
 * const app = new UsageMeter({ scope: "org:acme", budgets: [{ window: "month", usd: 2000 }] });
 * const user = app.child("user:42", { budgets: [{ window: "day", usd: "0.50" }] });
 * const openai = new OpenAI({ fetch: user.fetch });
 * ```
 */
export class UsageMeter {
  readonly #context: MeterContext;
  readonly #fetches: MeteredFetches;

  /**
   * @throws InvalidOptionsError for options that make no sense or that do not exist, InvalidScopeError for a name outside
   * its alphabet, InvalidBudgetError for budgets and thresholds. A store that can't be reached is found by the first call.
   */
  constructor(options: MeterOptions) {
    this.#context = inherited.get(options) ?? rootContext(options);
    this.#fetches = meteredFetches(this.#context);
  }

  /**
   * A meter of another scope under this one: its calls count against its own budgets and all of this meter's chain, all
   * or nothing. Shares everything but `budgets`; `waitUntil` and `onEvent` given here replace this meter's. No I/O.
   *
   * @throws InvalidScopeError for a scope that is in the chain already, and for a ninth.
   * @example const user = app.child(`user:${id}`, { budgets: [{ window: "minute", requests: 20 }] });
   */
  child(scope: string, options: ScopeOptions = {}): UsageMeter {
    const context = childContext(this.#context, scope, options);
    const ticket: MeterOptions = {};
    inherited.set(ticket, context);
    return new UsageMeter(ticket);
  }

  /**
   * Whether a call would be admitted now, and how all budgets stand. Holds and records nothing, so it is advice: only
   * `reserve`, `track` and `fetch` keep a budget.
   *
   * @param estimate left out: refused where any budget has nothing left.
   * @throws StoreUnavailableError, StoreDataError: never `allowed: true` on a guess.
   * @example
   * const { error } = await user.check({ estimatedCostUsd: 0.01 });
   * if (error) return error.getResponse();
   */
  async check(estimate?: Estimate): Promise<Check> {
    const requested =
      estimate === undefined ? UNKNOWN_REQUEST : callRequest(this.#context.prices, estimate).requested;
    return check(this.#context, requested);
  }

  /** {@link check} as a boolean. */
  async canSpend(estimate?: Estimate): Promise<boolean> {
    return (await this.check(estimate)).allowed;
  }

  /**
   * Checks every budget of the chain and sets the estimate aside, in one atomic step. What is not settled or released
   * counts as spent when the hold expires, 10 minutes later by default.
   *
   * @throws BudgetExceededError with every budget that denies; AlreadySettledError and IdConflictError for an `id` that
   * was used before; UnknownModelError, UnboundedCallError and InvalidUsageError for an estimate that bounds nothing;
   * StoreUnavailableError, after which nothing stays held.
   * @example
   * const hold = await meter.reserve({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1200, maxOutputTokens: 500 });
   * await hold.settle({ inputTokens: 1187, outputTokens: 212 });
   */
  async reserve(estimate: Estimate & CallOptions): Promise<Hold> {
    const request = callRequest(this.#context.prices, estimate);
    return (await openHold(this.#context, request, estimate)).forUser();
  }

  /**
   * The hold of this id, made by a meter of the same chain, here or in another process: for batch results, queues and
   * webhooks. Both methods throw UnknownHoldError when the store does not know it, and book nothing then.
   *
   * @example await meter.hold(job.holdId).settle({ response: batchResult });
   */
  hold(id: string): { settle(actual: Usage): Promise<Receipt>; release(): Promise<void> } {
    return {
      settle: async (actual) => settleById(this.#context, id, usedAmounts(this.#context.prices, actual)),
      release: async () => releaseById(this.#context, id),
    };
  }

  /**
   * Runs one provider call under a hold. When `run` returns a provider's answer, the hold is settled by the usage in it,
   * else at the estimate; a stream is settled by hand. When it throws, the estimate is charged, unless it released the
   * hold: the provider has most likely billed the call. What `run` returns or throws comes back as it is.
   *
   * @throws what {@link reserve} throws, and HoldInFlightError while another worker runs the call of this `id`; `run` is
   * not called then.
   * @example const answer = await meter.track({ estimatedCostUsd: 0.05 }, () => openai.chat.completions.create(request));
   */
  async track<T>(estimate: Estimate & CallOptions, run: (hold: Hold) => T | PromiseLike<T>): Promise<T> {
    const request = callRequest(this.#context.prices, estimate);
    return track(this.#context, { request, options: estimate }, run);
  }

  /**
   * Counts what was spent without a hold. It is always recorded; the money is gone.
   *
   * @throws BudgetExceededError with the receipt, after recording, when a budget is now above its limit or a scope is
   * paused; again for each repetition of an `id`. InvalidUsageError, UnknownModelError, IdConflictError: nothing recorded.
   * @example await meter.record({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1200, outputTokens: 500 });
   */
  async record(usage: Usage & { id?: string }): Promise<Receipt> {
    const actual = usedAmounts(this.#context.prices, usage, { callFields: ["id"] });
    return record(this.#context, actual, usage.id);
  }

  /** This scope's calendar month (UTC), and every budget of the chain. Writes nothing. */
  getUsage(): Promise<UsageStats> {
    return readUsage(this.#context);
  }

  /**
   * Refuses every call of this scope, and of all chains through it, until {@link resume}.
   *
   * @param options.reason 1 to 200 printable characters, told in the error.
   */
  pause(options: { reason?: string } = {}): Promise<void> {
    return administration.pause(this.#context, options);
  }

  /** Admits calls of this scope again. */
  resume(): Promise<void> {
    return administration.resume(this.#context);
  }

  /**
   * Clears what this scope has spent and holds, and the alerts that fired. Limits, a pause and the parents stay as they
   * are; holds in flight no longer count here. An account that has vanished from the store (STATE_LOST) begins anew, and
   * is paused: stored limits are lost with it.
   */
  reset(): Promise<void> {
    return administration.reset(this.#context);
  }

  /**
   * A `fetch` that holds before each provider call, settles after it, and refuses what it can't meter. For any SDK that
   * takes a fetch; may be passed on without its meter.
   *
   * @example const openai = new OpenAI({ fetch: meter.fetch });
   */
  get fetch(): typeof globalThis.fetch {
    return this.#fetches.own();
  }

  /**
   * Puts this meter under an `openai` client and its copies. Twice is once.
   *
   * @returns the same client.
   * @throws InvalidOptionsError for an object that is no such client, or one that another meter has.
   */
  instrumentOpenAIClient<C extends object>(client: C): C {
    return instrumentOpenAI(client, this.#fetches.over);
  }

  /**
   * Puts this meter under an `@anthropic-ai/sdk` client and its copies. Twice is once.
   *
   * @returns the same client.
   * @throws InvalidOptionsError for an object that is no such client, or one that another meter has.
   */
  instrumentAnthropicClient<C extends object>(client: C): C {
    return instrumentAnthropic(client, this.#fetches.over);
  }

  /** Resolves when every settle still under way, here and in children, has ended. Never rejects. */
  flush(): Promise<void> {
    return this.#context.work.flush();
  }
}
