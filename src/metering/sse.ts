/** Server-sent events, cut out of a stream of bytes wherever its chunks end. */
import { FrameSplitter } from "./frames.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Splits a byte stream into events, each with its blank line. Cutting at ASCII line ends never cuts a character.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class EventSplitter extends FrameSplitter {
  #lineIsEmpty = true;
  #lastByte = 0;
  /** The last chunk ended an event by a carriage return, whose line feed may be the next byte. */
  #mayHaveTail = false;
  #firstIsTail = false;

  override get firstIsTail(): boolean {
    return this.#firstIsTail;
  }

  dataOf(event: Uint8Array): string {
    return eventData(event);
  }

  protected endsIn(chunk: Uint8Array): number[] {
    this.#firstIsTail = this.#mayHaveTail && chunk[0] === LINE_FEED;
    const ends: number[] = this.#firstIsTail ? [1] : [];
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      const endsLine = byte === LINE_FEED || byte === CARRIAGE_RETURN;
      const isSecondHalf = byte === LINE_FEED && this.#lastByte === CARRIAGE_RETURN;
      this.#lastByte = byte ?? 0;
      if (isSecondHalf) continue;
      if (!endsLine || !this.#lineIsEmpty) {
        this.#lineIsEmpty = endsLine;
        continue;
      }
      ends.push(byte === CARRIAGE_RETURN && chunk[at + 1] === LINE_FEED ? at + 2 : at + 1);
    }
    if (chunk.length > 0)
      this.#mayHaveTail = ends.at(-1) === chunk.length && this.#lastByte === CARRIAGE_RETURN;
    return ends;
  }
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
