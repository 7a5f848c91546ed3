/** Reads the bodies of requests: within a size, within a time, and within a memory for all of them together. */
import type { IncomingMessage } from "node:http";
import type { MemoryShare } from "./memory.ts";

/** The largest body that is read, as at Upstash: 10 MiB. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** So much of a body that is too large is still read, so that the client gets to see the answer. */
const MAX_READ_BYTES = 4 * MAX_BODY_BYTES;

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
