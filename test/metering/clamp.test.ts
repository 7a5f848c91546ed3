import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import {
  BudgetExceededError,
  InvalidOptionsError,
  type MeterEvent,
  memoryStore,
  type Store,
} from "../../src/index.ts";
import type { ReserveOperation } from "../../src/ledger/store.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { freshNamespace } from "../meter/stores.ts";
import { failure } from "../support/outcomes.ts";
import { speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;
let events: MeterEvent[];
let meters: UsageMeter[];

beforeEach(async () => {
  upstream = await startUpstream();
  events = [];
  meters = [];
});
afterEach(async () => {
  await Promise.all(meters.map((meter) => meter.close()));
  await upstream.close();
});

function newMeter(options: Partial<NodeMeterOptions> = {}): UsageMeter {
  const meter = new UsageMeter({
    redisUrl: inject("redisUrl"),
    namespace: freshNamespace(),
    agentId: "clamped",
    serviceTier: "default",
    clamp: { floorTokens: 100 },
    onEvent: (event) => void events.push(event),
    ...options,
  });
  meters.push(meter);
  return meter;
}

const hello = [{ role: "user", content: "hello" }];
const sentBodies = () => upstream.requests.map(({ body }) => body);
const typesOf = () => events.map(({ type }) => type);

type Fetching = Pick<UsageMeter, "fetch" | "flush">;

function chat(meter: Fetching, body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
  const whole = { model: "gpt-4o-mini", messages: hello, ...body };
  return post(meter, "/v1/chat/completions", JSON.stringify(whole), headers);
}
function claude(meter: Fetching, body: object = {}): Promise<Response> {
  return post(
    meter,
    "/v1/messages",
    JSON.stringify({ model: "claude-haiku-4-5", messages: hello, max_tokens: 8_000, ...body }),
  );
}
async function post(
  meter: Fetching,
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const response = await meter.fetch(upstream.url + path, { method: "POST", body, headers });
  await response.text();
  await meter.flush();
  return response;
}

describe("A call that its budgets would refuse is lowered to what they have left", () => {
  it("in dollars, to the last token that fits, and says so in an event of its hold", async () => {
    const meter = newMeter({ budgets: [{ window: "total", usd: "0.001" }] });
    await chat(meter);
    const [{ max_completion_tokens: limit } = { max_completion_tokens: 0 }] = sentBodies() as [
      { max_completion_tokens: number },
    ];
    // 0.15 and 0.60 dollars a million; what the body and templates may be is held beside the output.
    const bodyTokens = JSON.stringify({ model: "gpt-4o-mini", messages: hello }).length + 1_024;
    expect(Math.abs(limit - (1_000_000 - bodyTokens * 150) / 600)).toBeLessThan(20);
    expect(typesOf()).toEqual(["clamped", "settled"]);
    const [clamped, settled] = events;
    expect(clamped).toMatchObject({
      provider: "openai",
      model: "gpt-4o-mini",
      tokens: { outputTokens: limit },
    });
    expect(clamped?.id).toBe(settled?.id);
  });

  it("in tokens, of all choices together", async () => {
    const meter = newMeter({ budgets: [{ window: "total", tokens: 5_000 }] });
    await chat(meter, { n: 3, max_tokens: 2_000 });
    const bytes = JSON.stringify({ model: "gpt-4o-mini", messages: hello, n: 3, max_tokens: 2_000 }).length;
    const limit = Math.floor((5_000 - bytes - 1_024) / 3);
    expect(sentBodies()).toEqual([{ model: "gpt-4o-mini", messages: hello, n: 3, max_tokens: limit }]);
  });

  it("in the whole chain, with what is held counted", async () => {
    const org = newMeter({
      scope: "org:acme",
      agentId: undefined,
      budgets: [{ window: "total", tokens: 6_000 }],
    });
    const user = org.child("user:1", { budgets: [{ window: "day", tokens: 5_500 }] });
    const hold = await org.reserve({ estimatedCostUsd: "0.01", tokens: 3_000 });
    await chat(user, { max_tokens: 10_000 });
    await hold.release();
    const bytes = JSON.stringify({ model: "gpt-4o-mini", messages: hello, max_tokens: 10_000 }).length;
    expect(sentBodies()).toMatchObject([{ max_tokens: 6_000 - 3_000 - bytes - 1_024 }]);
  });

  it("and of that takes no more than `maxShare`", async () => {
    const clamp = { floorTokens: 1, maxShare: 0.5 };
    const meter = newMeter({ clamp, budgets: [{ window: "total", tokens: 8_000 }] });
    await chat(meter, { max_tokens: 10_000 });
    const bytes = JSON.stringify({ model: "gpt-4o-mini", messages: hello, max_tokens: 10_000 }).length;
    expect(sentBodies()).toMatchObject([{ max_tokens: 4_000 - bytes - 1_024 }]);
  });

  it("when it is a stream, or a child's, as well", async () => {
    const meter = newMeter({ budgets: [{ window: "total", tokens: 3_000 }] });
    await chat(meter.child("user:7"), { stream: true });
    expect(sentBodies()).toMatchObject([{ stream_options: { include_usage: true } }]);
    expect(sentBodies()).toMatchObject([{ max_completion_tokens: expect.any(Number) }]);
    expect(typesOf()).toEqual(["clamped", "settled"]);
  });

  it("with nothing changed but the limit, byte by byte", async () => {
    const before = '{ "seed" : 9007199254740993, "\\u0066oo": 1.0, "max_tokens" :\t';
    const after =
      ',"messages":[{"role":"user","content":"\\u0041 \\"max_tokens\\": 1"}], "model":"gpt-4o-mini" }';
    let sent = "";
    const underneath: typeof fetch = (input, init) => {
      sent = String(init?.body);
      return fetch(input, init);
    };
    const watched = newMeter({ budgets: [{ window: "total", tokens: 3_000 }], fetch: underneath });
    await post(watched, "/v1/chat/completions", `${before}9000${after}`);
    const limit = events[0]?.tokens?.outputTokens;
    expect(sent).toBe(`${before.trimEnd()}${limit}${after}`);
  });
});

describe("The limit is lowered where each API has it, all else as it was", () => {
  const limit = expect.any(Number);
  it.each<[name: string, path: string, body: object, sent: object]>([
    [
      "responses",
      "/v1/responses",
      { model: "gpt-4o-mini", input: "hello", max_output_tokens: 9_000 },
      { model: "gpt-4o-mini", input: "hello", max_output_tokens: limit },
    ],
    [
      "Gemini",
      "/v1beta/models/gemini-2.5-flash:generateContent",
      { contents: [{ parts: [{ text: "hello" }] }], generationConfig: { topK: 3, maxOutputTokens: 9_000 } },
      { contents: [{ parts: [{ text: "hello" }] }], generationConfig: { topK: 3, maxOutputTokens: limit } },
    ],
    [
      "Converse",
      "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/converse",
      { messages: [], inferenceConfig: { topP: 1, maxTokens: 9_000 } },
      { messages: [], inferenceConfig: { topP: 1, maxTokens: limit } },
    ],
  ])("%s", async (_name, path, body, sent) => {
    await post(newMeter({ budgets: [{ window: "total", tokens: 3_000 }] }), path, JSON.stringify(body));
    expect(sentBodies()).toEqual([sent]);
    expect(events[0]).toMatchObject({ type: "clamped", tokens: { outputTokens: limit } });
    expect(JSON.stringify(sentBodies())).toContain(`:${events[0]?.tokens?.outputTokens}}`);
  });

  it.each([
    ["/v1/responses", { model: "gpt-4o-mini", input: "hello", max_output_tokens: 9_000 }],
    ["/v1/chat/completions", { model: "gpt-4o-mini", messages: hello, max_completion_tokens: 9_000 }],
    ["/v1/messages", { model: "claude-haiku-4-5", messages: hello, max_tokens: 9_000 }],
    ["/v1beta/models/gemini-2.5-flash:generateContent", { generationConfig: { maxOutputTokens: 9_000 } }],
    ["/model/amazon.nova-lite-v1%3A0/converse", { inferenceConfig: { maxTokens: 9_000 } }],
  ])("and never below the 16 tokens that an answer needs: %s", async (path, asked) => {
    const body = JSON.stringify(asked);
    const clamp = { floorTokens: 1 };
    const call = (tokens: number) =>
      post(newMeter({ clamp, budgets: [{ window: "total", tokens }] }), path, body);
    const least = 1_024 + body.length + 16;
    expect(await failure(call(least - 1))).toBeInstanceOf(BudgetExceededError);
    await call(least);
    expect(JSON.stringify(sentBodies())).toBe(`[${body.replace("9000", "16")}]`);
  });
});

describe("A call is refused as if there were no `clamp`", () => {
  const refused = async (make: Promise<Response>) => {
    const error = await failure(make);
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(upstream.requests).toEqual([]);
    expect(typesOf()).toEqual(["denied"]);
    return error instanceof BudgetExceededError ? error : undefined;
  };

  it("below `floorTokens`, with what it asked for at first", async () => {
    const meter = newMeter({ budgets: [{ window: "total", tokens: 1_150 }] });
    const error = await refused(chat(meter, { max_tokens: 4_000 }));
    expect(error?.denials[0]?.requested).toBeGreaterThan(5_000);
  });

  it("below the API's own floor: a thinking budget is never reached", async () => {
    const thinking = { type: "enabled", budget_tokens: 4_000 };
    const meter = newMeter({ budgets: [{ window: "total", tokens: 5_000 }] });
    await refused(claude(meter, { thinking }));
    const roomier = newMeter({ budgets: [{ window: "total", tokens: 5_500 }] });
    await claude(roomier, { thinking });
    const [body] = sentBodies();
    expect(body).toMatchObject({ thinking });
    expect((body as { max_tokens: number }).max_tokens).toBeGreaterThan(4_000);
  });

  it("where a thinking budget comes on top of the limit, which a lower one would raise", async () => {
    const thinking = { type: "enabled", budget_tokens: 4_000 };
    const meter = newMeter({ budgets: [{ window: "total", tokens: 5_500 }] });
    await refused(claude(meter, { thinking, max_tokens: 2_000 }));
  });

  it("where the answer has to be whole JSON, unless it was told to", async () => {
    const response_format = { type: "json_schema", json_schema: { name: "x", schema: {} } };
    const budgets = [{ window: "total" as const, tokens: 3_000 }];
    await refused(chat(newMeter({ budgets }), { response_format }));
    await chat(newMeter({ budgets, clamp: { floorTokens: 100, structuredOutput: "clamp" } }), {
      response_format,
    });
    expect(sentBodies()).toMatchObject([{ response_format }]);
  });

  it("where the body is signed", async () => {
    const meter = newMeter({ budgets: [{ window: "total", tokens: 3_000 }] });
    await refused(chat(meter, {}, { authorization: "AWS4-HMAC-SHA256 Credential=x" }));
  });

  it("where requests are used up, or a scope is paused", async () => {
    const meter = newMeter({ budgets: [{ window: "total", tokens: 3_000, requests: 1 }] });
    await meter.record({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1 });
    events = [];
    await refused(chat(meter));
    events = [];
    const paused = newMeter();
    await paused.pause();
    await refused(chat(paused));
  });

  it("where its bound is the user's own estimate", async () => {
    const estimate = () => ({ estimatedCostUsd: "0.01" });
    await refused(chat(newMeter({ budgets: [{ window: "total", usd: "0.002" }], estimate })));
  });

  it("and where nobody asked for it", async () => {
    await refused(chat(newMeter({ budgets: [{ window: "total", tokens: 3_000 }], clamp: undefined })));
  });
});

describe("Concurrent calls that are lowered", () => {
  it.each([1, 0.5])("never pass the limit, whatever share they take (%d)", async (maxShare) => {
    upstream.answer = speakBothApis(({ body }) => ({
      inputTokens: 500,
      outputTokens: Number(Reflect.get(Object(body), "max_completion_tokens")),
    }));
    const namespace = freshNamespace();
    const options = {
      namespace,
      budgets: [{ window: "total" as const, usd: "0.004", tokens: 30_000 }],
      clamp: { floorTokens: 16, maxShare },
      waitMs: 0,
    };
    // Two processes' worth of meters on one account.
    const pair = [newMeter(options), newMeter(options)];
    const results = await Promise.allSettled(
      Array.from({ length: 24 }, (_, index) => chat(pair[index % 2] as UsageMeter)),
    );
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    for (const error of errors) expect(error).toBeInstanceOf(BudgetExceededError);
    const usage = await (pair[0] as UsageMeter).getUsage();
    const sent = sentBodies() as { max_completion_tokens: number }[];
    const answered = sent.reduce((sum, { max_completion_tokens }) => sum + 500 + max_completion_tokens, 0);
    expect(usage.tokensSpent).toBe(answered);
    expect(usage.usdHeld).toBe(0);
    expect(usage.tokensSpent).toBeLessThanOrEqual(30_000);
    expect(usage.usdSpent).toBeLessThanOrEqual(0.004);
    expect(sent.length).toBe(24 - errors.length);
    expect(sent.length).toBeGreaterThan(0);
    expect(errors.length).toBeGreaterThan(0);
    expect(typesOf().filter((type) => type === "clamped")).toHaveLength(sent.length);
  });
});

describe("A lowered call that another one overtakes", () => {
  it("is refused at once, whatever `waitMs` says, in one event, with nothing held", async () => {
    const store = memoryStore();
    const budgets = [{ window: "total" as const, tokens: 5_000 }];
    const rival = new UsageMeter({ store, agentId: "rival", budgets });
    let tries = 0;
    const overtaken: Store = Object.create(store, {
      reserve: {
        value: async (operation: ReserveOperation) => {
          tries += 1;
          if (tries === 2) await rival.reserve({ estimatedCostUsd: "0.01", tokens: 2_500 });
          return store.reserve(operation);
        },
      },
    });
    const meter = new UsageMeter({
      store: overtaken,
      agentId: "rival",
      budgets,
      clamp: { floorTokens: 100 },
      waitMs: 2_000,
      onEvent: (event) => void events.push(event),
    });
    const error = await failure(chat(meter));
    expect(error).toMatchObject({ code: "BUDGET_EXCEEDED", transient: true });
    expect(tries).toBe(2);
    expect(typesOf()).toEqual(["denied"]);
    expect(upstream.requests).toEqual([]);
    expect((await meter.getUsage()).budgets[0]?.held).toBe(2_500);
  });

  it("has waited `waitMs` for the holds in flight before it was lowered", async () => {
    const meter = newMeter({ waitMs: 150, budgets: [{ window: "total", tokens: 20_000 }] });
    const hold = await meter.reserve({ estimatedCostUsd: "0.01", tokens: 19_500 });
    const startMs = performance.now();
    await failure(chat(meter));
    expect(performance.now() - startMs).toBeGreaterThan(140);
    await hold.release();
    const next = await meter.reserve({ estimatedCostUsd: "0.01", tokens: 15_000 });
    await chat(meter);
    expect(events.map(({ type }) => type)).toContain("clamped");
    await next.release();
  });
});

describe("The option `clamp`", () => {
  it.each([
    [{}, "floorTokens"],
    [{ floorTokens: 0 }, "floorTokens"],
    [{ floorTokens: 1.5 }, "floorTokens"],
    [{ floorTokens: "9" }, "floorTokens"],
    [{ floorTokens: 9, maxShare: 0 }, "maxShare"],
    [{ floorTokens: 9, maxShare: 1.1 }, "maxShare"],
    [{ floorTokens: 9, maxShare: Number.NaN }, "maxShare"],
    [{ floorTokens: 9, structuredOutput: true }, "structuredOutput"],
    [{ floorToken: 9 }, 'did you mean "floorTokens"'],
    [true, "one object"],
    [null, "one object"],
  ])("is refused as %j", (clamp, reason) => {
    const options = { clamp } as unknown as Partial<NodeMeterOptions>;
    expect(() => newMeter(options)).toThrow(InvalidOptionsError);
    expect(() => newMeter(options)).toThrow(reason);
  });
});
