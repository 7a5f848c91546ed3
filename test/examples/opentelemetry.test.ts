/** The spans of the OpenTelemetry example: made of real calls, and printed by the script itself. */
import { SpanStatusCode } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { spansOf } from "../../examples/opentelemetry/spans.ts";
import { memoryStore, UsageMeter } from "../../src/index.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { json, startUpstream, type Upstream } from "../support/upstream.ts";
import { packageCommand, runToEnd } from "./child-process.ts";

let upstream: Upstream;
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(() => upstream.close());

describe("A span of examples/opentelemetry", () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

  async function spanOf(call: { model: string; usd?: string }): Promise<ReadableSpan> {
    exporter.reset();
    const meter = new UsageMeter({
      store: memoryStore(),
      agentId: "traced-bot",
      monthlyBudgetUsd: call.usd ?? 1,
      onEvent: spansOf(provider.getTracer("test")),
    });
    const body = JSON.stringify({
      model: call.model,
      max_tokens: 9,
      messages: [{ role: "user", content: "SECRET" }],
    });
    const sent = meter.fetch(`${upstream.url}/v1/messages`, { method: "POST", body });
    await sent.then(
      (response) => response.text(),
      () => {},
    );
    await meter.flush();
    const [span, ...others] = exporter.getFinishedSpans();
    if (span === undefined || others.length > 0) throw new Error("One call makes one span.");
    return span;
  }

  it("has the names of the conventions, what the call cost, and how long it took", async () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 5,
      cache_creation_input_tokens: 2,
      output_tokens: 3,
    };
    upstream.answer = json({ type: "message", model: "claude-haiku-4-5", content: [], usage });
    const span = await spanOf({ model: "claude-haiku-4-5" });
    expect(span.name).toBe("chat claude-haiku-4-5");
    expect(span.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-haiku-4-5",
      "gen_ai.usage.input_tokens": 17,
      "gen_ai.usage.cache_read.input_tokens": 5,
      "gen_ai.usage.cache_creation.input_tokens": 2,
      "gen_ai.usage.output_tokens": 3,
      "agentlimit.event": "settled",
      "agentlimit.scope": "agent:traced-bot",
      "agentlimit.cost_usd": 0.000028,
      "agentlimit.cost_source": "reported",
    });
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.duration[0] + span.duration[1]).toBeGreaterThan(0);
  });

  it("says by its code why a call was denied, and nothing of its content", async () => {
    const span = await spanOf({ model: "claude-haiku-4-5", usd: "0.000001" });
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.attributes).toMatchObject({ "error.type": "BUDGET_EXCEEDED", "agentlimit.event": "denied" });
    expect(JSON.stringify([span.name, span.attributes, span.status])).not.toContain("SECRET");
    expect(upstream.requests).toEqual([]);
  });
});

describe("examples/opentelemetry/ask.ts", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());

  it("prints the trace of its call", async () => {
    const { exitCode, stdout, stderr } = await runToEnd(
      [packageCommand("node"), "examples/opentelemetry/ask.ts"],
      {
        OPENAI_API_KEY: "test-key",
        OPENAI_BASE_URL: `${upstream.url}/v1`,
        REDIS_URL: redis.url,
      },
    );
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("name: 'chat gpt-4o-mini'");
    expect(stdout).toContain("'gen_ai.usage.output_tokens': 3");
    expect(stdout).toContain("'agentlimit.cost_usd': 0.00000285");
  });
});
