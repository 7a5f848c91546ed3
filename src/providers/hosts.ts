/** Whose prices apply at an address. */

/** As the vendors' own API references print them. */
const PROVIDERS_BY_HOST: Record<string, string> = {
  "api.anthropic.com": "anthropic", // platform.claude.com/docs
  "api.cerebras.ai": "cerebras", // inference-docs.cerebras.ai
  "api.cohere.ai": "cohere", // docs.cohere.com/docs/compatibility-api
  "api.cohere.com": "cohere",
  "api.deepinfra.com": "deepinfra", // deepinfra.com/docs/openai_api
  "api.deepseek.com": "deepseek", // api-docs.deepseek.com
  "api.fireworks.ai": "fireworks", // docs.fireworks.ai
  "api.groq.com": "groq", // console.groq.com/docs
  "api.minimax.io": "minimax", // platform.minimax.io/docs
  "api.mistral.ai": "mistral", // docs.mistral.ai/api
  "api.moonshot.ai": "moonshotai", // platform.moonshot.ai/docs
  "api.moonshot.cn": "moonshotai",
  "api.openai.com": "openai", // platform.openai.com/docs
  "api.perplexity.ai": "perplexity", // docs.perplexity.ai
  "api.together.ai": "together", // docs.together.ai
  "api.together.xyz": "together",
  "api.voyageai.com": "voyageai", // docs.voyageai.com
  "api.x.ai": "xai", // docs.x.ai
  "api.z.ai": "zai", // docs.z.ai
  "dashscope-intl.aliyuncs.com": "alibaba", // alibabacloud.com/help/en/model-studio
  "dashscope.aliyuncs.com": "alibaba",
  "generativelanguage.googleapis.com": "google", // ai.google.dev/gemini-api/docs/openai
  "ollama.com": "ollama", // docs.ollama.com
  "open.bigmodel.cn": "zhipuai", // docs.bigmodel.cn
  "openrouter.ai": "openrouter", // openrouter.ai/docs
  "router.huggingface.co": "huggingface", // huggingface.co/docs/inference-providers
};

const PROVIDERS_BY_DOMAIN: [domain: RegExp, provider: string][] = [
  [/\.(?:openai|cognitiveservices|services\.ai)\.azure\.com$/, "azure"], // learn.microsoft.com/azure/ai-foundry
  // The runtime, its VPC endpoints, and bedrock-mantle, which speaks OpenAI's APIs: docs.aws.amazon.com/bedrock
  [/(?:^|\.)bedrock-.*\.(?:amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/, "bedrock"],
  [/(?:^|-)aiplatform\.googleapis\.com$/, "google"], // cloud.google.com/vertex-ai/docs/reference/rest
  [/\.snowflakecomputing\.com$/, "snowflake"], // docs.snowflake.com/en/user-guide/snowflake-cortex
];

const KNOWN_PROVIDERS = new Set([
  ...Object.values(PROVIDERS_BY_HOST),
  ...PROVIDERS_BY_DOMAIN.map(([, name]) => name),
]);

/**
 * The provider that an address names: by its host, under which regions have theirs (`eu.api.openai.com`), else by Azure's
 * own paths, else by a part of the path, as gateways and local proxies have it (`/v1/ACCOUNT/GATEWAY/groq/chat/completions`).
 *
 * @returns undefined for what could be anyone's: localhost, a gateway, a server of one's own.
 */
export function providerAt({ hostname, pathname }: URL): string | undefined {
  const byHost = Object.entries(PROVIDERS_BY_HOST).find(([host]) => `.${hostname}`.endsWith(`.${host}`))?.[1];
  const byDomain = PROVIDERS_BY_DOMAIN.find(([domain]) => domain.test(hostname))?.[1];
  const byPath = /\/openai\/deployments\//i.test(pathname) ? "azure" : undefined;
  return byHost ?? byDomain ?? byPath ?? pathname.split("/").find((part) => KNOWN_PROVIDERS.has(part));
}

/**
 * Data residency at OpenAI, in whatever region, which costs more on some models: platform.openai.com/docs/guides/your-data.
 * The host for client certificates is of no region.
 */
export function isResident({ hostname }: URL): boolean {
  return hostname.endsWith(".api.openai.com") && hostname !== "mtls.api.openai.com";
}
