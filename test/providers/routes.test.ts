import { describe, expect, it } from "vitest";
import { routeOf } from "../../src/providers/index.ts";
import { openAiChat } from "../../src/providers/openai-chat.ts";
import { openAiEmbeddings } from "../../src/providers/openai-embeddings.ts";
import { openAiResponses } from "../../src/providers/openai-responses.ts";

const VERTEX =
  "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models";
const BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model";

const post = (address: string) => routeOf("POST", new URL(address));

describe("A billed call is recognised under any base path, with the provider that its host names", () => {
  it.each([
    ["https://api.openai.com/v1/chat/completions", "openai-chat", "openai"],
    ["https://eu.api.openai.com/v1/chat/completions", "openai-chat", "openai"],
    ["https://eu.openrouter.ai/api/v1/chat/completions", "openai-chat", "openrouter"],
    ["https://us-east-1.api.x.ai/v1/chat/completions", "openai-chat", "xai"],
    ["https://notopenrouter.ai/api/v1/chat/completions", "openai-chat", "openai"],
    ["https://api.groq.com/openai/v1/chat/completions", "openai-chat", "groq"],
    ["https://api.mistral.ai/v1/chat/completions", "openai-chat", "mistral"],
    ["https://openrouter.ai/api/v1/chat/completions", "openai-chat", "openrouter"],
    [
      "https://x.openai.azure.com/openai/deployments/D/chat/completions?api-version=1",
      "openai-chat",
      "azure",
    ],
    ["https://apim.example/openai/deployments/D/chat/completions?api-version=1", "openai-chat", "azure"],
    ["https://apim.example/OpenAI/Deployments/D/chat/completions?api-version=1", "openai-chat", "azure"],
    ["https://gateway.example/v1/acc/gw/openai/chat/completions", "openai-chat", "openai"],
    ["https://gateway.example/v1/acc/gw/groq/chat/completions", "openai-chat", "groq"],
    ["http://localhost:8787/groq/openai/v1/chat/completions", "openai-chat", "groq"],
    ["https://x.openai.azure.com/openai/v1/chat/completions", "openai-chat", "azure"],
    ["https://x.services.ai.azure.com/models/chat/completions?api-version=1", "openai-chat", "azure"],
    ["https://api.deepseek.com/chat/completions", "openai-chat", "deepseek"],
    ["https://api.x.ai/v1/chat/completions", "openai-chat", "xai"],
    ["https://api.together.xyz/v1/chat/completions", "openai-chat", "together"],
    ["https://api.perplexity.ai/chat/completions", "openai-chat", "perplexity"],
    ["https://api.cohere.ai/compatibility/v1/chat/completions", "openai-chat", "cohere"],
    ["https://api.z.ai/api/paas/v4/chat/completions", "openai-chat", "zai"],
    ["https://router.huggingface.co/together/v1/chat/completions", "openai-chat", "huggingface"],
    ["https://x.snowflakecomputing.com/api/v2/cortex/v1/chat/completions", "openai-chat", "snowflake"],
    ["https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "openai-chat", "google"],
    ["https://bedrock-mantle.us-east-1.api.aws/v1/chat/completions", "openai-chat", "bedrock"],
    ["https://me.execute-api.us-east-1.amazonaws.com/v1/chat/completions", "openai-chat", "openai"],
    ["http://localhost:1234/v1/chat/completions/", "openai-chat", "openai"],
    ["https://api.openai.com/v1/responses", "openai-responses", "openai"],
    ["https://api.openai.com/v1/responses?beta=true", "openai-responses", "openai"],
    ["https://x.openai.azure.com/openai/v1/responses", "openai-responses", "azure"],
    ["https://x.openai.azure.com/openai/responses?api-version=1", "openai-responses", "azure"],
    ["https://api.x.ai/v1/responses", "openai-responses", "xai"],
    ["https://api.deepseek.com/responses", "openai-responses", "deepseek"],
    ["https://openrouter.ai/api/v1/responses", "openai-responses", "openrouter"],
    ["https://api.openai.com/v1/embeddings", "openai-embeddings", "openai"],
    [
      "https://x.openai.azure.com/openai/deployments/D/embeddings?api-version=1",
      "openai-embeddings",
      "azure",
    ],
    ["https://api.mistral.ai/v1/embeddings", "openai-embeddings", "mistral"],
    ["https://api.voyageai.com/v1/embeddings", "openai-embeddings", "voyageai"],
    ["https://api.anthropic.com/v1/messages", "anthropic-messages", "anthropic"],
    ["https://api.anthropic.com/v1/messages?beta=true", "anthropic-messages", "anthropic"],
    ["https://api.deepseek.com/anthropic/v1/messages", "anthropic-messages", "deepseek"],
    ["http://127.0.0.1:8080/v1/messages", "anthropic-messages", "anthropic"],
    ["https://api.moonshot.ai/anthropic/v1/messages", "anthropic-messages", "moonshotai"],
    ["https://dashscope-intl.aliyuncs.com/apps/anthropic/v1/messages", "anthropic-messages", "alibaba"],
    [`${VERTEX}/claude-sonnet-4-5@20250929:rawPredict`, "anthropic-vertex", "google"],
    [`${VERTEX}/claude-sonnet-4-5@20250929:streamRawPredict`, "anthropic-vertex", "google"],
    [`${BEDROCK}/us.anthropic.claude-opus-4-8/invoke`, "anthropic-bedrock", "bedrock"],
    [`${BEDROCK}/us.amazon.nova-lite-v1%3A0/converse`, "bedrock-converse", "bedrock"],
    ["http://localhost:8787/bedrock/model/amazon.nova-micro-v1%3A0/converse", "bedrock-converse", "bedrock"],
    ["https://generativelanguage.googleapis.com/v1beta/models/m:generateContent", "gemini", "google"],
    ["https://generativelanguage.googleapis.com/v1/models/m%3AgenerateContent", "gemini", "google"],
    [
      "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
      "gemini",
      "google",
    ],
    ["https://generativelanguage.googleapis.com/v1beta/tunedModels/m:generateContent", "gemini", "google"],
    ["https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "openai-chat", "google"],
    [
      "https://us-east4-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:generateContent",
      "gemini",
      "google",
    ],
    [
      "https://aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/12:streamGenerateContent",
      "gemini",
      "google",
    ],
    ["http://localhost:8787/google/v1beta1/publishers/google/models/m:generateContent", "gemini", "google"],
    ["https://generativelanguage.googleapis.com/v1beta/models/m:embedContent", "gemini-embeddings", "google"],
    ["http://localhost:1/v1beta/models/m:batchEmbedContents", "gemini-embeddings", "google"],
  ])("%s", (address, api, provider) => {
    expect(post(address)).toMatchObject({ kind: "call", api: { name: api }, provider });
  });
});

describe("A call to a host of data residency has its region's price, whatever the region", () => {
  it.each([openAiChat, openAiResponses, openAiEmbeddings])("of $name", ({ readCall }) => {
    const isRegional = (host: string) =>
      readCall({ url: new URL(`https://${host}/v1`), provider: "openai", body: { model: "m" } }).regional;
    const regions = ["us", "eu", "ae", "au", "ca", "gb", "in", "jp", "kr", "sg"];
    expect(regions.filter((region) => !isRegional(`${region}.api.openai.com`))).toEqual([]);
    const others = [
      "api.openai.com",
      "mtls.api.openai.com",
      "us.example.com",
      "eu.api.openai.com.example.com",
      "myapi.openai.com",
    ];
    expect(others.filter(isRegional)).toEqual([]);
  });
});

describe("What costs nothing passes", () => {
  it.each([
    "https://api.openai.com/v1/files",
    "https://api.openai.com/v1/uploads/upload_1/parts",
    "https://api.openai.com/v1/moderations",
    "https://api.openai.com/v1/responses/input_tokens",
    "https://api.openai.com/v1/responses/resp_1/cancel",
    "https://api.openai.com/v1/chat/completions/chatcmpl_1",
    "https://api.openai.com/v1/conversations/conv_1/items",
    "https://api.openai.com/v1/vector_stores/vs_1/files",
    "https://api.openai.com/v1/batches/b_1/cancel",
    "https://api.openai.com/v1/organization/projects/p/service_accounts",
    "https://api.openai.com/v1/projects/p/groups",
    "https://api.anthropic.com/v1/messages/count_tokens",
    "https://api.anthropic.com/v1/messages/batches/b_1/cancel",
    "https://api.anthropic.com/v1/files",
    `${VERTEX}/count-tokens:rawPredict`,
    `${BEDROCK}/us.anthropic.claude-opus-4-8/count-tokens`,
    "https://generativelanguage.googleapis.com/v1beta/models/m:countTokens",
    "https://generativelanguage.googleapis.com/v1beta/batches/b_1:cancel",
    "https://generativelanguage.googleapis.com/upload/v1beta/files?uploadType=resumable",
    "https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:computeTokens",
    "data:,",
  ])("POST %s", (address) => {
    expect(post(address)).toEqual({ kind: "free" });
  });

  it.each(["GET", "HEAD", "OPTIONS", "DELETE"])("%s anywhere", (method) => {
    expect(routeOf(method, new URL("https://api.openai.com/v1/responses/resp_1"))).toEqual({ kind: "free" });
  });
});

describe("Whatever else might cost money is not known", () => {
  it.each([
    "https://api.openai.com/v1/responses/compact",
    "https://api.openai.com/v1/completions",
    "https://api.openai.com/v1/images/generations",
    "https://api.openai.com/v1/audio/speech",
    "https://api.openai.com/v1/batches",
    "https://api.openai.com/v1/threads/thread_1/messages",
    "https://api.openai.com/v1/threads/thread_1/runs",
    "https://api.openai.com/v1/fine_tuning/jobs",
    "https://api.openai.com/v1/realtime/client_secrets",
    "https://api.mistral.ai/v1/conversations",
    "https://api.mistral.ai/v1/moderations",
    "https://gateway.example/v1/acc/gw/mistral/v1/moderations",
    "https://api.mistral.ai/v1/chat/moderations",
    "https://api.anthropic.com/v1/messages/batches",
    "https://api.anthropic.com/v1/complete",
    "https://x-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/meta/models/m:rawPredict",
    "https://x-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/other/models/m:generateContent",
    "https://x-aiplatform.googleapis.com/v1/projects/p/locations/l/cachedContents",
    "https://generativelanguage.googleapis.com/v1beta/cachedContents",
    "https://generativelanguage.googleapis.com/v1beta/interactions",
    "https://generativelanguage.googleapis.com/v1beta/tunedModels",
    "https://generativelanguage.googleapis.com/v1beta/models/m:batchGenerateContent",
    "https://generativelanguage.googleapis.com/v1beta/models/m:asyncBatchEmbedContent",
    "https://generativelanguage.googleapis.com/v1beta/models/m:predict",
    "https://generativelanguage.googleapis.com/v1beta/models/m:predictLongRunning",
    "https://generativelanguage.googleapis.com/v1beta/fileSearchStores/s:importFile",
    "https://generativelanguage.googleapis.com/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore",
    "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent/other",
    "https://generativelanguage.googleapis.com/v1beta/models/m",
    "https://gateway.example/organization/v1/completions",
    "https://gateway.example/v1/chat/completions/other",
    "https://api.openai.com/v1/chat%2Fcompletions",
    "https://anything.example/",
  ])("POST %s", (address) => {
    expect(post(address)).toEqual({ kind: "unknown" });
  });

  it.each(["PUT", "PATCH", "QUERY"])("%s", (method) => {
    expect(routeOf(method, new URL("https://api.openai.com/v1/anything"))).toEqual({ kind: "unknown" });
  });
});

describe("What Bedrock serves and can't be metered is refused with a reason", () => {
  it.each([
    ["us.anthropic.claude-opus-4-8/invoke-with-response-stream", /binary/],
    ["us.anthropic.claude-opus-4-8/converse-stream", /binary/],
    ["amazon.titan-embed-text-v1/invoke", /only Claude's form/],
  ])("POST %s", (path, reason) => {
    expect(post(`${BEDROCK}/${path}`)).toEqual({ kind: "unknown", reason: expect.stringMatching(reason) });
  });
});
