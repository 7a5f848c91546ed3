/** Work that goes on after its caller was answered: kept alive by `waitUntil`, and waited for by `flush`. */

/** Keeps work alive after the response, as `ctx.waitUntil` does on Workers. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** Where work is kept alive, and who else waits for it. */
export interface PendingWorkOptions {
  waitUntil?: WaitUntil | undefined;
  /** Also waits for all that is tracked here. */
  parent?: PendingWork | undefined;
  /** Hears what `waitUntil` throws; the work is tracked all the same. */
  onFailure: (error: unknown) => void;
}

/** The work of one meter and its children. */
export class PendingWork {
  readonly #options: PendingWorkOptions;
  readonly #running = new Set<Promise<void>>();

  constructor(options: PendingWorkOptions) {
    this.#options = options;
  }

  /** Lets {@link flush} wait for `work`. Its failure is the business of who made it. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#add(work.then(ignore, ignore));
    return work;
  }

  /** Tracks `work`, and keeps it alive after the response where the runtime can. Never throws. */
  keepAlive(work: Promise<unknown>): void {
    const ended = work.then(ignore, ignore);
    this.#add(ended);
    try {
      this.#options.waitUntil?.(ended);
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  /** Lets the caller go on at once where the runtime keeps `work` alive, else when it has ended. */
  async finish(work: Promise<void>): Promise<void> {
    this.keepAlive(work);
    if (this.#options.waitUntil === undefined) await work;
  }

  /** Resolves when nothing is under way, work that was added meanwhile included. Never rejects. */
  async flush(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #add(ended: Promise<void>): void {
    this.#running.add(ended);
    void ended.then(() => this.#running.delete(ended));
    const { parent } = this.#options;
    if (parent !== undefined) parent.#add(ended);
  }
}

function ignore(): void {}
