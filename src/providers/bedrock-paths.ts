/** What all calls of Amazon Bedrock's runtime have in common: the model in the path, and the form of errors. */
import type { JsonObject } from "./json.ts";

/** `POST /model/ID/ACTION`. The id may be an ARN, its slashes encoded or not. */
const MODEL_PATH = /\/model\/(.+)\/([a-z-]+)\/*$/;

/** The model and what is asked of it; undefined where the path is none of Bedrock's runtime. */
export function bedrockCall({ pathname }: URL): { model: string; action: string } | undefined {
  const [, id, action] = MODEL_PATH.exec(pathname) ?? [];
  if (id === undefined || action === undefined) return undefined;
  return { model: decoded(id), action };
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

/**
 * AWS's form: a message, and at most a type beside it. A model that failed while it ran (424, `originalStatusCode`) may
 * have been billed.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
 */
export function isBedrockError(body: JsonObject, status: number): boolean {
  const message = body.message ?? body.Message;
  return (
    status !== MODEL_FAILED &&
    typeof message === "string" &&
    Object.keys(body).every((field) => ERROR_FIELDS.has(field))
  );
}

const MODEL_FAILED = 424;
const ERROR_FIELDS = new Set(["message", "Message", "__type", "code"]);

export function bedrockError(code: string, message: string): JsonObject {
  return { __type: code, message };
}
