/** Reads a JSON body, and never more of it than it may have. */
import { RequestProblem } from "./problem.ts";

const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;
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
  const text = await readText(request, maxBytes);
  if (text === "") return {};
  if (type === null) throw wrongType();
  const value = parsed(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw malformed("The body has to be a JSON object.");
}

/**
 * Reads what is left of a body, up to 16 MiB, and drops it. Servers cut the connection of a request that was not read to
 * its end, `wrangler dev` among them, and its client would never see the answer. Never throws.
 */
export async function discardRest(request: Request): Promise<void> {
  let length = 0;
  try {
    await eachChunk(request, (chunk) => {
      length += chunk.length;
      if (length > MAX_DISCARDED_BYTES) throw tooLarge(MAX_DISCARDED_BYTES);
    });
  } catch {
    // Its client has gone, or sends without end.
  }
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let length = 0;
  let text = "";
  await eachChunk(request, (chunk) => {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    text += decoded(decoder, chunk);
  });
  return text + decoded(decoder);
}

/** Without a chunk: what a chunk that ended within a character leaves. */
function decoded(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    throw malformed("The body is not in UTF-8.");
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("The body is not JSON.");
  }
}

/** The rest of the body can be read later, whether this ended by itself or `take` threw. */
async function eachChunk(request: Request, take: (chunk: Uint8Array) => void): Promise<void> {
  const reader = request.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      take(value);
    }
  } finally {
    reader.releaseLock();
  }
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
