/** One JSON array sent in pieces, as Gemini streams where nobody asked for events. */
import { FrameSplitter } from "./frames.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
/** With the three bytes of a byte order mark. */
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
const BRACKET = 0x5b;

/**
 * Splits a JSON array into its elements, each with what stands before it. All that it looks at is ASCII, so that it
 * never cuts a character. Objects with no array around them are elements too.
 */
export class JsonArraySplitter extends FrameSplitter {
  /** How deep elements stand; undefined before the first byte that is no space. */
  #elementDepth: 0 | 1 | undefined;
  #depth = 0;
  #inString = false;
  #escaped = false;

  dataOf(element: Uint8Array): string {
    return decoder.decode(element).replace(/^[\s,[]+/, "");
  }

  protected endsIn(chunk: Uint8Array): number[] {
    const ends: number[] = [];
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) this.#readInString(byte);
      else if (byte === QUOTE) this.#inString = true;
      else if (OPENING.has(byte)) this.#depth += 1;
      else if (CLOSING.has(byte)) {
        this.#depth -= 1;
        if (this.#depth === this.#elementDepth) ends.push(at + 1);
      }
      if (this.#elementDepth === undefined && !SPACES.has(byte)) {
        this.#elementDepth = byte === BRACKET ? 1 : 0;
      }
    }
    return ends;
  }

  #readInString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }
}

const decoder = new TextDecoder();
