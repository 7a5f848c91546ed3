/** Whose prices apply to a model of the AI SDK, by the names that its provider package gives. */
import { canonicalProvider } from "../../pricing/names.ts";

/** A vendor and a model, as prices are looked up. */
export interface PricedNames {
  readonly provider: string;
  readonly model: string;
  /** The call may have the price of a region, and nothing says whether it has. */
  readonly mayBeRegional?: true;
}

/**
 * The names to price a model by: `openai` and `gpt-4o-mini` for the `gpt-4o-mini` of `openai.responses`. Vercel's gateway
 * names the vendor in its model, and charges the vendor's list price.
 */
export function pricedNames({ provider, modelId }: { provider: string; modelId: string }): PricedNames {
  const [first = "", ...others] = provider.split(".");
  const slash = modelId.indexOf("/");
  if (first === "gateway" && slash > 0) {
    return { provider: vendorOf(modelId.slice(0, slash)), model: modelId.slice(slash + 1) };
  }
  const vendor = vendorOf(first);
  // Claude on Vertex, `vertex.anthropic.messages`, has Anthropic's list prices.
  const isClaudeOnVertex = vendor === "google" && others.includes("anthropic");
  if (isClaudeOnVertex) return { provider: "anthropic", model: modelId, mayBeRegional: true };
  return { provider: vendor, model: modelId };
}

/** `amazon-bedrock`, `azure-openai`, `vertex` and others are spellings that prices know anyway. */
function vendorOf(name: string): string {
  return name === "togetherai" ? "together" : canonicalProvider(name);
}
