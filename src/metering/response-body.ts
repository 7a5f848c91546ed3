/** The body of an answer as a stream that can be read here, whatever kind of fetch it came from. */

type Bytes = ReadableStream<Uint8Array>;

/**
 * The body, not yet read. Some clients bring a fetch whose bodies are streams of Node; those are read by their iterator.
 *
 * @returns null where there is no body.
 * @throws TypeError where somebody has read it, and for what is no stream.
 */
export function readableBody(response: Response): Bytes | null {
  const { body, bodyUsed }: { body: unknown; bodyUsed: boolean } = response;
  if (body === null || body === undefined) return null;
  if (bodyUsed) throw new TypeError("The body was read before.");
  if (isWebStream(body)) return body;
  if (isIterable(body)) return streamOf(body);
  throw new TypeError("The body is no stream.");
}

function isWebStream(body: unknown): body is Bytes {
  return typeof body === "object" && body !== null && "getReader" in body;
}

function isIterable(body: unknown): body is AsyncIterable<unknown> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
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
