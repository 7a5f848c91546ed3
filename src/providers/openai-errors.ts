/** Errors as OpenAI's APIs state them, and those after them. */
import { isGiven, isObject, type JsonObject } from "./json.ts";

/**
 * OpenAI's form, Mistral's and vLLM's (`object: "error"`), and xAI's (`code` and `error` as texts). What turns a request
 * away before any model has it says less, at Azure, Cerebras, Mistral, Voyage and xAI: with a 4xx it is their refusal,
 * with a 5xx it may be of something in between.
 */
export function isOpenAiError({ object, error, message, detail, code }: JsonObject, status: number): boolean {
  if (isObject(error)) return typeof error.message === "string";
  if (object === "error") return isGiven(message);
  const says = [error, message].some((text) => typeof text === "string");
  if (status < 500 && status !== FAILED_DEPENDENCY) return says || isGiven(detail);
  return typeof error === "string" && typeof code === "string";
}

/** What it depends on may be a model that ran. */
const FAILED_DEPENDENCY = 424;

/** A refusal of the meter's in OpenAI's form. */
export function openAiError(code: string, message: string): JsonObject {
  return { error: { message, type: "agentlimit", param: null, code } };
}
