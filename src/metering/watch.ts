/** Watches an answer pass by, and says what it cost: by its usage, by its form, or not at all. */
import { readUsageOf } from "../providers/index.ts";
import { type JsonObject, parseOnlyObject } from "../providers/json.ts";
import type { EventReader, ProviderApi, ReportedUsage, UsageContext } from "../providers/provider.ts";
import type { FrameSplitter } from "./frames.ts";

/** What an answer says of its cost. */
export type Verdict =
  | { readonly kind: "reported"; readonly usage: ReportedUsage }
  /** Refused in the API's own form before anything was generated. */
  | { readonly kind: "unbilled" }
  /** Sent, and most likely billed; `known` is a lower bound. `reason` is set where an answer came and did not say. */
  | { readonly kind: "unknown"; readonly known?: ReportedUsage | undefined; readonly reason?: string };

/** How the body of an answer ended. */
export type Ending = "closed" | "cut";

export interface AnswerWatcher {
  /** Takes a chunk of the answer and returns what its caller is to see of it. */
  see(chunk: Uint8Array): Uint8Array[];
  /** Returns what was kept back, once the answer has ended. */
  rest(): Uint8Array[];
  /** The verdict is fixed: whatever comes now changes nothing. */
  readonly decided: boolean;
  verdict(ending: Ending): Verdict;
}

/** Bytes of one event or one body that are kept to be read; larger ones pass unread. */
const READABLE_BYTES_MAX = 64 * 1024 * 1024;
const TOO_LARGE = "The answer holds more than 64 MiB in one piece, which is not read for its usage";

/** Hides the events that were asked for only to be counted. */
export type HideEvent = ((data: string) => boolean) | undefined;

/** How a stream is watched. Without `hides`, chunks pass as they are; with it, whole events do. */
export interface StreamForm {
  readonly splitter: FrameSplitter;
  readonly hides: HideEvent;
}

/** Watches a stream of events. */
export function watchEvents(
  api: ProviderApi,
  call: UsageContext,
  { splitter, hides }: StreamForm,
): AnswerWatcher {
  const reader = forgiving(api.readEvents(call));
  let readable = true;
  let isHidden = false;
  /** The last event, where its blank line never came. */
  const openEvent = () => (readable ? splitter.dataOf(splitter.held) : "");
  return {
    see(chunk) {
      if (!readable) return [chunk];
      const events = splitter.push(chunk);
      const shown: Uint8Array[] = [];
      for (const [place, event] of events.entries()) {
        const data = splitter.dataOf(event);
        if (data !== "" && !reader.ended) reader.read(data);
        const isTail = place === 0 && splitter.firstIsTail;
        if (!isTail) isHidden = hides?.(data) ?? false;
        if (!isHidden) shown.push(event);
      }
      if (splitter.held.length > READABLE_BYTES_MAX) {
        readable = false;
        shown.push(splitter.giveUp());
      }
      return hides === undefined ? [chunk] : shown;
    },
    rest: () => (hides === undefined || !readable || hides(openEvent()) ? [] : [splitter.held]),
    get decided() {
      return reader.ended;
    },
    verdict(ending) {
      if (ending === "closed" && !reader.ended) reader.read(openEvent());
      const usage = reader.usage();
      const isFinal = reader.ended || (ending === "closed" && reader.complete);
      if (isFinal && usage !== undefined) return { kind: "reported", usage };
      if (ending === "cut" && !reader.ended) return { kind: "unknown", known: usage };
      const reason = readable ? "The stream ended without stating its usage" : TOO_LARGE;
      return { kind: "unknown", known: usage, reason };
    },
  };
}

/**
 * A reader that reads nothing more once it has failed: the call was sent, and a failure here would break its answer.
 */
function forgiving(reader: EventReader): EventReader {
  let failed = false;
  const unlessFailed = <Result>(read: () => Result): Result | undefined => {
    try {
      return failed ? undefined : read();
    } catch {
      failed = true;
      return undefined;
    }
  };
  return {
    read: (data) => unlessFailed(() => reader.read(data)),
    get ended() {
      return unlessFailed(() => reader.ended) ?? false;
    },
    get complete() {
      return unlessFailed(() => reader.complete) ?? false;
    },
    usage: () => unlessFailed(() => reader.usage()),
  };
}

/** Watches an answer that is one JSON body. */
export function watchBody(api: ProviderApi, call: UsageContext, status: number): AnswerWatcher {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    see(chunk) {
      size += chunk.length;
      if (size <= READABLE_BYTES_MAX) chunks.push(chunk);
      else chunks.length = 0;
      return [chunk];
    },
    rest: () => [],
    decided: false,
    verdict(ending) {
      if (ending === "cut") return { kind: "unknown" };
      const body = parseOnlyObject(textOf(chunks));
      const usage = body && readUsageOf(api, body, call);
      if (usage !== undefined) return { kind: "reported", usage };
      if (status >= 400) return verdictOfError(api, status, body);
      const isReadable = size <= READABLE_BYTES_MAX;
      return { kind: "unknown", reason: isReadable ? "The answer does not state its usage" : TOO_LARGE };
    },
  };
}

/** The one table of what is provably unbilled: an error in the API's own form, before any output. */
function verdictOfError(api: ProviderApi, status: number, body: JsonObject | undefined): Verdict {
  const isError = body !== undefined && api.isErrorBody(body, status) && !api.isAnswer(body);
  if (isError && canBeUnbilled(status)) return { kind: "unbilled" };
  const reason = isError
    ? untoldBy(status)
    : `The answer with status ${status} has not the form of an error of the API`;
  return { kind: "unknown", reason };
}

/**
 * Time-outs, of the provider or of something in between (408, 504, 520 to 527), and what says that the client had left
 * (499): the call may have run to its end.
 */
export function canBeUnbilled(status: number): boolean {
  return status !== 408 && status !== 499 && status !== 504 && !(status >= 520 && status <= 527);
}

/** Of an answer that tells of a failure and not of what was generated before. */
export function untoldBy(status: number): string {
  return `The answer with status ${status} does not say how far the call came`;
}

function textOf(chunks: Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
}
