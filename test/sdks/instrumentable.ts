/** The clients that a meter is put under after they were made. */
import Anthropic1, { AnthropicError as AnthropicError1 } from "@anthropic-ai/sdk";
import Anthropic0, { AnthropicError as AnthropicError0 } from "anthropic-0";
import Groq, { GroqError } from "groq-sdk";
import OpenAI7, { AzureOpenAI as AzureOpenAI7, OpenAIError as OpenAIError7 } from "openai";
import OpenAI5, { OpenAIError as OpenAIError5 } from "openai-5";
import OpenAI6, { AzureOpenAI as AzureOpenAI6, OpenAIError as OpenAIError6 } from "openai-6";
import type { UsageMeter } from "../../src/index.ts";
import { type Fetch, userMessage } from "./sdk.ts";

export interface Instrumentable {
  name: string;
  make(fetch?: Fetch): Handle;
  instrument(meter: UsageMeter, client: object): object;
  /** The root of the package's own errors. */
  root: new (
    ...parameters: never[]
  ) => Error;
}

/** One client, and what is asked of it. */
export interface Handle {
  client: object;
  ask(): PromiseLike<unknown>;
  copy(options: CopyOptions): Handle;
  /** Any method of HTTP, to the path of {@link ask}. */
  send(method: Method): PromiseLike<unknown>;
  /** Helpers that read a stream by themselves. */
  helpers: Record<string, () => PromiseLike<unknown>>;
}

export type Method = "get" | "post" | "put" | "patch" | "delete";
export type CopyOptions = { maxRetries?: number; timeout?: number; fetch?: Fetch };

type Verbs = Record<Method, (path: string, options: { body?: object }) => PromiseLike<unknown>>;

const messages = [userMessage("Hi")];
const question = { model: "gpt-4o-mini", messages, max_completion_tokens: 16 };
const input = { model: "gpt-4o-mini", input: "Hi", max_output_tokens: 16 };
const claude = { model: "claude-haiku-4-5", max_tokens: 16, messages };
const azure = { apiVersion: "2024-10-21", endpoint: "https://ours.openai.azure.com" };
const clock = { description: "The time", parameters: {}, function: () => "noon" };
const tools = [{ type: "function" as const, function: { name: "clock", ...clock } }];

interface ChatClient extends Verbs {
  withOptions(options: CopyOptions): ChatClient;
  chat: { completions: { create(body: typeof question): PromiseLike<unknown> } };
}

interface OpenAiClient extends ChatClient {
  withOptions(options: CopyOptions): OpenAiClient;
  chat: {
    completions: {
      create(body: typeof question): PromiseLike<unknown>;
      stream(body: typeof question): { finalContent(): Promise<unknown> };
      runTools(body: typeof question & { tools: typeof tools }): { finalContent(): Promise<unknown> };
    };
  };
  responses: { stream(body: typeof input): { finalResponse(): Promise<unknown> } };
}

interface AnthropicClient extends Verbs {
  withOptions(options: CopyOptions): AnthropicClient;
  messages: {
    create(body: typeof claude): PromiseLike<unknown>;
    stream(body: typeof claude): { finalText(): Promise<unknown> };
  };
  beta: {
    messages: {
      stream(body: typeof claude): { finalText(): Promise<unknown> };
      toolRunner(body: typeof claude & { tools: [] }): PromiseLike<unknown>;
    };
  };
}

function chatHandle(client: ChatClient, { path, body }: { path: string; body: typeof question }): Handle {
  return {
    client,
    ask: () => client.chat.completions.create(body),
    copy: (options) => chatHandle(client.withOptions(options), { path, body }),
    send: (method) => client[method](path, method === "get" ? {} : { body }),
    helpers: {},
  };
}

function openAiHandle(client: OpenAiClient): Handle {
  const { chat, responses } = client;
  return {
    ...chatHandle(client, { path: "/chat/completions", body: question }),
    copy: (options) => openAiHandle(client.withOptions(options)),
    helpers: {
      "chat.completions.stream": () => chat.completions.stream(question).finalContent(),
      "chat.completions.runTools": () => chat.completions.runTools({ ...question, tools }).finalContent(),
      "responses.stream": () => responses.stream(input).finalResponse(),
    },
  };
}

function anthropicHandle(client: AnthropicClient): Handle {
  return {
    client,
    ask: () => client.messages.create(claude),
    copy: (options) => anthropicHandle(client.withOptions(options)),
    send: (method) => client[method]("/v1/messages", method === "get" ? {} : { body: claude }),
    helpers: {
      "messages.stream": () => client.messages.stream(claude).finalText(),
      "beta.messages.stream": () => client.beta.messages.stream(claude).finalText(),
      "beta.messages.toolRunner": () => client.beta.messages.toolRunner({ ...claude, tools: [] }),
    },
  };
}

const optionsOf = (fetch: Fetch | undefined) => ({
  apiKey: "none",
  ...(fetch === undefined ? {} : { fetch }),
});
const asOpenAi = {
  instrument: (meter: UsageMeter, client: object) => meter.instrumentOpenAIClient(client),
};
const asAnthropic = {
  instrument: (meter: UsageMeter, client: object) => meter.instrumentAnthropicClient(client),
};

export const INSTRUMENTABLE: Instrumentable[] = [
  {
    ...asOpenAi,
    name: "openai 7",
    root: OpenAIError7,
    make: (fetch) => openAiHandle(new OpenAI7(optionsOf(fetch))),
  },
  {
    ...asOpenAi,
    name: "openai 6",
    root: OpenAIError6,
    make: (fetch) => openAiHandle(new OpenAI6(optionsOf(fetch))),
  },
  {
    ...asOpenAi,
    name: "openai 5",
    root: OpenAIError5,
    make: (fetch) => openAiHandle(new OpenAI5(optionsOf(fetch))),
  },
  {
    ...asOpenAi,
    name: "AzureOpenAI 7",
    root: OpenAIError7,
    make: (fetch) => openAiHandle(new AzureOpenAI7({ ...optionsOf(fetch), ...azure })),
  },
  {
    ...asOpenAi,
    name: "AzureOpenAI 6",
    root: OpenAIError6,
    make: (fetch) => openAiHandle(new AzureOpenAI6({ ...optionsOf(fetch), ...azure })),
  },
  {
    ...asOpenAi,
    name: "groq-sdk 1",
    root: GroqError,
    make: (fetch) =>
      chatHandle(new Groq(optionsOf(fetch)), {
        path: "/openai/v1/chat/completions",
        body: { ...question, model: "llama-3.3-70b-versatile" },
      }),
  },
  {
    ...asAnthropic,
    name: "@anthropic-ai/sdk 1",
    root: AnthropicError1,
    make: (fetch) => anthropicHandle(new Anthropic1(optionsOf(fetch))),
  },
  {
    ...asAnthropic,
    name: "@anthropic-ai/sdk 0",
    root: AnthropicError0,
    make: (fetch) => anthropicHandle(new Anthropic0(optionsOf(fetch))),
  },
];
