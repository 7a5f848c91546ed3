/** A real client as the suite knows it: how a meter is put under it, and how it is asked. */
import type { UsageMeter } from "../../src/index.ts";

export type Fetch = typeof globalThis.fetch;

/** One row of the table of clients. */
export interface Sdk {
  /** The package, its major version, the API, and the way in where there are two. */
  name: string;
  /** Whose prices apply. */
  provider: string;
  model: string;
  /** Nano-USD per token. */
  price: { input: number; output: number };
  /** An error of the API, and the fields that the client's own error for a 400 has. */
  refusal: { body: object; error: object };
  /** After a broken connection it tries again soon, in a second or more, or never. */
  retries: "soon" | "slowly" | "never";
  connect(setting: Setting): SdkClient;
}

export interface Setting {
  meter: UsageMeter;
  /** What leads to the upstream: the meter sends by it too. */
  network: Fetch;
  /** Attempts after the first that failed; the client's own number when left out. */
  maxRetries?: number | undefined;
}

export interface SdkClient {
  /** The text of one answer. */
  ask(question: string, signal?: AbortSignal): Promise<string>;
  /** The pieces of a streamed answer. Leaving it is leaving the client's own stream. */
  stream(question: string, signal?: AbortSignal): AsyncIterable<string>;
}

/** Where a client has no other name for it. */
export const OUTPUT_TOKENS_MAX = 200;

/** The forms that the APIs give to their errors. */
export const OPENAI_ERROR = {
  error: { message: "No such parameter", type: "invalid_request_error", param: null, code: null },
};
export const ANTHROPIC_ERROR = {
  type: "error",
  error: { type: "invalid_request_error", message: "No such parameter" },
};
export const GEMINI_ERROR = {
  error: { code: 400, message: "No such parameter", status: "INVALID_ARGUMENT" },
};

export const userMessage = (content: string) => ({ role: "user" as const, content });
