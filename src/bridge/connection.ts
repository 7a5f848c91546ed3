/** The one connection to Redis that all callers of a bridge share: in their order, each answered within a time. */
import { Command, type Redis } from "ioredis";
import { isReply } from "../redis/refusals.ts";
import { isSelect } from "../redis/tcp.ts";
import type { Memory } from "./memory.ts";
import type { BridgeCommand } from "./protocol.ts";

export type Outcome = { result: unknown } | { failure: Failure };

export interface Failure {
  message: string;
  /**
   * `reply`: Redis' own words. `unreachable`: none came, and what was asked may have been done all the same; or Redis
   * lets in nobody with the bridge's password or database; or too much waits for it already.
   */
  kind: "reply" | "unreachable";
}

export interface ConnectionLimits {
  /** Milliseconds until a caller is told that there is no answer. */
  timeoutMs: number;
  /** Holds what Redis has not answered, which may be long after the caller was told so. */
  memory: Memory;
}

/** The client knows by it that it may try again. */
export const TOO_MANY = "ERR too many requests are under way: send this one again";

export class SharedConnection {
  readonly #redis: Redis;
  readonly #limits: ConnectionLimits;
  #knowsMulti = false;
  /** What stands in the way of the connection, as far as Redis told it. */
  #trouble: Outcome | undefined;

  constructor(redis: Redis, limits: ConnectionLimits) {
    this.#redis = redis;
    this.#limits = limits;
    redis.on("error", (error: Error) => {
      this.#trouble = troubleOf(error);
    });
  }

  /** One outcome a command, in their order; one that fails does not stop the others. */
  send(commands: readonly BridgeCommand[]): Promise<Outcome[]> {
    return this.#outcomes(commands.map(({ name, args }) => commandOf(name, args)));
  }

  /** The outcomes of all, or why nothing of it was done; where Redis did not answer it may be done all the same. */
  async transact(commands: readonly BridgeCommand[]): Promise<Outcome[] | Failure> {
    const refusal = await this.#refusesMulti();
    if (refusal !== undefined) return refusal;
    // Written within one turn of the event loop, so that nothing of another caller comes between. ioredis knows a
    // transaction by names in lower case, and never sends a part of it a second time.
    const parts = [
      commandOf("multi"),
      ...commands.map(({ name, args }) => commandOf(name, args)),
      commandOf("exec"),
    ];
    for (const [index, part] of parts.entries()) {
      part.pipelineIndex = index;
      part.inTransaction = index > 0;
    }
    const executed = (await this.#outcomes(parts)).at(-1) ?? UNANSWERED;
    if ("failure" in executed) return executed.failure;
    if (!Array.isArray(executed.result))
      return { message: "ERR the transaction was discarded", kind: "reply" };
    return executed.result.map((result: unknown) =>
      result instanceof Error ? { failure: { message: result.message, kind: "reply" } } : { result },
    );
  }

  /** Where Redis refuses MULTI, what follows would run by itself: so one is tried before the first transaction. */
  async #refusesMulti(): Promise<Failure | undefined> {
    if (this.#knowsMulti) return undefined;
    const [multi = UNANSWERED] = await this.#outcomes([commandOf("multi"), commandOf("discard")]);
    if ("failure" in multi) return multi.failure;
    this.#knowsMulti = true;
    return undefined;
  }

  async #outcomes(commands: readonly Command[]): Promise<Outcome[]> {
    const { timeoutMs, memory } = this.#limits;
    if (!memory.hasRoom()) return commands.map(() => OVERLOADED);
    const outcomes = commands.map((): Outcome => UNANSWERED);
    const settled = commands.map(async (command, index) => {
      outcomes[index] = await this.#outcomeOf(command);
    });
    const allSettled = Promise.all(settled);
    memory.holdUntil(bytesOf(commands), allSettled);
    await atMost(timeoutMs, allSettled);
    return [...outcomes];
  }

  /** Sends before it returns. */
  async #outcomeOf(command: Command): Promise<Outcome> {
    try {
      this.#redis.sendCommand(command);
      const result = await command.promise;
      this.#trouble = undefined;
      return { result };
    } catch (error) {
      if (!isReply(error)) return this.#trouble ?? UNREACHABLE;
      return troubleOf(error) ?? { failure: { message: error.message, kind: "reply" } };
    }
  }
}

/** A name in upper case keeps ioredis from turning lists into objects; no encoding keeps every byte. */
function commandOf(name: string, args: (string | Buffer)[] = []): Command {
  return new Command(name, args, { replyEncoding: null });
}

/** What commands hold until they are answered: their text, and about so much for each part, as measured. */
function bytesOf(commands: readonly Command[]): number {
  return commands.reduce(
    (sum, { args }) =>
      args.reduce((bytes: number, arg) => bytes + BYTES_PER_PART + lengthOf(arg), sum + 1024),
    0,
  );
}

const BYTES_PER_PART = 128;

function lengthOf(arg: unknown): number {
  return typeof arg === "string" || Buffer.isBuffer(arg) ? arg.length : 0;
}

/** Returns when the work is done or the time has passed. */
function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function troubleOf(error: Error): Outcome | undefined {
  if (isSelect(error)) return NO_DATABASE;
  // No caller can send AUTH: what is refused is the bridge's own user and password, not the caller's token.
  return isReply(error) && /^(NOAUTH\b|WRONGPASS\b|ERR invalid password)/.test(error.message)
    ? LOCKED_OUT
    : undefined;
}

// The bridge's own answers where there is none of Redis. Clients know the first words.
const UNREACHABLE: Outcome = {
  failure: { message: "ERR the bridge can't reach Redis", kind: "unreachable" },
};
const UNANSWERED: Outcome = {
  failure: {
    message:
      "ERR the bridge can't reach Redis: no answer came in time; what was asked may be done all the same",
    kind: "unreachable",
  },
};
const OVERLOADED: Outcome = { failure: { message: TOO_MANY, kind: "unreachable" } };
const LOCKED_OUT: Outcome = {
  failure: {
    message: "NOAUTH the bridge's Redis refuses the user or password that the bridge has",
    kind: "unreachable",
  },
};
const NO_DATABASE: Outcome = {
  failure: {
    message: "ERR DB index is out of range: the bridge's Redis has no database of the number in its address",
    kind: "unreachable",
  },
};
