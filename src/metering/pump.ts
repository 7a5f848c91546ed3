/** Hands an answer through to its caller while it is watched, so that neither waits for the other. */
import type { AnswerWatcher, Ending } from "./watch.ts";

type Bytes = ReadableStream<Uint8Array>;

export interface Passage {
  readonly watcher: AnswerWatcher;
  /** Called once, as soon as it is known what the answer cost. Must not reject. */
  conclude(ending: Ending): Promise<void>;
  /** What happens upstream when the caller leaves before the verdict. Left out: the answer is read to its end. */
  readonly abandon: (() => void) | undefined;
  /** The source is at its end, one way or the other. */
  finished(): void;
  /** Aborted with the call. */
  readonly signal: AbortSignal;
  /** Given where the runtime drops what a response leaves behind, with its client if not before. */
  readonly keepAlive?: ((work: Promise<unknown>) => void) | undefined;
}

/** From here on the provider waits for the reader: one that is as slow as that, or gone without a word, costs no more memory. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Reads `source` by itself, at the provider's pace: a caller that stops reading costs memory for what it has not read,
 * 8 MiB at most, and not the count. A cancel returns at once. The returned stream closes after `conclude` is done.
 */
export function pump(source: Bytes, passage: Passage): Bytes {
  const { watcher } = passage;
  const reader = source.getReader();
  const conclude = once(passage.conclude);
  let gone = false;
  let goOn = () => {};
  let endPull = () => {};
  passage.signal.addEventListener("abort", () => goOn(), { once: true });

  async function run(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const show = (pieces: Uint8Array[]) => {
      for (const piece of pieces) if (!gone && piece.length > 0) enqueue(controller, piece);
    };
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        show(watcher.see(next.value));
        if (watcher.decided) void conclude("closed");
        if (isFull(controller)) await roomIn(controller);
      }
      show(watcher.rest());
      await conclude("closed");
      if (!gone) controller.close();
    } catch (error) {
      void conclude("cut");
      if (!gone) controller.error(error);
    } finally {
      passage.finished();
    }
  }

  const isFull = ({ desiredSize }: ReadableStreamDefaultController) =>
    !gone && !passage.signal.aborted && desiredSize !== null && desiredSize <= 0;

  async function roomIn(controller: ReadableStreamDefaultController): Promise<void> {
    while (isFull(controller)) {
      endPull();
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
    }
  }

  /** A runtime that drops a stream with its client may not say so. */
  function enqueue(controller: ReadableStreamDefaultController<Uint8Array>, piece: Uint8Array): void {
    try {
      controller.enqueue(piece);
    } catch {
      gone = true;
    }
  }

  const underlying: UnderlyingDefaultSource<Uint8Array> = {
    start(controller) {
      const running = run(controller);
      passage.keepAlive?.(running);
    },
    // Pending until the reader is behind: a pull that is done is called again for every chunk, which costs.
    pull() {
      goOn();
      return new Promise((resolve) => {
        endPull = resolve;
      });
    },
    cancel() {
      gone = true;
      goOn();
      if (watcher.decided || passage.abandon === undefined) return;
      void conclude("cut");
      passage.abandon();
    },
  };
  // Not every runtime has the class of this strategy.
  return new ReadableStream(underlying, { highWaterMark: UNREAD_BYTES_MAX, size: ({ length }) => length });
}

/** How often what is only counted is looked at: often enough for a ledger, seldom enough to cost nothing. */
const LOOK_EVERY_MS = 50;
const LOOK_BYTES = 32 * 1024;

/**
 * Hands `source` on without a byte passing through JavaScript, where the runtime has such streams (workerd), and reads
 * a second branch now and then. Who leaves the first leaves the second alone: it is counted to its end, unless the
 * call's signal aborts it.
 *
 * @returns undefined where the runtime has none; nothing was read then.
 */
export function passNatively(source: Bytes, passage: Passage): Bytes | undefined {
  if (!canTeeNatively(source)) return undefined;
  const [shown, watched] = source.tee();
  const { watcher } = passage;
  const conclude = once(passage.conclude);
  const watching = readNowAndThen(watched, (chunk) => {
    watcher.see(chunk);
    if (watcher.decided) void conclude("closed");
  });
  const concluded = watching.then(
    () => conclude("closed"),
    () => conclude("cut"),
  );
  passage.keepAlive?.(concluded.finally(passage.finished));
  return shown;
}

/** A method of workerd's own tells its streams from those of other runtimes, whose branches wait for each other. */
function canTeeNatively(source: Bytes): boolean {
  if (!("ReadableStreamBYOBReader" in globalThis)) return false;
  if (!("readAtLeast" in ReadableStreamBYOBReader.prototype)) return false;
  try {
    source.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

async function readNowAndThen(source: Bytes, see: (chunk: Uint8Array) => void): Promise<void> {
  const reader = source.getReader({ mode: "byob" });
  let buffer = new Uint8Array(LOOK_BYTES);
  for (;;) {
    const { done, value } = await reader.read(buffer);
    if (done) return;
    see(value);
    buffer = new Uint8Array(value.buffer);
    // A full buffer says that more is waiting.
    if (value.length < buffer.length) await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
  }
}

function once(conclude: (ending: Ending) => Promise<void>): (ending: Ending) => Promise<void> {
  let concluded: Promise<void> | undefined;
  return (ending) => {
    concluded ??= conclude(ending);
    return concluded;
  };
}
