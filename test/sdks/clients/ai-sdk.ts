/** The AI SDK in its majors, over its providers for each API. */
import { createAnthropic as createAnthropic4 } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI as createGoogle4 } from "@ai-sdk/google";
import { createOpenAI as createOpenAI4 } from "@ai-sdk/openai";
import { createOpenAICompatible as createOpenAICompatible3 } from "@ai-sdk/openai-compatible";
import { generateText as generateText7, streamText as streamText7 } from "ai";
import { generateText as generateText6, streamText as streamText6 } from "ai-6";
import { createAnthropic as createAnthropic3 } from "ai-sdk-anthropic-3";
import { createGoogleGenerativeAI as createGoogle3 } from "ai-sdk-google-3";
import { createOpenAI as createOpenAI3 } from "ai-sdk-openai-3";
import { createOpenAICompatible as createOpenAICompatible2 } from "ai-sdk-openai-compatible-2";
import {
  ANTHROPIC_ERROR,
  type Fetch,
  GEMINI_ERROR,
  OPENAI_ERROR,
  OUTPUT_TOKENS_MAX,
  type Sdk,
} from "../sdk.ts";

type Model7 = Exclude<Parameters<typeof generateText7>[0]["model"], string>;
type Model6 = Exclude<Parameters<typeof generateText6>[0]["model"], string>;

type Facts = Pick<Sdk, "provider" | "model" | "price"> & { error: object };

const ofOpenAi: Facts = {
  provider: "openai",
  model: "gpt-4o-mini",
  price: { input: 150, output: 600 },
  error: OPENAI_ERROR,
};
const ofAnthropic: Facts = {
  provider: "anthropic",
  model: "claude-haiku-4-5",
  price: { input: 1_000, output: 5_000 },
  error: ANTHROPIC_ERROR,
};
const ofGoogle: Facts = {
  provider: "google",
  model: "gemini-2.5-flash",
  price: { input: 300, output: 2_500 },
  error: GEMINI_ERROR,
};
const ofGroq: Facts = {
  provider: "groq",
  model: "llama-3.3-70b-versatile",
  price: { input: 590, output: 790 },
  error: OPENAI_ERROR,
};
const apiKey = "none";
const groq = { name: "groq", apiKey, baseURL: "https://api.groq.com/openai/v1" };

const MODELS_7: [name: string, facts: Facts, modelOf: (fetch: Fetch) => Model7][] = [
  ["openai", ofOpenAi, (fetch) => createOpenAI4({ apiKey, fetch })(ofOpenAi.model)],
  ["openai.chat", ofOpenAi, (fetch) => createOpenAI4({ apiKey, fetch }).chat(ofOpenAi.model)],
  ["anthropic", ofAnthropic, (fetch) => createAnthropic4({ apiKey, fetch })(ofAnthropic.model)],
  ["google", ofGoogle, (fetch) => createGoogle4({ apiKey, fetch })(ofGoogle.model)],
  ["openai-compatible", ofGroq, (fetch) => createOpenAICompatible3({ ...groq, fetch })(ofGroq.model)],
];

const MODELS_6: [name: string, facts: Facts, modelOf: (fetch: Fetch) => Model6][] = [
  ["openai", ofOpenAi, (fetch) => createOpenAI3({ apiKey, fetch })(ofOpenAi.model)],
  ["openai.chat", ofOpenAi, (fetch) => createOpenAI3({ apiKey, fetch }).chat(ofOpenAi.model)],
  ["anthropic", ofAnthropic, (fetch) => createAnthropic3({ apiKey, fetch })(ofAnthropic.model)],
  ["google", ofGoogle, (fetch) => createGoogle3({ apiKey, fetch })(ofGoogle.model)],
  ["openai-compatible", ofGroq, (fetch) => createOpenAICompatible2({ ...groq, fetch })(ofGroq.model)],
];

/** What `generateText` and `streamText` of either major do with one model. */
interface Calls {
  generate(prompt: Prompt): PromiseLike<{ text: string }>;
  stream(prompt: Prompt): { fullStream: AsyncIterable<StreamPart> };
}

interface Prompt {
  prompt: string;
  maxOutputTokens: number;
  maxRetries?: number;
  abortSignal?: AbortSignal;
}
type StreamPart = { type: string; text?: string; error?: unknown };

/** Without a listener of its own it prints every error of a stream. */
const onError = () => {};

export const AI_SDK_CLIENTS: Sdk[] = [
  ...MODELS_7.map(([name, facts, modelOf]) =>
    sdkOf(`ai 7 ${name}`, facts, (fetch) => {
      const model = modelOf(fetch);
      return {
        generate: (prompt) => generateText7({ model, ...prompt }),
        stream: (prompt) => streamText7({ model, onError, ...prompt }),
      };
    }),
  ),
  ...MODELS_6.map(([name, facts, modelOf]) =>
    sdkOf(`ai 6 ${name}`, facts, (fetch) => {
      const model = modelOf(fetch);
      return {
        generate: (prompt) => generateText6({ model, ...prompt }),
        stream: (prompt) => streamText6({ model, onError, ...prompt }),
      };
    }),
  ),
];

function sdkOf(name: string, { error, ...facts }: Facts, callsOf: (fetch: Fetch) => Calls): Sdk {
  return {
    ...facts,
    name,
    refusal: { body: error, error: { statusCode: 400 } },
    retries: "slowly",
    connect({ meter, maxRetries }) {
      const calls = callsOf(meter.fetch);
      const promptOf = (prompt: string, abortSignal: AbortSignal | undefined) => ({
        prompt,
        maxOutputTokens: OUTPUT_TOKENS_MAX,
        ...(maxRetries === undefined ? {} : { maxRetries }),
        ...(abortSignal && { abortSignal }),
      });
      return {
        ask: async (question, signal) => (await calls.generate(promptOf(question, signal))).text,
        async *stream(question, signal) {
          for await (const { type, text = "", error } of calls.stream(promptOf(question, signal))
            .fullStream) {
            if (type === "error") throw error;
            if (type === "abort") throw signal?.reason;
            if (type === "text-delta" && text !== "") yield text;
          }
        },
      };
    },
  };
}
