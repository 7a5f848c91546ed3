/** Whose prices apply at an address. */

const PROVIDERS_BY_HOST: Record<string, string> = {
  "api.anthropic.com": "anthropic",
  "api.cerebras.ai": "cerebras",
  "api.cohere.ai": "cohere",
  "api.cohere.com": "cohere",
  "api.deepseek.com": "deepseek",
  "api.groq.com": "groq",
  "api.minimax.io": "minimax",
  "api.mistral.ai": "mistral",
  "api.moonshot.ai": "moonshotai",
  "api.moonshot.cn": "moonshotai",
  "api.openai.com": "openai",
  "api.perplexity.ai": "perplexity",
  "api.together.xyz": "together",
  "api.x.ai": "xai",
  "api.z.ai": "zai",
  "generativelanguage.googleapis.com": "google",
  "open.bigmodel.cn": "zhipuai",
  "openrouter.ai": "openrouter",
};

const PROVIDERS_BY_DOMAIN: [domain: string, provider: string][] = [
  [".openai.azure.com", "azure"],
  [".cognitiveservices.azure.com", "azure"],
  [".services.ai.azure.com", "azure"],
  [".api.openai.com", "openai"],
  [".amazonaws.com", "bedrock"],
  ["aiplatform.googleapis.com", "google"],
];

/** @returns undefined for what could be anyone's: localhost, a gateway, a server of one's own. */
export function providerAt({ hostname, pathname }: URL): string | undefined {
  const known = Object.hasOwn(PROVIDERS_BY_HOST, hostname) ? PROVIDERS_BY_HOST[hostname] : undefined;
  const byDomain = PROVIDERS_BY_DOMAIN.find(([domain]) => hostname.endsWith(domain))?.[1];
  // Azure's own paths, behind a gateway or a domain of one's own.
  const byPath = pathname.includes("/openai/deployments/") ? "azure" : undefined;
  return known ?? byDomain ?? byPath;
}
