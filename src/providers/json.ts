/** JSON from outside, read without trust. */

/** A JSON object whose fields nobody has checked yet. */
export type JsonObject = { readonly [field: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a field is there: APIs take null for left out. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The objects of an array; none where `value` is no array. */
export function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** What no API takes for content, but a lenient server may: neither text nor a list of objects. */
export function isNested(content: unknown): boolean {
  return isObject(content) || (Array.isArray(content) && content.some(Array.isArray));
}

/** @returns undefined for text that is no JSON object. */
export function parseObject(text: string): JsonObject | undefined {
  const value = parsed(text);
  return isObject(value) ? value : undefined;
}

/** The object that a body is, or that it holds alone in an array: so Gemini answers with errors where it would stream. */
export function parseOnlyObject(text: string): JsonObject | undefined {
  const value = parsed(text);
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return isObject(only) ? only : undefined;
}

const texts = new WeakMap<JsonObject, string>();

/** The text of an object that does not change, made once: bodies may be large. */
export function jsonText(object: JsonObject): string {
  const text = texts.get(object) ?? JSON.stringify(object);
  texts.set(object, text);
  return text;
}

export function nonEmptyString(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
