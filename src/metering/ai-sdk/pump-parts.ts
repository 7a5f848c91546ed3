/** Hands the parts of a streamed answer through, and tells what they say of its cost. */
import { isObject, type JsonObject } from "../../providers/json.ts";
import type { Verdict } from "../watch.ts";
import { type AnsweredCall, reportedUsage } from "./answer.ts";

export interface PartsPassage {
  readonly call: AnsweredCall;
  /** Called once, as soon as it is known what the answer cost. Must not reject. */
  conclude(verdict: Verdict): Promise<void>;
  /** Cuts the provider off. */
  abandon(): void;
  /** The source is at its end, one way or the other. */
  finished(): void;
}

/** The parts, and their reading, which goes on whether anybody takes them or not. */
export interface PumpedParts {
  readonly stream: ReadableStream<object>;
  /** Never rejects. */
  readonly reading: Promise<void>;
}

/**
 * Reads `source` by itself, at the provider's pace: parts that nobody takes cost memory, and never the count. A cancel
 * returns at once. The returned stream closes after `conclude` is done.
 */
export function pumpParts(source: ReadableStream<object>, passage: PartsPassage): PumpedParts {
  const reader = source.getReader();
  const watcher = watchParts(passage.call);
  let concluded: Promise<void> | undefined;
  const conclude = (verdict: Verdict) => {
    concluded ??= passage.conclude(verdict);
    return concluded;
  };
  let isGone = false;
  let controller: ReadableStreamDefaultController<object>;

  async function read(): Promise<void> {
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        const final = watcher.see(next.value);
        if (!isGone) controller.enqueue(next.value);
        if (final !== undefined) void conclude(final);
      }
      await conclude(watcher.unfinished("The stream ended without stating its usage"));
      if (!isGone) controller.close();
    } catch (error) {
      void conclude(watcher.unfinished());
      if (!isGone) controller.error(error);
    } finally {
      passage.finished();
    }
  }

  const stream = new ReadableStream<object>({
    start(own) {
      controller = own;
    },
    cancel() {
      isGone = true;
      if (concluded !== undefined) return;
      void conclude(watcher.unfinished());
      passage.abandon();
      reader.cancel().catch(() => {});
    },
  });
  return { stream, reading: read() };
}

/** Looks for the part that ends an answer. */
function watchParts(call: AnsweredCall) {
  let modelId: unknown;
  let last: JsonObject | undefined;
  const known = () =>
    last && reportedUsage({ usage: last.usage, providerMetadata: last.providerMetadata, modelId }, call);
  return {
    /** The verdict, once a part states it. */
    see(part: object): Verdict | undefined {
      if (!isObject(part)) return undefined;
      if (part.type === "response-metadata") modelId = part.modelId ?? modelId;
      if (part.type !== "finish") return undefined;
      last = part;
      const usage = known();
      return usage !== undefined && isFinal(part.finishReason) ? { kind: "reported", usage } : undefined;
    },
    /** Of an answer that broke off: what was counted until then is the least that it cost. */
    unfinished: (reason?: string): Verdict => ({
      kind: "unknown",
      known: known(),
      ...(reason === undefined ? {} : { reason }),
    }),
  };
}

/** Reasons that packages give only where the provider gave one. */
const FINAL_REASONS = new Set<unknown>(["stop", "length", "content-filter", "tool-calls"]);

/**
 * Packages end a stream that broke off with a `finish` of their own, as `interrupted` or as `other` without the
 * provider's own word, whose counts are those of the beginning.
 */
function isFinal(reason: unknown): boolean {
  const { unified, raw } = isObject(reason) ? reason : { unified: reason, raw: undefined };
  return FINAL_REASONS.has(unified) || (unified === "other" && raw !== undefined);
}
