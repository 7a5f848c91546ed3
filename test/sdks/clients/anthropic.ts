/** `@anthropic-ai/sdk` in its majors. */
import Anthropic1 from "@anthropic-ai/sdk";
import Anthropic0 from "anthropic-0";
import {
  ANTHROPIC_ERROR,
  type Fetch,
  OUTPUT_TOKENS_MAX,
  type Sdk,
  type Setting,
  userMessage,
} from "../sdk.ts";

interface MessagesClient {
  messages: {
    create(
      body: MessageBody,
      options: CallOptions,
    ): PromiseLike<{ content: { type: string; text?: string }[] }>;
    create(
      body: MessageBody & { stream: true },
      options: CallOptions,
    ): PromiseLike<AsyncIterable<MessageEvent>>;
  };
}

interface MessageBody {
  model: string;
  messages: { role: "user"; content: string }[];
  max_tokens: number;
}
interface CallOptions {
  signal?: AbortSignal | undefined;
}
interface MessageEvent {
  type: string;
  delta?: object;
}

interface ClientOptions {
  apiKey: string;
  fetch: Fetch;
  maxRetries?: number;
}

const MAJORS: [name: string, make: (options: ClientOptions) => MessagesClient][] = [
  ["@anthropic-ai/sdk 1", (options) => new Anthropic1(options)],
  ["@anthropic-ai/sdk 0", (options) => new Anthropic0(options)],
];

export const ANTHROPIC_CLIENTS: Sdk[] = MAJORS.flatMap(([name, make]) => {
  const ways: [suffix: string, connect: (setting: Setting) => MessagesClient][] = [
    ["", ({ meter, ...setting }) => make(optionsOf({ ...setting, network: meter.fetch }))],
    [", instrumented", ({ meter, ...setting }) => meter.instrumentAnthropicClient(make(optionsOf(setting)))],
  ];
  return ways.map(
    ([suffix, connect]): Sdk => ({
      name: `${name}${suffix}`,
      provider: "anthropic",
      model: "claude-haiku-4-5",
      price: { input: 1_000, output: 5_000 },
      refusal: { body: ANTHROPIC_ERROR, error: { status: 400 } },
      retries: "soon",
      connect(setting) {
        const client = connect(setting);
        const bodyOf = (question: string) => ({
          model: "claude-haiku-4-5",
          messages: [userMessage(question)],
          max_tokens: OUTPUT_TOKENS_MAX,
        });
        return {
          async ask(question, signal) {
            const answer = await client.messages.create(bodyOf(question), { signal });
            return answer.content.map(({ text = "" }) => text).join("");
          },
          async *stream(question, signal) {
            const events = await client.messages.create({ ...bodyOf(question), stream: true }, { signal });
            for await (const { delta } of events) {
              if (delta !== undefined && "text" in delta && typeof delta.text === "string") yield delta.text;
            }
          },
        };
      },
    }),
  );
});

function optionsOf({ network, maxRetries }: Omit<Setting, "meter">): ClientOptions {
  return { apiKey: "none", fetch: network, ...(maxRetries === undefined ? {} : { maxRetries }) };
}
