/** Callers at once, in an order that repeats: each round of each caller waits until it is its turn. */

export class Turns {
  readonly #waiting = new Map<number, () => void>();
  #hasMoved: () => void = () => {};

  /** Called by a caller before each of its rounds; returns when it may go on. */
  wait(caller: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(caller, resolve);
      this.#hasMoved();
    });
  }

  /** Callers that wait for their next round, in the order of their numbers. */
  waiting(): number[] {
    return [...this.#waiting.keys()].sort();
  }

  /** Begins a caller's work, and returns when it waits for its first round or is done. */
  begin(work: () => Promise<void>): Promise<void> {
    return this.#moved(() => void work().finally(() => this.#hasMoved()));
  }

  /** Lets one caller do one round, and returns when it waits for the next or is done. */
  goOn(caller: number): Promise<void> {
    const go = this.#waiting.get(caller);
    if (go === undefined) throw new Error(`Caller ${caller} does not wait.`);
    this.#waiting.delete(caller);
    return this.#moved(go);
  }

  /** All others wait meanwhile: what is heard of next is the caller that moves. */
  #moved(move: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#hasMoved = resolve;
      move();
    });
  }
}
