/** Reads the bodies of requests: within a size, within a time, and within a memory for all of them together. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** The largest body that is read, as at Upstash: 10 MiB. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** So much of a body that is too large is still read, so that the client gets to see the answer. */
const MAX_READ_BYTES = 4 * MAX_BODY_BYTES;

/** What all requests of one bridge hold in memory together. */
export class Memory {
  readonly #maxBytes: number;
  #bytesUnderWay = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What one request holds, until its response is closed. */
  share(response: ServerResponse): MemoryShare {
    let bytesHeld = 0;
    let isClosed = false;
    response.once("close", () => {
      isClosed = true;
      this.#bytesUnderWay -= bytesHeld;
    });
    return {
      hold: (bytes) => {
        if (isClosed) return;
        this.#bytesUnderWay += bytes;
        bytesHeld += bytes;
      },
      hasRoom: () => this.#bytesUnderWay <= this.#maxBytes,
    };
  }
}

export interface MemoryShare {
  hold(bytes: number): void;
  /** False while all requests together hold more than they may. */
  hasRoom(): boolean;
}

export type Body = { bytes: Buffer } | { failure: BodyFailure };

/** `gone`: the client closed the connection before the end. */
export type BodyFailure = "too large" | "too many" | "too slow" | "gone";

export interface BodyLimits {
  share: MemoryShare;
  timeoutMs: number;
}

export function readBody(request: IncomingMessage, { share, timeoutMs }: BodyLimits): Promise<Body> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let bytesRead = 0;
    let failure: BodyFailure | undefined;
    const timer = setTimeout(() => end("too slow"), timeoutMs);
    const end = (early?: BodyFailure) => {
      clearTimeout(timer);
      failure ??= early;
      resolve(failure === undefined ? { bytes: Buffer.concat(chunks) } : { failure });
      chunks = [];
    };
    request.on("data", (chunk: Buffer) => {
      bytesRead += chunk.length;
      if (bytesRead > MAX_BODY_BYTES) failure ??= "too large";
      if (!share.hasRoom()) failure ??= "too many";
      if (failure === undefined) {
        share.hold(chunk.length);
        chunks.push(chunk);
      } else chunks = [];
      if (bytesRead > MAX_READ_BYTES) end();
    });
    request.once("end", () => end());
    request.once("error", () => end("gone"));
    request.once("close", () => end("gone"));
  });
}
