/** Refuses a call so that its SDK neither sends it again nor wraps the error. */
import { AgentLimitError } from "../errors.ts";
import type { JsonObject } from "../providers/json.ts";

const refusals = new WeakMap<Response, unknown>();

/**
 * Throws `error`, or returns a response that throws it.
 *
 * SDKs made by Stainless (`openai`, `@anthropic-ai/sdk`, `groq-sdk`), Mistral's, and the interactions of `@google/genai`
 * take what a fetch throws for a broken connection: they try again, or wrap it. But all of them read `response.headers` outside of that handling, so a
 * response whose headers throw brings the very error to the caller, after one attempt. A client that never looks at the
 * headers sees a 402 or 403 in its provider's form.
 */
export function refuse(error: unknown, requestHeaders: Headers, body: JsonObject): Response {
  if (!takesThrowsForNetworkErrors(requestHeaders)) throw error;
  const response = new Response(JSON.stringify(body), {
    status: error instanceof AgentLimitError ? error.status : 403,
    headers: { "content-type": "application/json", "x-should-retry": "false" },
  });
  // Only `headers`: the others are read where an error would be caught and retried.
  Object.defineProperty(response, "headers", {
    get() {
      throw error;
    },
  });
  refusals.set(response, error);
  return response;
}

/** The error that a response of {@link refuse} throws; undefined for every other response. */
export function refusalIn(response: Response): unknown {
  return refusals.get(response);
}

function takesThrowsForNetworkErrors(headers: Headers): boolean {
  const startsWith = (name: string, start: string) => headers.get(name)?.startsWith(start) ?? false;
  return (
    headers.has("x-stainless-lang") ||
    startsWith("user-agent", "mistral-client-typescript") ||
    startsWith("x-goog-api-client", "google-genai-sdk/")
  );
}
