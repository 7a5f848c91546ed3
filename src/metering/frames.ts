/** Streams come in frames: events, or the elements of an array. This cuts them out, wherever the chunks end. */

/**
 * Splits a byte stream into frames, each with all the bytes it came in: joined again they are the stream. Every byte is
 * looked at and copied once, however large a frame grows.
 */
export abstract class FrameSplitter {
  #buffer: Uint8Array = new Uint8Array(0);
  #size = 0;

  /** Bytes of a frame that is not complete yet: a view, until the next push. */
  get held(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  /** @returns the frames that this chunk completes. */
  push(chunk: Uint8Array): Uint8Array[] {
    let start = 0;
    const frames = this.endsIn(chunk).map((end) => {
      const part = chunk.subarray(start, end);
      start = end;
      return this.#size === 0 ? part : this.#completed(part);
    });
    this.#keep(chunk.subarray(start));
    return frames;
  }

  /** The first frame of the last push is the end of the one before, which said all it had to say. */
  get firstIsTail(): boolean {
    return false;
  }

  /** What a frame says; empty for one that says nothing. */
  abstract dataOf(frame: Uint8Array): string;

  /** Where frames end in the next chunk: the places behind their last bytes, ascending. */
  protected abstract endsIn(chunk: Uint8Array): number[];

  /** Gives up on a frame that does not end. @returns its bytes so far. */
  giveUp(): Uint8Array {
    const frame = this.held;
    this.#buffer = new Uint8Array(0);
    this.#size = 0;
    return frame;
  }

  #completed(part: Uint8Array): Uint8Array {
    this.#keep(part);
    return this.giveUp();
  }

  #keep(bytes: Uint8Array): void {
    const size = this.#size + bytes.length;
    if (size > this.#buffer.length) {
      // At least twice as large, so that small chunks of a large frame don't copy it again and again.
      const grown = new Uint8Array(Math.max(size, 2 * this.#buffer.length));
      grown.set(this.held);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#size);
    this.#size = size;
  }
}
