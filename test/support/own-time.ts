/** What work takes, without the time in which the machine kept this process from running: promises in milliseconds hold on a busy machine too. */

const TICK_MS = 20;
/** Timers are a little late on any machine. */
const USUAL_LATENESS_MS = 5;

/**
 * Begins to measure. The result ends it and returns milliseconds: those that passed, less those in which this thread was due
 * to run and got no processor. Waiting counts, and so does what the thread computes, however long it blocks: where the
 * machine withholds nothing, it is the time that passed.
 */
export function startOwnTime(): () => number {
  const startMs = performance.now();
  let last = { atMs: startMs, computedMs: computedMs() };
  let withheldMs = 0;
  const look = () => {
    const now = { atMs: performance.now(), computedMs: computedMs() };
    const lateMs = now.atMs - last.atMs - TICK_MS - (now.computedMs - last.computedMs);
    if (lateMs > USUAL_LATENESS_MS) withheldMs += lateMs;
    last = now;
  };
  const timer = setInterval(look, TICK_MS).unref();
  return () => {
    clearInterval(timer);
    look();
    return last.atMs - startMs - withheldMs;
  };
}

function computedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
