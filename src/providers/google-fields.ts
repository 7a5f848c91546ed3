/** Fields of requests to Google's APIs, whose JSON takes each by two names and a lone object for a list. */
import { boundingCount, malformed } from "./bounding-fields.ts";
import { isGiven, isObject, type JsonObject } from "./json.ts";

/**
 * A field that bears on the cost, as `maxOutputTokens` or as `max_output_tokens`.
 *
 * @param name the first of the two.
 * @throws InvalidUsageError where both are given: nobody knows which one counts.
 */
export function fieldOf(object: JsonObject, name: string): unknown {
  const other = snakeCase(name);
  if (other === name || !isGiven(object[other])) return object[name];
  if (isGiven(object[name])) throw malformed(name, `is given twice, as \`${other}\` too`);
  return object[other];
}

/**
 * @returns undefined when the field is left out.
 * @throws InvalidUsageError for what is no object.
 */
export function objectOf(object: JsonObject, name: string): JsonObject | undefined {
  const value = fieldOf(object, name);
  if (!isGiven(value) || isObject(value)) return isObject(value) ? value : undefined;
  throw malformed(name, "is no object");
}

/**
 * The objects of a list; an object alone is a list of one.
 *
 * @throws InvalidUsageError for anything else.
 */
export function listOf(object: JsonObject, name: string): readonly JsonObject[] {
  const value = fieldOf(object, name);
  if (!isGiven(value)) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.every(isObject)) return list;
  throw malformed(name, "is no list of objects");
}

/** @throws InvalidUsageError for anything but a whole number from 1. */
export function countOf(object: JsonObject, name: string): number | undefined {
  return boundingCount({ [name]: fieldOf(object, name) }, name);
}

/** `fileData` for `file_data`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
