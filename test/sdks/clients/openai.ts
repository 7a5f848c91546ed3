/** The `openai` package in its majors, `AzureOpenAI` and `groq-sdk`: made by the same generator, of one form. */
import Groq from "groq-sdk";
import OpenAI7, { AzureOpenAI as AzureOpenAI7 } from "openai";
import OpenAI5 from "openai-5";
import OpenAI6, { AzureOpenAI as AzureOpenAI6 } from "openai-6";
import { type Fetch, OPENAI_ERROR, OUTPUT_TOKENS_MAX, type Sdk, type Setting, userMessage } from "../sdk.ts";

/** What the suite asks of such a client. */
interface ChatClient {
  chat: {
    completions: {
      create(body: ChatBody, options: CallOptions): PromiseLike<ChatAnswer>;
      create(body: ChatBody & { stream: true }, options: CallOptions): PromiseLike<AsyncIterable<ChatChunk>>;
    };
  };
}

interface ChatBody {
  model: string;
  messages: { role: "user"; content: string }[];
  max_completion_tokens: number;
}
interface CallOptions {
  signal?: AbortSignal | undefined;
}
interface ChatAnswer {
  choices: { message: { content: string | null } }[];
}
interface ChatChunk {
  choices: { delta: { content?: string | null | undefined } }[];
}

interface ClientOptions {
  apiKey: string;
  fetch: Fetch;
  maxRetries?: number;
}

interface Kin {
  name: string;
  make(options: ClientOptions): ChatClient;
  provider: string;
  model: string;
  price: Sdk["price"];
}

const ofOpenAi = { provider: "openai", model: "gpt-4o-mini", price: { input: 150, output: 600 } };
const ofAzure = { ...ofOpenAi, provider: "azure", model: "our-deployment" };
const ofGroq = { provider: "groq", model: "llama-3.3-70b-versatile", price: { input: 590, output: 790 } };
const azure = { apiVersion: "2024-10-21", endpoint: "https://ours.openai.azure.com" };

const KIN: Kin[] = [
  { name: "openai 7", make: (options) => new OpenAI7(options), ...ofOpenAi },
  { name: "openai 6", make: (options) => new OpenAI6(options), ...ofOpenAi },
  { name: "openai 5", make: (options) => new OpenAI5(options), ...ofOpenAi },
  { name: "AzureOpenAI 7", make: (options) => new AzureOpenAI7({ ...options, ...azure }), ...ofAzure },
  { name: "AzureOpenAI 6", make: (options) => new AzureOpenAI6({ ...options, ...azure }), ...ofAzure },
  { name: "groq-sdk 1", make: (options) => new Groq(options), ...ofGroq },
];

export const OPENAI_CLIENTS: Sdk[] = KIN.flatMap(({ make, name, ...facts }) => {
  const ways: [suffix: string, connect: (setting: Setting) => ChatClient][] = [
    ["", ({ meter, ...setting }) => make(optionsOf({ ...setting, network: meter.fetch }))],
    [", instrumented", ({ meter, ...setting }) => meter.instrumentOpenAIClient(make(optionsOf(setting)))],
  ];
  return ways.map(
    ([suffix, connect]): Sdk => ({
      ...facts,
      name: `${name}${suffix}`,
      refusal: { body: OPENAI_ERROR, error: { status: 400 } },
      retries: "soon",
      connect(setting) {
        const client = connect(setting);
        const bodyOf = (question: string) => ({
          model: facts.model,
          messages: [userMessage(question)],
          max_completion_tokens: OUTPUT_TOKENS_MAX,
        });
        return {
          async ask(question, signal) {
            const answer = await client.chat.completions.create(bodyOf(question), { signal });
            return answer.choices[0]?.message.content ?? "";
          },
          async *stream(question, signal) {
            const chunks = await client.chat.completions.create(
              { ...bodyOf(question), stream: true },
              { signal },
            );
            for await (const chunk of chunks) {
              const text = chunk.choices[0]?.delta.content ?? "";
              if (text !== "") yield text;
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
