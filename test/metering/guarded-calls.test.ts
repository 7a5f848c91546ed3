import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  BudgetExceededError,
  InvalidOptionsError,
  type MeterEvent,
  type MeterOptions,
  memoryStore,
  UsageMeter,
} from "../../src/index.ts";
import { failure } from "../support/outcomes.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;
let events: MeterEvent[];

beforeEach(async () => {
  upstream = await startUpstream();
  events = [];
});
afterEach(() => upstream.close());

const newMeter = (options: Partial<MeterOptions>) =>
  new UsageMeter({
    store: memoryStore(),
    agentId: "support-bot",
    onEvent: (event) => void events.push(event),
    ...options,
  });
const call = (meter: UsageMeter, body: object = {}) =>
  meter.fetch(`${upstream.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-4o-mini", messages: [], ...body }),
  });

describe("A call whose estimate is in dollars alone", () => {
  const estimate = () => ({ estimatedCostUsd: "0.01" });

  it("passes while a token budget has something left, and is counted by its answer", async () => {
    const meter = newMeter({ monthlyBudgetTokens: 100, estimate });
    await (await call(meter)).text();
    await meter.flush();
    expect((await meter.getUsage()).tokensSpent).toBe(10);
  });

  it("is refused where a token budget is used up, as `reserve` refuses it", async () => {
    const meter = newMeter({ monthlyBudgetTokens: 100, estimate });
    await meter.record({ provider: "openai", model: "gpt-4o-mini", inputTokens: 100 });
    expect(await failure(meter.reserve(estimate()))).toBeInstanceOf(BudgetExceededError);
    expect(await failure(call(meter))).toBeInstanceOf(BudgetExceededError);
    expect(upstream.requests).toEqual([]);
  });
});

describe("An event before sending", () => {
  it("is a denial for a budget or a pause, and a failure for all else, from fetch and reserve alike", async () => {
    const meter = newMeter({ monthlyBudgetUsd: 1 });
    const ask = { provider: "openai", model: "unknown-one", maxOutputTokens: 1 };
    await failure(meter.reserve({ estimatedCostUsd: 2 }));
    await failure(call(meter, { max_tokens: 2_000_000 }));
    await meter.pause();
    await failure(meter.reserve({ estimatedCostUsd: "0.01" }));
    await failure(call(meter));
    await failure(call(meter, { model: ask.model }));
    expect(events.map(({ type, error }) => `${type} ${error?.code}`)).toEqual([
      "denied BUDGET_EXCEEDED",
      "denied BUDGET_EXCEEDED",
      "denied PAUSED",
      "denied PAUSED",
      "failed UNKNOWN_MODEL",
    ]);
    expect(upstream.requests).toEqual([]);
  });
});

describe("The option `estimate`", () => {
  it.each(["typically", 5, null, {}])('is "strict", "typical" or a function, not %j', (estimate) => {
    const options = { estimate } as unknown as MeterOptions;
    expect(() => newMeter(options)).toThrow(InvalidOptionsError);
    expect(() => newMeter(options)).toThrow('`estimate` is "strict" or "typical" or a function');
    expect(() => newMeter({ estimate: "strict" })).not.toThrow();
  });
});
