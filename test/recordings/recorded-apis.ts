/** How a recorded answer is asked for again: one entry for each `api` of a record. */
import type { JsonObject } from "../../src/providers/json.ts";

/** The call of which an answer was recorded, as far as the meter must see it. */
export interface RecordedApi {
  /** Where the provider's clients send it. The host says whose prices apply; the local server gets it in its place. */
  url(record: JsonObject): string;
  body(record: JsonObject): JsonObject;
}

/**
 * An `api` is looked up without what follows its colon. Those without an entry are skipped by name. Of compatible servers
 * the model tells what embeds from what answers.
 */
export function recordedApi({ api, model }: JsonObject): RecordedApi | undefined {
  const [family = ""] = String(api).split(":");
  if (family === "openai-compatible" && /embed/i.test(String(model))) return embeddings;
  return RECORDED_APIS.get(family);
}

const chat: RecordedApi = {
  url: (record) => `${baseOf(record)}/chat/completions`,
  body: (record) => ({
    model: modelOf(record),
    max_tokens: 1000,
    messages: [],
    ...(record.streaming === true ? { stream: true, stream_options: { include_usage: true } } : {}),
  }),
};

const responses: RecordedApi = {
  url: (record) => `${baseOf(record)}/responses`,
  body: (record) => ({
    model: modelOf(record),
    max_output_tokens: 1000,
    input: "",
    stream: record.streaming === true,
  }),
};

const embeddings: RecordedApi = {
  url: (record) => `${baseOf(record)}/embeddings`,
  body: (record) => ({ model: modelOf(record), input: [] }),
};

const anthropicMessages: RecordedApi = {
  // Others that speak it state no cost, so that their prices make no difference here.
  url: ({ provider }) =>
    `${provider === "openrouter" ? BASES.get(provider) : "https://api.anthropic.com/v1"}/messages`,
  body: (record) => ({
    model: modelOf(record),
    max_tokens: 1000,
    messages: [],
    stream: record.streaming === true,
  }),
};

const bedrockConverse: RecordedApi = {
  url: (record) =>
    `https://bedrock-runtime.us-east-1.amazonaws.com/model/${encodeURIComponent(modelOf(record))}/converse`,
  body: () => ({ messages: [], inferenceConfig: { maxTokens: 1000 } }),
};

/** By its model an embedding is told from an answer, by its wire a stream. */
const gemini: RecordedApi = {
  url: (record) => {
    const model = modelOf(record);
    const method = model.includes("embedding") ? "batchEmbedContents" : contentMethod(record.wire);
    const base =
      record.provider === "google-vertex"
        ? "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google"
        : "https://generativelanguage.googleapis.com/v1beta";
    return `${base}/models/${model}:${method}`;
  },
  body: () => ({ contents: [], generationConfig: { maxOutputTokens: 1000 } }),
};

function contentMethod(wire: unknown): string {
  if (wire === "sse") return "streamGenerateContent?alt=sse";
  return wire === "json-array" ? "streamGenerateContent" : "generateContent";
}

const RECORDED_APIS: ReadonlyMap<string, RecordedApi> = new Map([
  ["openai-chat", chat],
  ["openai-compatible", chat],
  ["openai-responses", responses],
  ["openai-embeddings", embeddings],
  ["anthropic-messages", anthropicMessages],
  ["bedrock-converse", bedrockConverse],
  ["gemini", gemini],
]);

function modelOf(record: JsonObject): string {
  return String(record.model ?? "unknown");
}

/** Where OpenAI's own paths begin. */
const BASES: ReadonlyMap<unknown, string> = new Map([
  ["openai", "https://api.openai.com/v1"],
  ["alibaba", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"],
  ["azure", "https://recorded.openai.azure.com/openai/v1"],
  ["bedrock", "https://bedrock-mantle.us-east-1.api.aws/openai/v1"],
  ["cerebras", "https://api.cerebras.ai/v1"],
  ["cohere", "https://api.cohere.ai/compatibility/v1"],
  ["deepinfra", "https://api.deepinfra.com/v1/openai"],
  ["deepseek", "https://api.deepseek.com/v1"],
  ["fireworks", "https://api.fireworks.ai/inference/v1"],
  ["google", "https://generativelanguage.googleapis.com/v1beta/openai"],
  ["groq", "https://api.groq.com/openai/v1"],
  ["huggingface", "https://router.huggingface.co/v1"],
  ["minimax", "https://api.minimax.io/v1"],
  ["mistral", "https://api.mistral.ai/v1"],
  ["moonshotai", "https://api.moonshot.ai/v1"],
  ["openrouter", "https://openrouter.ai/api/v1"],
  ["perplexity", "https://api.perplexity.ai"],
  ["together", "https://api.together.xyz/v1"],
  ["voyageai", "https://api.voyageai.com/v1"],
  ["xai", "https://api.x.ai/v1"],
  ["zai", "https://api.z.ai/api/paas/v4"],
]);

/** By who served it, else by whom its `api` is named after. */
function baseOf({ provider, api }: JsonObject): string {
  const [, name] = String(api).split(":");
  return BASES.get(provider) ?? BASES.get(name) ?? "https://recorded.example/v1";
}
