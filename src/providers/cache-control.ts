/** `cache_control`, with which Anthropic's API and those after it are asked to write a cache. */
import { type JsonObject, jsonText } from "./json.ts";

/** The dearest cache write that a body asks for, wherever in it. */
export function cacheWriteOf(body: JsonObject): "5m" | "1h" | undefined {
  const text = jsonText(body);
  if (!text.includes('"cache_control":{')) return undefined;
  return text.includes('"ttl":"1h"') ? "1h" : "5m";
}
