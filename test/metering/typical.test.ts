import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { BudgetExceededError, type MeterEvent } from "../../src/index.ts";
import { tokenBoundOf } from "../../src/metering/bound.ts";
import { type TypicalCall, TypicalUsage } from "../../src/metering/typical.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { JsonObject } from "../../src/providers/json.ts";
import { openAiChat } from "../../src/providers/openai-chat.ts";
import { freshNamespace } from "../meter/stores.ts";
import { failure } from "../support/outcomes.ts";
import { json, speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";

const prices = createPriceBook();
const url = new URL("https://api.openai.com/v1/chat/completions");

function callOf(text: string, fields: JsonObject = {}): TypicalCall {
  const body = { model: "gpt-4o-mini", messages: [{ role: "user", content: text }], ...fields };
  return { provider: "openai", call: openAiChat.readCall({ url, provider: "openai", body }), body };
}
const strictOf = ({ call, body }: TypicalCall) =>
  tokenBoundOf({ call, body, price: prices.find("openai", call.model) });
const bytesOf = ({ body }: TypicalCall) => JSON.stringify(body).length;
const used = (inputTokens: number, outputTokens: number) => ({
  models: [{ model: "gpt-4o-mini", tokens: { inputTokens, outputTokens } }] as const,
  extras: {},
});

describe("What is typical", () => {
  const plain = callOf("x".repeat(4_000));
  const lastCalls = () => new TypicalUsage().of(["agent:a"]);

  it("is the bound until three calls were seen", () => {
    const last = lastCalls();
    for (let seen = 0; seen < 3; seen += 1) {
      expect(last.estimate(plain, strictOf(plain))).toEqual(strictOf(plain));
      last.learn(plain, used(1_000, 100));
    }
    expect(last.estimate(plain, strictOf(plain))).not.toEqual(strictOf(plain));
  });

  it("is the most tokens a byte of the last 8 calls times 1.25 and 64, and the most output of the last 20 times 1.5", () => {
    const last = lastCalls();
    last.learn(plain, used(4_000, 3_000));
    for (let seen = 1; seen <= 7; seen += 1) last.learn(plain, used(1_000 + seen, 100 + seen));
    const perByte = (tokens: number) => Math.ceil((tokens / bytesOf(plain)) * bytesOf(plain) * 1.25) + 64;
    expect(last.estimate(plain, strictOf(plain))).toEqual({
      inputTokens: expect.closeTo(perByte(4_000), -1),
      outputTokens: 4_500,
    });
    last.learn(plain, used(1_008, 108));
    expect(last.estimate(plain, strictOf(plain)).inputTokens).toBeCloseTo(perByte(1_008), -1);
    expect(last.estimate(plain, strictOf(plain)).outputTokens).toBe(4_500);
    for (let seen = 9; seen <= 20; seen += 1) last.learn(plain, used(1_000, 100));
    expect(last.estimate(plain, strictOf(plain)).outputTokens).toBe(162);
  });

  it("is never above the bound", () => {
    const last = lastCalls();
    const short = callOf("hi", { max_tokens: 50 });
    for (let seen = 0; seen < 5; seen += 1) last.learn(short, used(1_000_000, 1_000_000));
    expect(last.estimate(short, strictOf(short))).toEqual(strictOf(short));
  });

  it("grows with the text, and with the number of choices", () => {
    const last = lastCalls();
    for (let seen = 0; seen < 3; seen += 1) last.learn(plain, used(1_000, 100));
    const longer = callOf("x".repeat(40_000), { n: 4 });
    expect(last.estimate(longer, strictOf(longer)).inputTokens).toBeGreaterThan(12_000);
    expect(last.estimate(longer, strictOf(longer)).outputTokens).toBe(600);
  });

  it("is learned of each choice of a call with several", () => {
    const last = lastCalls();
    const four = callOf("x".repeat(4_000), { n: 4 });
    for (let seen = 0; seen < 3; seen += 1) last.learn(four, used(1_000, 400));
    expect(last.estimate(plain, strictOf(plain)).outputTokens).toBe(150);
    expect(last.estimate(four, strictOf(four)).outputTokens).toBe(600);
  });

  it("is known apart for calls with tools, for each model and for each scope", () => {
    const usage = new TypicalUsage();
    const last = usage.of(["agent:a"]);
    for (let seen = 0; seen < 3; seen += 1) last.learn(plain, used(1_000, 100));
    const tools = callOf("x".repeat(4_000), { tools: [{ type: "function", function: { name: "f" } }] });
    expect(last.estimate(tools, strictOf(tools)).inputTokens).toBe(strictOf(tools).inputTokens);
    const other = callOf("x".repeat(4_000), { model: "gpt-4o" });
    expect(last.estimate(other, strictOf(other))).toEqual(strictOf(other));
    expect(usage.of(["agent:b"]).estimate(plain, strictOf(plain))).toEqual(strictOf(plain));
  });

  it("is the parent's for a child that has seen too little", () => {
    const usage = new TypicalUsage();
    for (const child of ["run:1", "run:2", "run:3"]) {
      usage.of([child, "org:acme"]).learn(plain, used(1_000, 100));
    }
    const held = usage.of(["run:4", "org:acme"]).estimate(plain, strictOf(plain));
    expect(held.outputTokens).toBe(150);
  });

  it("has the bound of what no text shows, and learns no tokens a byte from it", () => {
    const last = lastCalls();
    const file = callOf("", { messages: [{ role: "user", content: [{ type: "file", file: {} }] }] });
    for (let seen = 0; seen < 3; seen += 1) last.learn(plain, used(1_000, 100));
    expect(last.estimate(file, strictOf(file)).inputTokens).toBe(128_000);
    const searching = callOf("x".repeat(4_000), { web_search_options: {} });
    expect(last.estimate(searching, strictOf(searching)).inputTokens).toBe(strictOf(searching).inputTokens);
    for (let seen = 0; seen < 8; seen += 1) last.learn(file, used(100_000, 100));
    expect(last.estimate(plain, strictOf(plain)).inputTokens).toBeLessThan(2_000);
  });

  it("counts the text beside an image, whose tokens it neither learns nor estimates by its bytes", () => {
    const last = lastCalls();
    const url = `data:image/png;base64,${"A".repeat(80_000)}`;
    const image = { type: "image_url", image_url: { url } };
    const seeing = callOf("", { messages: [{ role: "user", content: [image] }] });
    const { allowanceTokens } = seeing.call.input;
    for (let seen = 0; seen < 3; seen += 1) last.learn(plain, used(1_000, 100));
    const { inputTokens } = last.estimate(seeing, strictOf(seeing));
    expect(inputTokens).toBeGreaterThan(allowanceTokens);
    expect(inputTokens).toBeLessThan(allowanceTokens + 200);
    const before = last.estimate(plain, strictOf(plain)).inputTokens;
    for (let seen = 0; seen < 8; seen += 1) last.learn(seeing, used(40_000, 100));
    expect(last.estimate(plain, strictOf(plain)).inputTokens).toBe(before);
  });

  it("is remembered of the thousand scopes that called last", () => {
    const usage = new TypicalUsage();
    const learnAs = (scope: string) => {
      for (let seen = 0; seen < 3; seen += 1) usage.of([scope]).learn(plain, used(1_000, 100));
    };
    const isKnown = (scope: string) =>
      usage.of([scope]).estimate(plain, strictOf(plain)).outputTokens < strictOf(plain).outputTokens;
    for (let scope = 0; scope < 1_000; scope += 1) learnAs(`user:${scope}`);
    expect(isKnown("user:0")).toBe(true);
    learnAs("user:new");
    expect(isKnown("user:0")).toBe(false);
    expect(isKnown("user:1")).toBe(true);
    learnAs("user:1");
    learnAs("user:newer");
    expect(isKnown("user:1")).toBe(true);
    expect(isKnown("user:2")).toBe(false);
  });
});

describe('A meter with `estimate: "typical"`', () => {
  let upstream: Upstream;
  let meter: UsageMeter;
  let events: MeterEvent[];

  beforeEach(async () => {
    upstream = await startUpstream(speakBothApis({ inputTokens: 9, outputTokens: 40 }));
    events = [];
  });
  afterEach(async () => {
    await meter.close();
    await upstream.close();
  });

  const newMeter = (options: Partial<NodeMeterOptions>) => {
    meter = new UsageMeter({
      redisUrl: inject("redisUrl"),
      namespace: freshNamespace(),
      agentId: "typical",
      estimate: "typical",
      onEvent: (event) => void events.push(event),
      ...options,
    });
    return meter;
  };
  const call = async (through: Pick<UsageMeter, "fetch" | "flush"> = meter) => {
    const body = JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "hello" }] });
    await (await through.fetch(`${upstream.url}/v1/chat/completions`, { method: "POST", body })).text();
    await through.flush();
  };

  it("lets a burst pass that its bounds would stop, once it has seen three calls", async () => {
    newMeter({ budgets: [{ window: "total", tokens: 20_000 }] });
    const burst = () => Promise.allSettled(Array.from({ length: 12 }, () => call()));
    const denied = (results: PromiseSettledResult<void>[]) =>
      results.filter(({ status }) => status === "rejected").length;
    // The bound is 16,384 tokens of output and 1,100 of input: one of them at a time.
    expect(denied(await burst())).toBe(11);
    await call();
    await call();
    expect(denied(await burst())).toBe(0);
    expect((await meter.getUsage()).tokensSpent).toBe(15 * 49);
  });

  it("shares what it saw with its children", async () => {
    newMeter({});
    for (let seen = 0; seen < 3; seen += 1) await call(meter.child(`user:${seen}`));
    const child = meter.child("user:new", { budgets: [{ window: "day", tokens: 1_000 }] });
    await call(child);
    expect((await child.getUsage()).tokensSpent).toBe(49);
  });

  it("books a call that uses more in full, and refuses the next one", async () => {
    newMeter({ budgets: [{ window: "total", tokens: 20_000 }] });
    for (let seen = 0; seen < 3; seen += 1) await call();
    upstream.answer = speakBothApis({ inputTokens: 9, outputTokens: 30_000 });
    await call();
    expect(events.at(-1)?.receipt).toMatchObject({ overrun: true, source: "reported" });
    expect(await failure(call())).toBeInstanceOf(BudgetExceededError);
  });

  it.each([
    ["that do not say what they used", json({ choices: [] })],
    ["by a model without a price", speakBothApis({ model: "nobody-knows-me", outputTokens: 40 })],
  ])("learns nothing from answers %s", async (_name, answer) => {
    newMeter({ budgets: [{ window: "total", tokens: 1_000_000 }] });
    upstream.answer = answer;
    for (let seen = 0; seen < 3; seen += 1) await call();
    const spent = (await meter.getUsage()).tokensSpent;
    expect(spent).toBeGreaterThan(3 * 16_384);
    await call();
    expect((await meter.getUsage()).tokensSpent - spent).toBeGreaterThan(16_384);
  });

  it("holds the bound, whatever was seen, where it is not asked for", async () => {
    newMeter({ estimate: "strict", budgets: [{ window: "total", tokens: 18_500 }] });
    for (let seen = 0; seen < 4; seen += 1) await call();
    await meter.record({ provider: "openai", model: "gpt-4o-mini", inputTokens: 2_000 });
    expect(await failure(call())).toBeInstanceOf(BudgetExceededError);
  });
});
