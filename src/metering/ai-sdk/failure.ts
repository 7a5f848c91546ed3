/** What a call that failed in the AI SDK has cost: nothing only where that is certain. */
import { AgentLimitError } from "../../errors.ts";
import { PROVIDER_APIS } from "../../providers/index.ts";
import { isObject, type JsonObject, parseObject } from "../../providers/json.ts";
import { canBeUnbilled, type Verdict } from "../watch.ts";

/** Errors of the SDK that are thrown while a request is made, by the names that all its versions give them. */
const BEFORE_SENDING = new Set<unknown>([
  "AI_LoadAPIKeyError",
  "AI_LoadSettingError",
  "AI_NoSuchModelError",
  "AI_UnsupportedFunctionalityError",
  "AI_InvalidPromptError",
]);

/** Unbilled: never sent, or refused in the form of an API's errors. Everything else may have run to its end. */
export function verdictOfFailure(error: unknown): Verdict {
  return causesOf(error).some(isUnbilled) ? { kind: "unbilled" } : { kind: "unknown" };
}

function isUnbilled(error: JsonObject): boolean {
  // A meter underneath refused before sending.
  if (error instanceof AgentLimitError || BEFORE_SENDING.has(error.name)) return true;
  const { statusCode, responseBody, responseHeaders } = error;
  if (typeof statusCode !== "number" || statusCode < 400 || !canBeUnbilled(statusCode)) return false;
  // OpenAI's package makes such an error of one in a stream, too, after the call was admitted.
  const contentType = isObject(responseHeaders) ? responseHeaders["content-type"] : undefined;
  if (String(contentType).includes("text/event-stream")) return false;
  const body = typeof responseBody === "string" ? parseObject(responseBody) : undefined;
  if (body === undefined || PROVIDER_APIS.some((api) => api.isAnswer(body))) return false;
  return PROVIDER_APIS.some((api) => api.isErrorBody(body, statusCode));
}

const MAX_CAUSES = 8;

/** The error and what it wraps: the gateway's package wraps all of them. */
function causesOf(error: unknown): JsonObject[] {
  const causes: JsonObject[] = [];
  for (let next = error; isObject(next) && causes.length < MAX_CAUSES; next = next.cause) causes.push(next);
  return causes;
}
