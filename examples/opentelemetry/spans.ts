/** Makes a span of every metered call, named as the conventions for generative AI name it. */
import { type Attributes, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import type { MeterEvent } from "agentlimit";

/** For the option `onEvent` of a meter. Spans hold counts, cost and scope; no prompt and no answer. */
export function spansOf(tracer: Tracer): (event: MeterEvent) => void {
  return (event) => {
    const endedAtMs = Date.now();
    const span = tracer.startSpan(`chat ${event.model ?? "unknown"}`, {
      kind: SpanKind.CLIENT,
      startTime: endedAtMs - (event.durationMs ?? 0),
      attributes: { ...modelAttributes(event), ...ledgerAttributes(event) },
    });
    if (event.error !== undefined) {
      // The code, and not the message: that has the numbers of the budget.
      span.setAttribute("error.type", event.error.code);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end(endedAtMs);
  };
}

function modelAttributes({ provider, model, tokens = {} }: MeterEvent): Attributes {
  const { cachedInputTokens = 0, cacheWriteTokens = 0, cacheWrite1hTokens = 0 } = tokens;
  const written = cacheWriteTokens + cacheWrite1hTokens;
  // In the conventions input includes what was cached; in the ledger every kind excludes the others.
  const input =
    tokens.inputTokens === undefined ? undefined : tokens.inputTokens + cachedInputTokens + written;
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": provider,
    "gen_ai.request.model": model,
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.cache_read.input_tokens": cachedInputTokens,
    "gen_ai.usage.cache_creation.input_tokens": written,
    "gen_ai.usage.output_tokens": tokens.outputTokens,
  };
}

function ledgerAttributes({ type, scope, id, receipt }: MeterEvent): Attributes {
  return {
    "agentlimit.event": type,
    "agentlimit.scope": scope,
    "agentlimit.hold_id": id,
    "agentlimit.cost_usd": receipt?.costUsd,
    "agentlimit.cost_source": receipt?.source,
  };
}
