/** Reads a JSON body, and never more of it than it may have. */
import { RequestProblem } from "./problem.ts";

const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * The parsed body; an absent or empty one is `{}`.
 *
 * @throws RequestProblem 415 for another type than JSON, 413 above `maxBytes` whatever the headers say, 400 for what is
 * no JSON object in UTF-8.
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<object> {
  const type = request.headers.get("content-type");
  if (type !== null && !JSON_TYPE.test(type)) throw wrongType();
  const bytes = await readBytes(request, maxBytes);
  if (bytes.length === 0) return {};
  if (type === null) throw wrongType();
  const value = parsed(bytes);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw malformed("The body has to be a JSON object.");
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw malformed("The body is not JSON in UTF-8.");
  }
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
  const bytes = new Uint8Array(maxBytes);
  let length = 0;
  const reader = request.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    if (length + value.length > maxBytes) {
      await reader.cancel();
      throw tooLarge(maxBytes);
    }
    bytes.set(value, length);
    length += value.length;
  }
  return bytes.subarray(0, length);
}

function malformed(detail: string): RequestProblem {
  return new RequestProblem({ status: 400, code: "INVALID_OPTIONS", detail });
}

function tooLarge(maxBytes: number): RequestProblem {
  const detail = `The body may have at most ${maxBytes} bytes here.`;
  return new RequestProblem({ status: 413, code: "BODY_TOO_LARGE", detail });
}

function wrongType(): RequestProblem {
  const detail = "The body has to be JSON: send content-type: application/json.";
  return new RequestProblem({ status: 415, code: "UNSUPPORTED_MEDIA_TYPE", detail });
}
