/** Hands an answer through to its caller while it is watched, so that neither waits for the other. */
import { EventSplitter, eventData } from "./sse.ts";
import type { AnswerWatcher, Ending, HideEvent } from "./watch.ts";

type Bytes = ReadableStream<Uint8Array>;

export interface Passage {
  readonly watcher: AnswerWatcher;
  /** Called once, as soon as it is known what the answer cost. Must not reject. */
  conclude(ending: Ending): Promise<void>;
  /** What happens upstream when the caller leaves before the verdict. Left out: the answer is read to its end. */
  readonly abandon: (() => void) | undefined;
  /** The source is at its end, one way or the other. */
  finished(): void;
}

/**
 * Reads `source` by itself, at the provider's pace: a caller that stops reading costs memory for what it has not read,
 * and never the count. A cancel returns at once. The returned stream closes after `conclude` is done.
 */
export function pump(source: Bytes, passage: Passage): Bytes {
  const { watcher } = passage;
  const reader = source.getReader();
  const conclude = once(passage.conclude);
  let gone = false;

  async function run(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const show = (pieces: Uint8Array[]) => {
      for (const piece of pieces) if (!gone && piece.length > 0) controller.enqueue(piece);
    };
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        show(watcher.see(next.value));
        if (watcher.decided) void conclude("closed");
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

  return new ReadableStream<Uint8Array>({
    start(controller) {
      void run(controller);
    },
    cancel() {
      gone = true;
      if (watcher.decided || passage.abandon === undefined) return;
      void conclude("cut");
      passage.abandon();
    },
  });
}

export interface PassageApart extends Passage {
  readonly hides: HideEvent;
  keepAlive(work: Promise<unknown>): void;
}

/**
 * The same for runtimes that drop a response's streams when its client leaves: a second branch is read to its end under
 * `keepAlive`, whatever becomes of the first.
 */
export function pumpApart(source: Bytes, passage: PassageApart): Bytes {
  const { watcher } = passage;
  const [shown, watched] = source.tee();
  const conclude = once(passage.conclude);
  // The branches are read at paces of their own: what the caller was shown last may yet have to be seen.
  let unseenChunks = 0;
  let onCaughtUp = () => {};
  const reading = readToEnd(watched, (chunk) => {
    watcher.see(chunk);
    if (watcher.decided) void conclude("closed");
    unseenChunks -= 1;
    if (unseenChunks <= 0) onCaughtUp();
  });
  const read = reading.then(
    () => conclude("closed"),
    () => conclude("cut"),
  );
  passage.keepAlive(read.finally(passage.finished));
  const leave = () => {
    if (watcher.decided || passage.abandon === undefined) return;
    void conclude("cut");
    passage.abandon();
  };
  return relay(shown, passage.hides, {
    onChunk() {
      unseenChunks += 1;
    },
    onCancel() {
      if (unseenChunks > 0) onCaughtUp = leave;
      else leave();
    },
  });
}

async function readToEnd(source: Bytes, see: (chunk: Uint8Array) => void): Promise<void> {
  const reader = source.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) see(next.value);
}

/** Passes `source` on as its reader asks for it, and tells when the reader leaves; cancelling one branch would wait for both. */
function relay(
  source: Bytes,
  hides: HideEvent,
  { onChunk, onCancel }: { onChunk(): void; onCancel(): void },
): Bytes {
  const reader = source.getReader();
  const splitter = new EventSplitter();
  const piecesOf = (chunk: Uint8Array) =>
    hides === undefined ? [chunk] : splitter.push(chunk).filter((event) => !hides(eventData(event)));
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      // A pull that enqueues nothing is not called again.
      for (let shown = 0; shown === 0; ) {
        const { done, value } = await reader.read();
        if (!done) onChunk();
        const pieces = done ? [splitter.held] : piecesOf(value);
        for (const piece of pieces.filter(({ length }) => length > 0)) {
          controller.enqueue(piece);
          shown += 1;
        }
        if (!done) continue;
        controller.close();
        return;
      }
    },
    cancel() {
      reader.cancel().catch(() => {});
      onCancel();
    },
  });
}

function once(conclude: (ending: Ending) => Promise<void>): (ending: Ending) => Promise<void> {
  let concluded: Promise<void> | undefined;
  return (ending) => {
    concluded ??= conclude(ending);
    return concluded;
  };
}
