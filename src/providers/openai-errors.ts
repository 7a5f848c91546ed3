/** Errors as OpenAI's APIs state them, and those after them. */
import { isObject, type JsonObject } from "./json.ts";

/** OpenAI's form, Mistral's and vLLM's (`object: "error"`), and xAI's (`code` and `error` as texts). */
export function isOpenAiError(body: JsonObject): boolean {
  const { error } = body;
  if (isObject(error)) return typeof error.message === "string";
  if (body.object === "error") return typeof body.message === "string";
  return typeof error === "string" && typeof body.code === "string";
}

/** A refusal of the meter's in OpenAI's form. */
export function openAiError(code: string, message: string): JsonObject {
  return { error: { message, type: "agentlimit", param: null, code } };
}
