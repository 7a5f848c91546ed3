/** What all requests of one bridge hold in memory together, so that no number of them ends it. */
import type { ServerResponse } from "node:http";

export class Memory {
  readonly #maxBytes: number;
  #bytesUnderWay = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False while more is held than may be: then nothing that is large is to begin. */
  hasRoom(): boolean {
    return this.#bytesUnderWay <= this.#maxBytes;
  }

  /** Holds until the work is done, however it ends. */
  holdUntil(bytes: number, done: Promise<unknown>): void {
    this.#bytesUnderWay += bytes;
    const release = () => {
      this.#bytesUnderWay -= bytes;
    };
    done.then(release, release);
  }

  /** What one request holds, until its response is closed. */
  share(response: ServerResponse): MemoryShare {
    let bytesHeld = 0;
    let isClosed = false;
    response.once("close", () => {
      isClosed = true;
      this.#bytesUnderWay -= bytesHeld;
    });
    return {
      hold: (bytes) => {
        if (isClosed) return;
        this.#bytesUnderWay += bytes;
        bytesHeld += bytes;
      },
      hasRoom: () => this.hasRoom(),
    };
  }
}

export interface MemoryShare {
  hold(bytes: number): void;
  /** False while all requests together hold more than they may. */
  hasRoom(): boolean;
}
