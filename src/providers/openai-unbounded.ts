/** What a request to any of OpenAI's APIs may ask for that nothing bounds, its tools aside. */
import { boundingList } from "./bounding-fields.ts";
import { isGiven, isObject, type JsonObject } from "./json.ts";
import type { ApiRequest } from "./provider.ts";
import { passesOf, type UnboundedFeature } from "./unbounded.ts";

export function unboundedAround({ provider, body }: ApiRequest, model: string): UnboundedFeature[] {
  const found = passesOf(model);
  if (searchesTheWeb(provider, body) || model.includes(":online")) found.push("webSearch");
  if (["plugins", "data_sources", "dataSources"].some((field) => boundingList(body, field).length > 0))
    found.push("serverTool");
  if (boundingList(body, "models").length > 0 || isStoredElsewhere(model, body)) found.push("otherModels");
  if (isObject(body.reasoning) && isGiven(body.reasoning.mode) && body.reasoning.mode !== "standard")
    found.push("severalPasses");
  if (isGiven(body.background) && body.background !== false) found.push("background");
  return found;
}

/** Perplexity's own models search with every call: the fee is in their price, the pages are in no count. */
function searchesTheWeb(provider: string, body: JsonObject): boolean {
  if (isGiven(body.search_parameters)) return true;
  // Alibaba's.
  if (isGiven(body.enable_search) && body.enable_search !== false) return true;
  const options = body.web_search_options;
  if (provider !== "perplexity") return isGiven(options);
  return isObject(options) && isGiven(options.search_type) && options.search_type !== "fast";
}

/** OpenRouter's router and its presets choose the model, and more. */
function isStoredElsewhere(model: string, { preset }: JsonObject): boolean {
  return isGiven(preset) || model.includes("@preset/") || model === "openrouter/auto";
}
