/** An abort signal of our own that follows a caller's. */

export interface LinkedAbort {
  readonly signal: AbortSignal;
  readonly abort: () => void;
  /** Lets go of the caller's signal, which may outlive many calls. */
  readonly unlink: () => void;
}

/** A signal of one's own that follows the caller's. Not every runtime has `AbortSignal.any`. */
export function linkedAbort(caller: AbortSignal | undefined): LinkedAbort {
  const controller = new AbortController();
  const follow = () => controller.abort(caller?.reason);
  caller?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    unlink: () => caller?.removeEventListener("abort", follow),
  };
}
