/** The Python library's instrumented clients: the real SDKs over real HTTP, metered by a real meter over each store. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  BudgetExceededError,
  InvalidOptionsError,
  type MeterEvent,
  type MeterOptions,
  type UsageMeter,
  type UsageStats,
} from "../../src/index.ts";
import { type Answer, json, speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";
import { type MakeStore, meterMaker, rejection, type StoreUnderTest } from "./stores.ts";

/** One SDK, and one call of it in each form. */
interface SdkUnderTest {
  name: string;
  /** What a call with 12 tokens in and 3 out costs. */
  costNanoUsd: number;
  /** An answer that does not say what it used. */
  withoutUsage: object;
  clientOf(url: string): SdkClient;
}

interface SdkClient {
  client: object;
  instrumentedBy(meter: UsageMeter): object;
  ask(): Promise<unknown>;
  stream(): Promise<unknown[]>;
  /** Any method of HTTP, to the path of {@link ask}. */
  send(method: "get" | "post" | "put" | "patch" | "delete"): Promise<unknown>;
}

const messages = [{ role: "user" as const, content: "hello" }];

const SDKS: SdkUnderTest[] = [
  {
    name: "instrumentOpenAIClient",
    costNanoUsd: 3_600,
    withoutUsage: { id: "chatcmpl-1", object: "chat.completion", model: "gpt-4o-mini", choices: [] },
    clientOf(url) {
      const client = new OpenAI({ apiKey: "none", baseURL: `${url}/v1` });
      const body = { model: "gpt-4o-mini", max_completion_tokens: 16, messages };
      return {
        client,
        instrumentedBy: (meter) => meter.instrumentOpenAIClient(client),
        ask: () => client.chat.completions.create(body),
        stream: async () => eventsOf(await client.chat.completions.create({ ...body, stream: true })),
        send: (method) => client[method]("/chat/completions", method === "get" ? {} : { body }),
      };
    },
  },
  {
    name: "instrumentAnthropicClient",
    costNanoUsd: 27_000,
    withoutUsage: { id: "msg_1", type: "message", role: "assistant", model: "claude-haiku-4-5", content: [] },
    clientOf(url) {
      const client = new Anthropic({ apiKey: "none", baseURL: url });
      const body = { model: "claude-haiku-4-5-20251001", max_tokens: 16, messages };
      return {
        client,
        instrumentedBy: (meter) => meter.instrumentAnthropicClient(client),
        ask: () => client.messages.create(body),
        stream: async () => eventsOf(await client.messages.create({ ...body, stream: true })),
        send: (method) => client[method]("/v1/messages", method === "get" ? {} : { body }),
      };
    },
  },
];

async function eventsOf(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

export function describeInstrumentedClients(storeName: string, makeStore: MakeStore): void {
  describe(`instrumented clients over ${storeName}`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await makeStore();
    });
    afterAll(() => under.close());

    let upstream: Upstream;
    let usageInFlight: UsageStats | undefined;
    beforeEach(async () => {
      upstream = await startUpstream(speakBothApis({ inputTokens: 12, outputTokens: 3 }));
      usageInFlight = undefined;
    });
    afterEach(() => upstream.close());

    /** Notes how the meter stands while a request is at the provider. */
    function observing(meter: UsageMeter, answer: Answer): Answer {
      return async (request, response) => {
        usageInFlight = await meter.getUsage();
        return answer(request, response);
      };
    }

    function metered(sdk: SdkUnderTest, options: Partial<MeterOptions> = {}) {
      const events: MeterEvent[] = [];
      const onEvent = (event: MeterEvent) => void events.push(event);
      const meter = meterMaker(under.store)({ monthlyBudgetUsd: 100, onEvent, ...options });
      upstream.answer = observing(meter, upstream.answer);
      const calls = sdk.clientOf(upstream.url);
      const usage = async () => {
        await meter.flush();
        return meter.getUsage();
      };
      return { ...calls, meter, events, usage, returned: calls.instrumentedBy(meter) };
    }

    describe.each(SDKS)("$name", (sdk) => {
      it("returns the client, whose calls are held before they are sent and settled after", async () => {
        const { client, returned, ask, usage, events } = metered(sdk);
        expect(returned).toBe(client);
        await ask();
        expect(usageInFlight).toMatchObject({ usdSpent: 0, usdHeld: expect.any(Number) });
        expect(usageInFlight?.usdHeld).toBeGreaterThan(sdk.costNanoUsd / 1e9);
        expect(await usage()).toMatchObject({
          nanoUsdSpent: sdk.costNanoUsd,
          tokensSpent: 15,
          usdHeld: 0,
        });
        expect(events).toMatchObject([{ type: "settled", receipt: { source: "reported" } }]);
      });

      it("twice is once", async () => {
        const { client, meter, instrumentedBy, ask, usage } = metered(sdk);
        expect(instrumentedBy(meter)).toBe(client);
        await ask();
        expect((await usage()).nanoUsdSpent).toBe(sdk.costNanoUsd);
      });

      it("refuses before anything is sent, with the meter's own error", async () => {
        const { ask, usage, events } = metered(sdk, { monthlyBudgetUsd: "0.000001" });
        const error = await rejection(ask());
        expect(error).toBeInstanceOf(BudgetExceededError);
        expect(error).toMatchObject({ code: "BUDGET_EXCEEDED", denials: [{ scope: "agent:my-agent" }] });
        expect(upstream.requests).toEqual([]);
        expect(events).toMatchObject([{ type: "denied" }]);
        expect(await usage()).toMatchObject({ usdSpent: 0, usdHeld: 0 });
      });

      it("covers streams", async () => {
        const { stream, usage } = metered(sdk);
        expect(await stream()).not.toEqual([]);
        expect(usageInFlight?.usdHeld).toBeGreaterThan(0);
        expect(await usage()).toMatchObject({ nanoUsdSpent: sdk.costNanoUsd, usdHeld: 0 });
      });

      it("covers every HTTP method: one is billed, some cost nothing, the rest is refused", async () => {
        const { send, usage } = metered(sdk);
        await send("post");
        for (const method of ["get", "delete"] as const) await send(method);
        for (const method of ["put", "patch"] as const) {
          expect(await rejection(send(method))).toMatchObject({ code: "UNRECOGNIZED_REQUEST" });
        }
        expect(upstream.requests.map(({ method }) => method)).toEqual(["POST", "GET", "DELETE"]);
        expect(await usage()).toMatchObject({ nanoUsdSpent: sdk.costNanoUsd, usdHeld: 0 });
      });

      it("settles an answer without usage at the estimate, with a failed event: the money is spent", async () => {
        upstream.answer = json(sdk.withoutUsage);
        const { ask, usage, events } = metered(sdk);
        await ask();
        expect(await usage()).toMatchObject({ usdSpent: usageInFlight?.usdHeld, usdHeld: 0 });
        expect(events).toMatchObject([
          { type: "settled", receipt: { source: "estimated" } },
          { type: "failed", error: { code: "INVALID_USAGE" } },
        ]);
      });

      it.each([{}, { chat: {}, messages: {} }, "client", undefined])(
        "refuses %j, which is no such client",
        (thing) => {
          const meter = meterMaker(under.store)();
          const instrument = Reflect.get(meter, sdk.name);
          expect(() => Reflect.apply(instrument, meter, [thing])).toThrow(InvalidOptionsError);
        },
      );
    });
  });
}
