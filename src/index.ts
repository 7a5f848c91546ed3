/** `agentlimit`: the meter and everything around it, for every runtime with `fetch`. */
export {
  AgentLimitError,
  AlreadySettledError,
  BudgetExceededError,
  type BudgetExceededOptions,
  type ErrorCode,
  HoldInFlightError,
  IdConflictError,
  InvalidBudgetError,
  InvalidOptionsError,
  InvalidScopeError,
  InvalidUsageError,
  StoreDataError,
  StoreUnavailableError,
  UnboundedCallError,
  UnknownHoldError,
  UnknownModelError,
  UnrecognizedRequestError,
} from "./errors.ts";
export type { Budget, BudgetStatus, Denial, Metric, UsageStats, Window } from "./ledger/budgets.ts";
export { type MemoryStoreOptions, memoryStore } from "./ledger/memory-store.ts";
export type { Usd } from "./ledger/money.ts";
export type { Store } from "./ledger/store.ts";
export type { AlertEvent } from "./meter/alerts.ts";
export type { Check } from "./meter/check.ts";
export type { MeterOptions, ScopeOptions } from "./meter/options.ts";
export { UsageMeter } from "./meter.ts";
export { calculateCost } from "./metering/calculate-cost.ts";
export type { CallOptions, Hold, MeterEvent, Receipt } from "./metering/calls.ts";
export { builtInPrices } from "./pricing/built-in-prices.ts";
export type { PriceTable } from "./pricing/price-table.ts";
export { type SupportedModel, supportedModels } from "./pricing/supported-models.ts";
export type { Estimate, Price, Pricing, Tokens, Usage } from "./pricing/usage.ts";
export type { RedisClient, RestAddress } from "./redis/rest.ts";
