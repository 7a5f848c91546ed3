/** The clouds' own clients, and LangChain's for Claude: refused in one attempt with our very error, and metered. */
import { AnthropicBedrock } from "@anthropic-ai/bedrock-sdk";
import { AnthropicVertex } from "@anthropic-ai/vertex-sdk";
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { ChatAnthropic } from "@langchain/anthropic";
import { FetchHttpHandler } from "@smithy/fetch-http-handler";
import { OAuth2Client } from "google-auth-library";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { BudgetExceededError, StoreUnavailableError } from "../../src/errors.ts";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { freshNamespace } from "../meter/stores.ts";
import { nobodyListens } from "../support/broken-stores.ts";
import { failure } from "../support/outcomes.ts";
import { startOwnTime } from "../support/own-time.ts";
import { json } from "../support/upstream.ts";
import { type Bench, startBench } from "./bench.ts";
import { type Fetch, userMessage } from "./sdk.ts";

const messages = [userMessage("Hi")];
const question = { max_tokens: 50, messages };
const onBedrock = "anthropic.claude-haiku-4-5-20251001-v1:0";
const onVertex = "claude-haiku-4-5@20251001";

const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5-20251001",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 7, output_tokens: 3 },
};
const CONVERSED = {
  output: { message: { role: "assistant", content: [{ text: "Hello" }] } },
  stopReason: "end_turn",
  usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 },
  metrics: { latencyMs: 1 },
};

interface CloudClient {
  client: string;
  ask(fetch: Fetch): Promise<unknown>;
  answer: object;
  /** In a region, Claude costs a tenth more. */
  costNanoUsd: number;
}

const CLIENTS: CloudClient[] = [
  {
    client: "@anthropic-ai/bedrock-sdk",
    ask: (fetch) =>
      new AnthropicBedrock({
        awsAccessKey: "none",
        awsSecretKey: "none",
        awsRegion: "us-east-1",
        fetch,
      }).messages.create({ model: onBedrock, ...question }),
    answer: MESSAGE,
    costNanoUsd: 24_200,
  },
  {
    client: "@anthropic-ai/vertex-sdk",
    ask: (fetch) => {
      const authClient = new OAuth2Client();
      authClient.setCredentials({ access_token: "none" });
      const client = new AnthropicVertex({ projectId: "p", region: "us-east5", authClient, fetch });
      return client.messages.create({ model: onVertex, ...question });
    },
    answer: MESSAGE,
    costNanoUsd: 24_200,
  },
  {
    client: "@aws-sdk/client-bedrock-runtime over a fetch handler",
    ask: (customFetch) => {
      const options = { customFetch, requestTimeout: 60_000 };
      const client = new BedrockRuntimeClient({
        region: "us-east-1",
        credentials: { accessKeyId: "none", secretAccessKey: "none" },
        requestHandler: new FetchHttpHandler(options),
      });
      const content = [{ text: "Hi" }];
      return client.send(
        new ConverseCommand({
          modelId: onBedrock,
          messages: [{ role: "user", content }],
          inferenceConfig: { maxTokens: 50 },
        }),
      );
    },
    answer: CONVERSED,
    costNanoUsd: 24_200,
  },
  {
    client: "@langchain/anthropic",
    ask: (fetch) =>
      new ChatAnthropic({
        model: "claude-haiku-4-5",
        apiKey: "none",
        maxTokens: 50,
        clientOptions: { fetch },
      }).invoke("Hi"),
    answer: MESSAGE,
    costNanoUsd: 22_000,
  },
];

let bench: Bench;
let events: MeterEvent[];
const closings: (() => unknown)[] = [];
beforeEach(async () => {
  bench = await startBench();
  events = [];
});
afterEach(async () => {
  await bench.close();
  for (const close of closings.splice(0)) await close();
});

function meterOf(options: Partial<NodeMeterOptions>): UsageMeter {
  const meter = new UsageMeter({
    redisUrl: inject("redisUrl"),
    namespace: freshNamespace(),
    scope: "run:cloud",
    fetch: bench.network,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  closings.push(() => meter.close());
  return meter;
}

describe.each(CLIENTS)("$client", ({ ask, answer, costNanoUsd }) => {
  it("is settled by the usage in its answer", async () => {
    bench.upstream.answer = json(answer);
    const meter = meterOf({ budgets: [{ window: "total", usd: 1 }] });
    await ask(meter.fetch);
    await meter.flush();
    expect(events).toMatchObject([{ type: "settled", receipt: { source: "reported", costNanoUsd } }]);
    expect(await meter.getUsage()).toMatchObject({ nanoUsdSpent: costNanoUsd, usdHeld: 0 });
  });

  it("is denied in one attempt, with our very error, and nothing is sent", async () => {
    const error = await failure(ask(meterOf({ budgets: [{ window: "total", usd: "0.000001" }] }).fetch));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(events.map((event) => event.error)).toEqual([error]);
    expect(bench.upstream.requests).toEqual([]);
  });

  it("is refused within 1.5 s where the store is dead, in one attempt, and nothing is sent", async () => {
    const meter = meterOf({ redisUrl: await nobodyListens((close) => closings.push(close)) });
    const endOwnTime = startOwnTime();
    const error = await failure(ask(meter.fetch));
    expect(endOwnTime()).toBeLessThan(1_500);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(events.map((event) => event.error)).toEqual([error]);
    expect(bench.upstream.requests).toEqual([]);
  });
});
