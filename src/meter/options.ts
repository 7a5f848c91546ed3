/** The options of a meter, and of its children. */
import type { Budget } from "../ledger/budgets.ts";
import type { Usd } from "../ledger/money.ts";
import type { Store } from "../ledger/store.ts";
import type { MeterEvent } from "../metering/calls.ts";
import type { ClampOptions } from "../metering/clamp.ts";
import type { EstimateRequest } from "../metering/options.ts";
import type { PriceTable } from "../pricing/price-table.ts";
import type { Price, Pricing } from "../pricing/usage.ts";
import type { RedisClient, RestAddress } from "../redis/rest.ts";
import type { OnAlert } from "./alerts.ts";

/** What a child may set for itself; all else is its parent's. */
export interface ScopeOptions {
  /**
   * The limits of this scope, declared by code and kept in the store as last declared. Left out: the limits that the
   * store holds judge. An empty list clears them. Never inherited by children.
   */
  budgets?: Budget[];
  /**
   * For scopes by the million, such as runs: the scope's account goes, with its history, so many seconds after its last
   * admitted call or record, and is listed nowhere; not while it is paused or has stored limits. Costs one Redis command
   * more a call. What is gone begins anew, so the parent's limit is what holds. At least 259,200 (three days), at most
   * 34,560,000 (400 days). The first write decides: a scope that was first used, paused or given stored limits without
   * it, as an administrator's meter does, keeps its account for good, so that no pause lapses. Never inherited by children.
   */
  forgetAfterIdleSeconds?: number;
  /** Keeps work alive after the response: `(work) => ctx.waitUntil(work)` on Workers. */
  waitUntil?: (work: Promise<unknown>) => void;
  /** For logs, traces and metrics. What it throws is swallowed. */
  onEvent?: (event: MeterEvent) => void;
}

/** Options of {@link UsageMeter}. One of `agentId` and `scope` is needed, and a store: `redis`, `store`, or Upstash's two variables. */
export interface MeterOptions extends ScopeOptions {
  /** `"x"` is the scope `agent:x`. */
  agentId?: string;
  /** What the budget is for, such as `org:acme`: 1 to 128 characters of `A-Z a-z 0-9 . _ : @ / + = -`. */
  scope?: string;

  /**
   * A client of `@upstash/redis`, or the address and token of an Upstash REST API. Left out, with no `store` either:
   * the variables UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN.
   */
  redis?: RedisClient | RestAddress;
  /** Another store, such as `memoryStore()`, which forgets everything when the process ends. */
  store?: Store;
  /**
   * Keeps environments or companies apart in one store: 1 to 32 characters of `a-z 0-9 -`.
   * @default "default"
   */
  namespace?: string;

  /** Short for a budget of so many dollars a calendar month (UTC). */
  monthlyBudgetUsd?: Usd;
  /** Short for a budget of so many tokens a calendar month (UTC). */
  monthlyBudgetTokens?: number;
  /**
   * What becomes of a call when no hard limit is in force anywhere in its chain: metered alone, or denied as `NO_BUDGET`.
   * @default "allow"
   */
  unbudgeted?: "allow" | "deny";

  /**
   * Fractions of a limit at which `onAlert` is called, ascending, each above 0 and at most 1.
   * @default [0.8, 0.9, 1]
   */
  alertThresholds?: number[];
  /**
   * Called once for each budget, threshold and period over all processes, before the settle or record that reached it
   * returns. When it throws or rejects, the next settle calls it again; the caller never notices.
   */
  onAlert?: OnAlert;

  /** Prices of models that the table does not know, or other prices: USD per million tokens. */
  customPricing?: Pricing;
  /**
   * A model without a price is refused, or priced at this.
   * @default "reject"
   */
  unknownModel?: "reject" | Price;
  /** From an Azure deployment's or an alias's name to a priced model. */
  models?: Record<string, string>;
  /** Promises that no request is served on a dearer tier, which holds less for requests that leave the tier open. */
  serviceTier?: "default";
  /** A whole table instead of the built-in one. */
  prices?: PriceTable;

