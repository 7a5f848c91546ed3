/** Delivers scripts over any wire: within one deadline, tried again where that helps, by SHA-1 where the server knows it. */
import { AgentLimitError, InvalidOptionsError, StoreDataError, StoreUnavailableError } from "../errors.ts";
import { isCommandRefused, isFirstLineRefused, isNoScript, refusalOf } from "./refusals.ts";
import { answerValues, type RedisScript, type ScriptTransport, timeMicros } from "./transport.ts";

/** Sends one command once. It throws what its client throws; it need not end. */
export interface Wire {
  evalsha(sha1: string, keys: string[], args: string[]): Promise<unknown>;
  eval(source: string, keys: string[], args: string[]): Promise<unknown>;
  time(): Promise<unknown>;
  /** Why nothing may arrive at the moment, as a clause; undefined where nothing is known to be wrong. */
  trouble?(): string | undefined;
  /** Why nothing can have arrived so far, as a clause; undefined once there was a connection, or where nobody knows. */
  unreached?(): string | undefined;
  close?(): void;
}

/** Which text of a script goes first: Upstash's, or the one that every Redis runs. */
export type Dialect = "upstash" | "redis";

/** Upstash's for hosts under upstash.io; the plain text runs everywhere. */
export function dialectOf(hostname: string): Dialect {
  return /(^|\.)upstash\.io$/.test(hostname) ? "upstash" : "redis";
}

export interface DeliveryOptions {
  /** Milliseconds for one operation, over all its tries: 1 to 600,000. */
  storeTimeoutMs: number;
  /** A server that refuses Upstash's text gets the plain one from then on. */
  dialect: Dialect;
}

export const DEFAULT_STORE_TIMEOUT_MS = 1000;

/** Ends the message of a deadline that has passed; means nothing to who sent no id. */
export const MAY_BE_DONE = " What was asked may have been done all the same; the same id may be sent again.";

const TIME_REFUSED =
  'The server refuses TIME, in scripts and out of them: allow it (an ACL user needs +time), or let this machine\'s clock decide: clock: "local".';

/** @throws InvalidOptionsError unless it is a number of milliseconds from 1 to 600,000. */
export function checkStoreTimeout(storeTimeoutMs: unknown): void {
  if (typeof storeTimeoutMs === "number" && storeTimeoutMs >= 1 && storeTimeoutMs <= 600_000) return;
  throw new InvalidOptionsError("storeTimeoutMs must be a number of milliseconds from 1 to 600,000.");
}

/** @throws InvalidOptionsError `storeTimeoutMs` is out of its range. */
export function scriptTransport(wire: Wire, options: DeliveryOptions): ScriptTransport {
  const { storeTimeoutMs } = options;
  checkStoreTimeout(storeTimeoutMs);
  let dialect = options.dialect;
  let closed = false;

  /** By SHA-1, and by text where the server does not know that; in the plain dialect once the other was refused. */
  async function send(
    script: RedisScript,
    call: { keys: string[]; args: string[]; deadline: Deadline },
  ): Promise<unknown> {
    const isUpstash = dialect === "upstash";
    try {
      return await wire.evalsha(isUpstash ? script.upstashSha1 : script.sha1, call.keys, call.args);
    } catch (error) {
      if (!isNoScript(error) || call.deadline.hasPassed()) throw error;
    }
    try {
      return await wire.eval(isUpstash ? script.upstashSource : script.source, call.keys, call.args);
    } catch (error) {
      if (!isUpstash || !isFirstLineRefused(error) || call.deadline.hasPassed()) throw error;
    }
    dialect = "redis";
    return send(script, call);
  }

  async function time(): Promise<unknown> {
    try {
      return await wire.time();
    } catch (error) {
      throw isCommandRefused(error) ? new StoreUnavailableError(TIME_REFUSED) : error;
    }
  }

  /** Until it works, fails for good, or the deadline comes: sent once more with everything as it was. */
  async function deliver(call: Call): Promise<unknown> {
    const deadline = new Deadline(storeTimeoutMs, call.elapsedMs, wire);
    for (let tries = 1; ; tries++) {
      if (closed) {
        throw new StoreUnavailableError("The connection to the store was closed: make a new meter.");
      }
      try {
        return await deadline.limit(call.send(deadline));
      } catch (error) {
        if (error instanceof AgentLimitError) throw error;
        const refusal = refusalOf(error, call.secrets);
        if (refusal.kind === "unavailable") throw new StoreUnavailableError(`${refusal.says}.`);
        if (refusal.kind === "data")
          throw new StoreDataError(`${call.name} failed in the store: ${refusal.says}.`);
        if (!(await deadline.pause(tries, refusal.says))) {
          const trouble = wire.trouble?.();
          const last = trouble === undefined ? refusal.says : `${refusal.says}; ${trouble}`;
          const why = wire.unreached?.() ?? last;
          throw new StoreUnavailableError(`The store did not work within ${storeTimeoutMs} ms: ${why}.`);
        }
      }
    }
  }

  return {
    async run(script, keys, args, elapsedMs = 0) {
      const answer = await deliver({
        elapsedMs,
        name: `The script "${script.name}"`,
        secrets: [...keys, ...args],
        send: (deadline) => send(script, { keys, args, deadline }),
      });
      return answerValues(script.name, answer);
    },
    async time(elapsedMs = 0) {
      return timeMicros(await deliver({ elapsedMs, name: "TIME", secrets: [], send: time }));
    },
    async close() {
      closed = true;
      wire.close?.();
    },
  };
}

interface Call {
  elapsedMs: number;
  name: string;
  /** What must not show in an error. */
  secrets: string[];
  send(deadline: Deadline): Promise<unknown>;
}

/** The one clock of an operation. */
class Deadline {
  readonly #timeoutMs: number;
  readonly #endMs: number;
  readonly #wire: Wire;
  #isOver = false;
  #failedBefore: string | undefined;

  constructor(timeoutMs: number, elapsedMs: number, wire: Wire) {
    this.#timeoutMs = timeoutMs;
    this.#wire = wire;
    this.#endMs = performance.now() + timeoutMs - elapsedMs;
  }

  hasPassed(): boolean {
    return this.#isOver;
  }

  /** The work's outcome, if it comes in time; what comes later is dropped. */
  limit<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#isOver = true;
          reject(this.#silence());
        },
        Math.max(0, this.#endMs - performance.now()),
      );
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** Waits before the next try, longer each time and never twice the same; false where the deadline comes first. */
  async pause(tries: number, why: string): Promise<boolean> {
    this.#failedBefore = why;
    const pauseMs = Math.min(10 * 2 ** tries, 200) * (0.5 + Math.random() / 2);
    if (performance.now() + pauseMs >= this.#endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    return true;
  }

  #silence(): StoreUnavailableError {
    const unreached = this.#wire.unreached?.();
    if (unreached !== undefined) {
      return new StoreUnavailableError(
        `The store did not answer within ${this.#timeoutMs} ms: ${unreached}. Nothing was done.`,
      );
    }
    const trouble = this.#wire.trouble?.();
    const why = trouble === undefined ? "" : `: ${trouble}`;
    const before = this.#failedBefore === undefined ? "" : ` (a try before that: ${this.#failedBefore})`;
    return new StoreUnavailableError(
      `The store did not answer within ${this.#timeoutMs} ms${why}${before}.${MAY_BE_DONE}`,
    );
  }
}
