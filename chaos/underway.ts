/** What a proxy still has to do, so that a run can wait for it. */
export class Underway {
  readonly #works = new Set<Promise<unknown>>();

  later(delayMs: number, work: () => Promise<unknown>): void {
    this.add(new Promise((resolve) => setTimeout(resolve, delayMs)).then(work));
  }

  add(work: Promise<unknown>): void {
    const done = work.catch(() => {});
    this.#works.add(done);
    done.finally(() => this.#works.delete(done));
  }

  async idle(): Promise<void> {
    while (this.#works.size > 0) await Promise.all(this.#works);
  }
}
