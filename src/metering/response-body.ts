/** The body of an answer as a stream that can be read here, whatever kind of fetch it came from. */

type Bytes = ReadableStream<Uint8Array>;

/**
 * The body, not yet read.
 *
 * Some clients bring a fetch whose bodies are streams of Node; those are read by their iterator. What was read already,
 * and what no `Response` can be made of again, is unreadable: it must go to its caller untouched.
 *
 * @returns null where there is no body.
 */
export function readableBody(response: Response): Bytes | null | "unreadable" {
  const { body, status, bodyUsed }: { body: unknown; status: number; bodyUsed: boolean } = response;
  if (body === null || body === undefined) return null;
  // A Response is made of these statuses alone.
  if (bodyUsed || status < 200 || status > 599 || typeof body !== "object") return "unreadable";
  if ("getReader" in body) return isLocked(body) ? "unreadable" : (body as Bytes);
  return Symbol.asyncIterator in body ? streamOf(body as AsyncIterable<unknown>) : "unreadable";
}

function isLocked(body: object): boolean {
  return "locked" in body && body.locked === true;
}

function streamOf(chunks: AsyncIterable<unknown>): Bytes {
  const iterator = chunks[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value instanceof Uint8Array ? value : encoder.encode(String(value)));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
