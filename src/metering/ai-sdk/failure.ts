/** What a call that failed in the AI SDK has cost: nothing only where that is certain. */
import { AgentLimitError } from "../../errors.ts";
import { PROVIDER_APIS, readUsageOf } from "../../providers/index.ts";
import { isObject, type JsonObject, parseObject } from "../../providers/json.ts";
import type { ProviderApi, ReportedUsage, UsageContext } from "../../providers/provider.ts";
import { canBeUnbilled, untoldBy, type Verdict } from "../watch.ts";

/** Errors of the SDK that are thrown while a request is made, by the names that all its versions give them. */
const BEFORE_SENDING = new Set<unknown>([
  "AI_LoadAPIKeyError",
  "AI_LoadSettingError",
  "AI_NoSuchModelError",
  "AI_UnsupportedFunctionalityError",
  "AI_InvalidPromptError",
]);

/**
 * Reported: an error states its usage. Unbilled: never sent, or refused in the form of an API's errors. Everything else may
 * have run to its end; a reason says so where an answer came.
 */
export function verdictOfFailure(error: unknown, call: UsageContext): Verdict {
  const causes = causesOf(error);
  const usage = causes.map((cause) => statedIn(cause, call)).find((stated) => stated !== undefined);
  if (usage !== undefined) return { kind: "reported", usage };
  if (causes.some(isUnbilled)) return { kind: "unbilled" };
  const reason = reasonOf(causes);
  return { kind: "unknown", ...(reason === undefined ? {} : { reason }) };
}

function isUnbilled(error: JsonObject): boolean {
  // A meter underneath refused before sending.
  if (error instanceof AgentLimitError || BEFORE_SENDING.has(error.name)) return true;
  const refusal = refusalIn(error);
  if (refusal === undefined || !canBeUnbilled(refusal.status)) return false;
  return !PROVIDER_APIS.some((api) => api.isAnswer(refusal.body)) && refusal.apis.length > 0;
}

/** Nobody says which API was called: that of the provider is asked first. */
function statedIn(error: JsonObject, call: UsageContext): ReportedUsage | undefined {
  const refusal = refusalIn(error);
  if (refusal === undefined) return undefined;
  const isOwn = ({ defaultProvider }: ProviderApi) => defaultProvider === call.provider;
  const apis = [...refusal.apis.filter(isOwn), ...refusal.apis.filter((api) => !isOwn(api))];
  return apis.map((api) => readUsageOf(api, refusal.body, call)).find((stated) => stated !== undefined);
}

/** The body of a 4xx or 5xx, and the APIs whose errors have its form. */
function refusalIn({ statusCode: status, responseBody, responseHeaders }: JsonObject) {
  if (typeof status !== "number" || status < 400) return undefined;
  // OpenAI's package makes such an error of one in a stream, too, after the call was admitted.
  const contentType = isObject(responseHeaders) ? responseHeaders["content-type"] : undefined;
  if (String(contentType).includes("text/event-stream")) return undefined;
  const body = typeof responseBody === "string" ? parseObject(responseBody) : undefined;
  return body && { status, body, apis: PROVIDER_APIS.filter((api) => api.isErrorBody(body, status)) };
}

/** What the SDK says of an answer that it could not read. */
const UNREADABLE = new Set<unknown>(["AI_JSONParseError", "AI_TypeValidationError"]);

function reasonOf(causes: JsonObject[]): string | undefined {
  const answered = causes.find(({ name }) => name === "AI_APICallError");
  if (typeof answered?.statusCode !== "number") return undefined;
  if (answered.statusCode >= 400) return untoldBy(answered.statusCode);
  return causes.some(({ name }) => UNREADABLE.has(name)) ? "The answer does not state its usage" : undefined;
}

const MAX_CAUSES = 8;

/** The error and what it wraps: the gateway's package wraps all of them. */
function causesOf(error: unknown): JsonObject[] {
  const causes: JsonObject[] = [];
  for (let next = error; isObject(next) && causes.length < MAX_CAUSES; next = next.cause) causes.push(next);
  return causes;
}
