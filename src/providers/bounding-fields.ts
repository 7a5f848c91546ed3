/** Fields of a request that bear on what it may cost. One that is malformed is refused: a server might read more into it. */
import { InvalidUsageError } from "../errors.ts";
import { isGiven, isObject, type JsonObject } from "./json.ts";

/**
 * A whole number from `least`, 1 where it is left out.
 *
 * @returns undefined when the field is left out.
 * @throws InvalidUsageError for anything else, `"5"` among it.
 */
export function boundingCount(body: JsonObject, field: string, least: 0 | 1 = 1): number | undefined {
  const value = body[field];
  if (!isGiven(value)) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw malformed(field, `is no whole number from ${least}`);
}

/**
 * @returns an empty list when the field is left out.
 * @throws InvalidUsageError for what is no list.
 */
export function boundingList(body: JsonObject, field: string): readonly unknown[] {
  const value = body[field];
  if (!isGiven(value)) return [];
  if (Array.isArray(value)) return value;
  throw malformed(field, "is no list");
}

/** Limits below are refused by OpenAI's responses, and useless elsewhere: what is billed says nothing. */
export const LEAST_OUTPUT_TOKENS = 16;

/** How far a limit may be lowered: not down to a budget for thinking, which has to leave something for the answer. */
export function outputFloor(thinking: unknown, field: string): number {
  const budget = isObject(thinking) ? thinking[field] : undefined;
  return Math.max(LEAST_OUTPUT_TOKENS, typeof budget === "number" ? Math.ceil(budget) + 1 : 0);
}

/** How many characters of Base64 a value is; 0 for other text, which counts as such. */
export function base64Length(value: unknown): number {
  return typeof value === "string" && !/[^\w+/=\r\n-]/.test(value) ? value.length : 0;
}

/** What a field that is refused is refused with: a clause that follows its name. */
export function malformed(field: string, what: string): InvalidUsageError {
  return new InvalidUsageError(
    `\`${field}\` of this request bears on its cost and ${what}. Servers differ in what they make of that.`,
  );
}
