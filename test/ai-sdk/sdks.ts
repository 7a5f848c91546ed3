/** The AI SDK in both of its versions, called alike. */
import * as anthropic4 from "@ai-sdk/anthropic";
import * as openai4 from "@ai-sdk/openai";
import * as ai7 from "ai";
import * as ai6 from "ai-6";
import * as anthropic3 from "ai-sdk-anthropic-3";
import * as openai3 from "ai-sdk-openai-3";
import { z } from "zod";
import type { LanguageModel, MeterMiddleware } from "../../src/ai-sdk.ts";

export const APIS = ["openai.chat", "openai.responses", "anthropic.messages"] as const;
export type Api = (typeof APIS)[number];

/** Where a model is asked. */
export interface Target {
  api: Api;
  /** Of the upstream. */
  url: string;
  fetch?: typeof globalThis.fetch;
  modelId?: string;
}

export interface Ask {
  maxOutputTokens?: number;
  abortSignal?: AbortSignal;
  maxRetries?: number;
}

export interface Streamed {
  /** Takes the next piece of text; undefined at the end. */
  text: AsyncIterator<string>;
  /** What `onError` was told. */
  errors: unknown[];
}

export interface AiSdk {
  name: string;
  model(target: Target): LanguageModel;
  generate(target: Target, middleware: MeterMiddleware, ask?: Ask): Promise<string>;
  object(target: Target, middleware: MeterMiddleware): Promise<unknown>;
  /** In two steps, with a tool called in between. */
  loop(target: Target, middleware: MeterMiddleware): Promise<string>;
  stream(target: Target, middleware: MeterMiddleware, ask?: Ask): Streamed;
}

export const MODEL_IDS: Record<Api, string> = {
  "openai.chat": "gpt-4o-mini",
  "openai.responses": "gpt-4o-mini",
  "anthropic.messages": "claude-haiku-4-5",
};

const TOOL_SCHEMA = z.object({});
const PROMPT = "Wie heißt du?";

function provided({ api, url, fetch, modelId = MODEL_IDS[api] }: Target) {
  const settings = { apiKey: "none", baseURL: `${url}/v1`, ...(fetch === undefined ? {} : { fetch }) };
  return { api, settings, modelId };
}

function model7(target: Target) {
  const { api, settings, modelId } = provided(target);
  if (api === "anthropic.messages") return anthropic4.createAnthropic(settings)(modelId);
  const openai = openai4.createOpenAI(settings);
  return api === "openai.chat" ? openai.chat(modelId) : openai.responses(modelId);
}

function model6(target: Target) {
  const { api, settings, modelId } = provided(target);
  if (api === "anthropic.messages") return anthropic3.createAnthropic(settings)(modelId);
  const openai = openai3.createOpenAI(settings);
  return api === "openai.chat" ? openai.chat(modelId) : openai.responses(modelId);
}

const wrapped7 = (target: Target, middleware: MeterMiddleware) =>
  ai7.wrapLanguageModel({ model: model7(target), middleware });
const wrapped6 = (target: Target, middleware: MeterMiddleware) =>
  ai6.wrapLanguageModel({ model: model6(target), middleware });

export const AI_SDKS: AiSdk[] = [
  {
    name: "ai 7",
    model: model7,
    async generate(target, middleware, ask) {
      return (await ai7.generateText({ model: wrapped7(target, middleware), prompt: PROMPT, ...ask })).text;
    },
    async object(target, middleware) {
      const model = wrapped7(target, middleware);
      const output = ai7.Output.object({ schema: z.object({ name: z.string() }) });
      return (await ai7.generateText({ model, prompt: PROMPT, output })).output;
    },
    async loop(target, middleware) {
      const look = ai7.tool({ inputSchema: TOOL_SCHEMA, execute: () => "found" });
      const model = wrapped7(target, middleware);
      const { text } = await ai7.generateText({
        model,
        prompt: PROMPT,
        tools: { look },
        stopWhen: ai7.isStepCount(2),
      });
      return text;
    },
    stream(target, middleware, ask) {
      const errors: unknown[] = [];
      const { textStream } = ai7.streamText({
        model: wrapped7(target, middleware),
        prompt: PROMPT,
        onError: ({ error }) => void errors.push(error),
        ...ask,
      });
      return { errors, text: textStream[Symbol.asyncIterator]() };
    },
  },
  {
    name: "ai 6",
    model: model6,
    async generate(target, middleware, ask) {
      return (await ai6.generateText({ model: wrapped6(target, middleware), prompt: PROMPT, ...ask })).text;
    },
    async object(target, middleware) {
      const model = wrapped6(target, middleware);
      return (await ai6.generateObject({ model, prompt: PROMPT, schema: z.object({ name: z.string() }) }))
        .object;
    },
    async loop(target, middleware) {
      const look = ai6.tool({ inputSchema: TOOL_SCHEMA, execute: () => "found" });
      const model = wrapped6(target, middleware);
      const { text } = await ai6.generateText({
        model,
        prompt: PROMPT,
        tools: { look },
        stopWhen: ai6.stepCountIs(2),
      });
      return text;
    },
    stream(target, middleware, ask) {
      const errors: unknown[] = [];
      const { textStream } = ai6.streamText({
        model: wrapped6(target, middleware),
        prompt: PROMPT,
        onError: ({ error }) => void errors.push(error),
        ...ask,
      });
      return { errors, text: textStream[Symbol.asyncIterator]() };
    },
  },
];

/** All text of a stream. */
export async function readAll({ text }: Streamed): Promise<string> {
  let all = "";
  for (let next = await text.next(); !next.done; next = await text.next()) all += next.value;
  return all;
}
