/** `agentlimit/ai-sdk`: a meter for the language models of the AI SDK, versions 6 and 7. */
export {
  type Fallback,
  type MeterMiddleware,
  type MeterMiddlewareOptions,
  meterMiddleware,
} from "./metering/ai-sdk/middleware.ts";
export type { LanguageModel } from "./metering/ai-sdk/model.ts";
