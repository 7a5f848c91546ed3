/** What happens to Redis and to the callers' processes, and when: by seed. */
import { setTimeout as delay } from "node:timers/promises";
import { type RedisServer, startRedisServer } from "../test/support/redis-server.ts";
import { steadyMicros } from "./clock.ts";
import type { CallerGroup } from "./processes.ts";
import { type Random, randomOf } from "./random.ts";

export const SERVER_FAULTS = [
  "redisKilled",
  "redisHung",
  "memoryFull",
  "scriptsFlushed",
  "callerKilled",
] as const;
export type ServerFaultKind = (typeof SERVER_FAULTS)[number];

/** A fault that was done. Times are microseconds of the steady clock. */
export interface ServerFault {
  kind: ServerFaultKind;
  fromMicros: number;
  toMicros: number;
}

/** A Redis with an append-only file, which can be killed and started again at the same address. */
export class DurableRedis {
  readonly #folder: string;
  #server: RedisServer;

  private constructor(folder: string, server: RedisServer) {
    this.#folder = folder;
    this.#server = server;
  }

  static async start(folder: string): Promise<DurableRedis> {
    return new DurableRedis(folder, await startRedisServer({ folder, args: DURABLE }));
  }

  get url(): string {
    return this.#server.url;
  }

  get port(): number {
    return this.#server.port;
  }

  async killAndRestart(downMs: number): Promise<void> {
    await this.#server.stop();
    await delay(downMs);
    const { port } = this.#server;
    this.#server = await startRedisServer({ folder: this.#folder, args: DURABLE, port });
  }

  async hang(forMs: number): Promise<void> {
    this.#server.pause();
    await delay(forMs);
    this.#server.resume();
  }

  async fillMemory(forMs: number): Promise<void> {
    await this.command("CONFIG SET maxmemory 1");
    await delay(forMs);
    await this.command("CONFIG SET maxmemory 0");
  }

  async command(line: string): Promise<void> {
    const answer = await this.#server.command(line);
    if (answer !== "+OK") throw new Error(`${line}: ${answer}`);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}

const DURABLE = [
  ...["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-min-size", "16mb"],
  ...["--maxmemory-policy", "noeviction"],
];

export interface ServerFaultOptions {
  seed: number;
  redis: DurableRedis;
  callers: CallerGroup;
  kinds: readonly ServerFaultKind[];
}

/** One fault after the other until told to stop: all kinds in random order, then all kinds again. */
export class ServerFaults {
  readonly done: ServerFault[] = [];
  readonly #options: ServerFaultOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(options: ServerFaultOptions) {
    this.#options = options;
    this.#ended = this.#run();
    // Whoever waits for the end hears of a failure then.
    this.#ended.catch(() => {});
  }

  /** Waits for the fault that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { seed, kinds } = this.#options;
    for (let round = 0; ; round++) {
      const random = randomOf(seed, "server", round);
      for (const kind of shuffled(kinds, random)) {
        const pauseMs = 200 + random.below(700);
        await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {});
        if (this.#stop.signal.aborted) return;
        const fromMicros = steadyMicros();
        await this.#inflict(kind, random);
        this.done.push({ kind, fromMicros, toMicros: steadyMicros() });
      }
    }
  }

  async #inflict(kind: ServerFaultKind, random: Random): Promise<void> {
    const { redis, callers } = this.#options;
    switch (kind) {
      case "redisKilled":
        return redis.killAndRestart(random.below(300));
      case "redisHung":
        return redis.hang(200 + random.below(700));
      case "memoryFull":
        return redis.fillMemory(200 + random.below(400));
      case "scriptsFlushed":
        return redis.command("SCRIPT FLUSH");
      case "callerKilled":
        return callers.killOne(random.below(1_000));
      default:
        return kind satisfies never;
    }
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  return list.flatMap(() => left.splice(random.below(left.length), 1));
}
