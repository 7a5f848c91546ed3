/** Server-sent events, cut out of a stream of bytes wherever its chunks end. */

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Splits a byte stream into events, each with the bytes it came in, its blank line among them: joined again they are
 * the stream. Cutting at ASCII line ends never cuts a character.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class EventSplitter {
  #held: Uint8Array = new Uint8Array(0);
  #lineIsEmpty = true;
  #lastByte = 0;

  /** Bytes of an event that is not complete yet. */
  get held(): Uint8Array {
    return this.#held;
  }

  /** @returns the events that this chunk completes. */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = joined(this.#held, chunk);
    const events: Uint8Array[] = [];
    let start = 0;
    for (let at = this.#held.length; at < bytes.length; at += 1) {
      const byte = bytes[at];
      const endsLine = byte === LINE_FEED || byte === CARRIAGE_RETURN;
      const isSecondHalf = byte === LINE_FEED && this.#lastByte === CARRIAGE_RETURN;
      this.#lastByte = byte ?? 0;
      if (isSecondHalf) continue;
      if (!endsLine || !this.#lineIsEmpty) {
        this.#lineIsEmpty = endsLine;
        continue;
      }
      const end = byte === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED ? at + 2 : at + 1;
      events.push(bytes.subarray(start, end));
      start = end;
    }
    this.#held = bytes.slice(start);
    return events;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

const decoder = new TextDecoder();

/** The `data` of an event, its lines joined; empty for comments and for events without any. */
export function eventData(event: Uint8Array): string {
  const lines = decoder.decode(event).split(/\r\n|\n|\r/);
  return lines
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(line.startsWith("data: ") ? 6 : 5))
    .join("\n");
}