  /** The fetch underneath {@link UsageMeter.fetch}; the runtime's own by default. */
  fetch?: typeof globalThis.fetch;
  /**
   * What is held for a request: the bound of its body (`strict`), what this function answers (undefined: the bound), or
   * what the last calls of the same scope and model used, with a margin (`typical`). Such holds are several times smaller,
   * and no bound: a call that uses more than usual is booked in full, so a budget can be passed by the difference for
   * each call in flight. It is learned by each process for itself, from three reported calls on; until then the bound
   * is held.
   * @default "strict"
   */
  estimate?: "strict" | "typical" | EstimateRequest;
  /**
   * Lowers the output limit of a request to what its budgets have left, rather than to refuse it, in one more round trip.
   * Its answer may then be cut short. Never below `floorTokens` or what the API accepts, never in signed requests, and
   * not where the answer has to be JSON unless `structuredOutput` is `clamp`. A lowered call takes all that is left, so
   * that the next one is refused until it has settled, or the part of it that `maxShare` says. Left out: refuses.
   * `defaultMaxOutputTokens` is the better tool, this the second.
   */
  clamp?: ClampOptions;
  /** Written into requests that set no output limit: keeps holds small. */
  defaultMaxOutputTokens?: number;
  /**
   * A POST that no provider file recognises is refused, or passed on unmetered.
   * @default "reject"
   */
  unknownRequest?: "reject" | "pass";
  /**
   * Streams of chat completions are asked for their usage where a server of OpenAI's or Azure's gives it only then
   * (`stream_options.include_usage`); the chunk that brings it is taken out again. `always` asks servers of your own, too:
   * vLLM and Ollama know the field, strict servers refuse it. Without usage a stream is settled at its estimate.
   * @default "known"
   */
  includeUsage?: "known" | "always";
  /** Admits requests that nothing can bound, such as server tools, at the bound of their tokens. */
  allowUnbounded?: boolean;

  /**
   * Milliseconds that a call waits when only holds in flight stand in its way (`transient`), asking again a few times a
   * second, before it is refused: 0 to 600,000. Each time is a round trip and, at Upstash, billed.
   * @default 0
   */
  waitMs?: number;
  /**
   * Milliseconds for all tries of one store operation; then `StoreUnavailableError`.
   * @default 1000
   */
  storeTimeoutMs?: number;
  /** Which text of the scripts runs. Left out: Upstash's for hosts under upstash.io, else the plain one. */
  server?: "upstash" | "redis";
  /** `local`: this machine's clock, where a server refuses TIME. Left out: the server's. */
  clock?: "server" | "local";
  /**
   * How long an id given by the user is remembered: 900 s to 31 days.
   * @default 90000
   */
  idRetentionSeconds?: number;
}

/** The names of {@link ScopeOptions}. */
export const SCOPE_OPTION_NAMES = [
  "budgets",
  "forgetAfterIdleSeconds",
  "waitUntil",
  "onEvent",
] as const satisfies (keyof ScopeOptions)[];

/** The names of {@link MeterOptions}: any other is refused, since a typo must not turn a budget off. */
export const METER_OPTION_NAMES = [
  ...SCOPE_OPTION_NAMES,
  "agentId",
  "scope",
  "redis",
  "store",
  "namespace",
  "monthlyBudgetUsd",
  "monthlyBudgetTokens",
  "unbudgeted",
  "alertThresholds",
  "onAlert",
  "customPricing",
  "unknownModel",
  "models",
  "serviceTier",
  "prices",
  "fetch",
  "estimate",
  "clamp",
  "defaultMaxOutputTokens",
  "unknownRequest",
  "includeUsage",
  "allowUnbounded",
  "waitMs",
  "storeTimeoutMs",
  "server",
  "clock",
  "idRetentionSeconds",
] as const satisfies (keyof MeterOptions)[];
