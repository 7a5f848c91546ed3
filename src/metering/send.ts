/** Sends a held call, hands its answer to the caller, and settles the hold by what passes. */
import type { ProviderApi } from "../providers/provider.ts";
import type { CallHold } from "./calls.ts";
import type { FrameSplitter } from "./frames.ts";
import { JsonArraySplitter } from "./json-array.ts";
import { type LinkedAbort, linkedAbort } from "./linked-abort.ts";
import type { MeteredFetchOptions } from "./options.ts";
import type { PreparedCall } from "./prepared-call.ts";
import { type Passage, passNatively, pump } from "./pump.ts";
import type { IncomingRequest } from "./request.ts";
import { readableBody } from "./response-body.ts";
import { settleCall } from "./settle.ts";
import { EventSplitter } from "./sse.ts";
import { type Verdict, watchBody, watchEvents } from "./watch.ts";

/** A call with its hold, about to be sent. */
export interface ReadyCall {
  readonly incoming: IncomingRequest;
  readonly api: ProviderApi;
  readonly prepared: PreparedCall;
  readonly hold: CallHold;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
}

type SendOptions = MeteredFetchOptions & { readonly fetch: typeof globalThis.fetch };

/** @throws the caller's abort reason, and what the fetch underneath throws; nothing of the meter's own. */
export async function sendCall(ready: ReadyCall, options: SendOptions): Promise<Response> {
  const { incoming, prepared } = ready;
  const settle: Settle = (verdict) => {
    const settled = settleCall({ ...ready, ...prepared }, verdict, options);
    options.meter.background(settled);
    return settled;
  };
  if (incoming.signal?.aborted) {
    // While it was held: nothing was sent.
    void settle({ kind: "unbilled" });
    throw incoming.signal.reason;
  }
  const upstream = linkedAbort(incoming.signal);
  // As a method of the options it would be called with them as `this`, which runtimes refuse.
  const { fetch } = options;
  let response: Response;
  try {
    response = await fetch(...incoming.arguments({ body: prepared.body, signal: upstream.signal }));
  } catch (error) {
    upstream.unlink();
    // Sent or half sent: the provider may have answered a connection that was gone.
    void settle({ kind: "unknown" });
    throw error;
  }
  const keepAlive = (work: Promise<unknown>) => options.meter.background(work);
  try {
    return passOn(response, ready, {
      settle,
      upstream,
      ...(options.waitUntil === undefined ? {} : { keepAlive }),
    });
  } catch {
    // It was sent: what reaches the caller is the answer as it came, or its SDK would send it again. The caller reads
    // it unwatched, so its signal stays linked.
    void settle({ kind: "unknown", reason: "The answer is in a form that can't be watched" });
    return response;
  }
}

type Settle = (verdict: Verdict) => Promise<void>;

interface Sending {
  readonly settle: Settle;
  readonly upstream: LinkedAbort;
  /** Given where the runtime drops what the response leaves behind. */
  readonly keepAlive?: (work: Promise<unknown>) => void;
}

/** @throws for a foreign form of answer, before any of it is read. */
function passOn(response: Response, ready: ReadyCall, { settle, upstream, keepAlive }: Sending): Response {
  const { api, prepared } = ready;
  const splitter = response.ok ? splitterFor(response, prepared) : undefined;
  const isStream = splitter !== undefined;
  const hides = isStream ? prepared.hides : undefined;
  const call = { ...prepared.call, provider: prepared.provider };
  const watcher = isStream
    ? watchEvents(api, call, { splitter, hides })
    : watchBody(api, call, response.status);
  const passage: Passage = {
    watcher,
    conclude(ending) {
      const settled = settle(watcher.verdict(ending));
      return keepAlive === undefined ? settled : Promise.resolve();
    },
    // What is no stream was generated, and billed, before its first byte came.
    abandon: isStream ? upstream.abort : undefined,
    finished: upstream.unlink,
    signal: upstream.signal,
    keepAlive,
  };
  const source = readableBody(response);
  if (source === null) {
    void passage.conclude("closed");
    upstream.unlink();
    return response;
  }
  const withBody = rebodied(response, { isShortened: hides !== undefined });
  const isNative = keepAlive !== undefined && hides === undefined;
  return withBody((isNative ? passNatively(source, passage) : undefined) ?? pump(source, passage));
}

/** @returns undefined for an answer that is one body. */
function splitterFor({ headers }: Response, { call }: PreparedCall): FrameSplitter | undefined {
  const contentType = headers.get("content-type") ?? "";
  if (contentType.includes("text/event-stream")) return new EventSplitter();
  if (!call.stream) return undefined;
  if (!contentType.includes("json")) return new EventSplitter();
  return call.streamsJson === true ? new JsonArraySplitter() : undefined;
}

/**
 * Makes the same answer with its decoded body.
 *
 * @throws at once where no `Response` has such a status, status text or headers.
 */
function rebodied(
  response: Response,
  { isShortened }: { isShortened: boolean },
): (body: ReadableStream<Uint8Array>) => Response {
  const { status, statusText, url } = response;
  const headers = new Headers(response.headers);
  if (isShortened || headers.has("content-encoding")) {
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  const init = { status, statusText, headers };
  // A trial with a body, which some statuses forbid.
  new Response("", init);
  return (body) => {
    const answer = new Response(body, init);
    Object.defineProperty(answer, "url", { value: url });
    return answer;
  };
}
