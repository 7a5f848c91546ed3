/** Runs what a request asks for: one command, a pipeline, or a transaction. */
import type { Failure, Outcome, SharedConnection } from "./connection.ts";
import {
  type Address,
  type BridgeCommand,
  bytesOf,
  commandOfJson,
  commandOfPath,
  RefusedCommand,
  type ResultEncoding,
  resultJson,
} from "./protocol.ts";

/** The most commands of a pipeline or transaction. */
export const MAX_COMMANDS = 10_000;

/** The most names and arguments of a request together: each costs many times its bytes while it is under way. */
export const MAX_PARTS = 1_048_576;

/** The largest result, or results of one list together, that is written: 64 MiB. */
export const MAX_RESULT_BYTES = 64 * 1024 * 1024;

/** So many commands of a pipeline are sent at once; the next ones when these are answered. */
const BATCH_COMMANDS = 500;

export interface Asked {
  address: Address;
  body: Buffer;
  encoding: ResultEncoding;
  /** @throws RefusedCommand the caller may not send this. */
  check(command: BridgeCommand): void;
}

export interface Answer {
  status: number;
  /** As JSON. */
  body: unknown;
  headers?: Record<string, string>;
}

export function refused(status: number, message: string): Answer {
  return { status, body: { error: message } };
}

export const LIST_PATHS: ReadonlySet<string> = new Set(["/pipeline", "/multi-exec"]);

/** @throws RefusedCommand what is asked is malformed, or not for this caller. */
export function execute(asked: Asked, connection: SharedConnection): Promise<Answer> {
  switch (asked.address.path) {
    case "/pipeline":
      return pipeline(asked, connection);
    case "/multi-exec":
      return transaction(asked, connection);
    default:
      return single(asked, connection);
  }
}

async function single(asked: Asked, connection: SharedConnection): Promise<Answer> {
  const { address, body } = asked;
  const command = address.path === "/" ? commandOfJson(jsonOf(body)) : commandOfPath(address, body);
  asked.check(command);
  const [outcome = NOT_SENT] = await connection.send([command]);
  if ("failure" in outcome) return failed(outcome.failure);
  const results = new Results(asked.encoding);
  results.add(outcome);
  return { status: results.isFull ? 400 : 200, body: results.answers[0] };
}

/** One answer a command, in their order; one that fails or is refused does not stop the others. */
async function pipeline(asked: Asked, connection: SharedConnection): Promise<Answer> {
  const results = new Results(asked.encoding);
  const list = listOf(asked.body);
  // Once set, nothing more is sent: each further command would wait for a dead Redis, or fill the memory.
  let end: Outcome | undefined;
  for (let start = 0; start < list.length; start += BATCH_COMMANDS) {
    const steps = list.slice(start, start + BATCH_COMMANDS).map((value) => checkedStep(asked, value));
    const commands = steps.filter((step) => "name" in step);
    const outcomes = end === undefined ? await connection.send(commands) : [];
    const next = outcomes.values();
    for (const step of steps) {
      results.add("name" in step ? (next.next().value ?? end ?? NOT_SENT) : step);
    }
    end ??= results.isFull ? NOT_SENT : outcomes.find(isUnreachable);
  }
  return { status: 200, body: results.answers };
}

/** A command that the caller may send, or why not. */
function checkedStep(asked: Asked, value: unknown): BridgeCommand | Outcome {
  try {
    const command = commandOfJson(value);
    asked.check(command);
    return command;
  } catch (error) {
    if (!(error instanceof RefusedCommand)) throw error;
    return { failure: { message: error.message, kind: "reply" } };
  }
}

/** All or nothing: where one command is refused, none is sent. */
async function transaction(asked: Asked, connection: SharedConnection): Promise<Answer> {
  const commands = listOf(asked.body).map(commandOfJson);
  for (const command of commands) asked.check(command);
  const outcomes = await connection.transact(commands);
  if (!Array.isArray(outcomes)) return failed(outcomes);
  const results = new Results(asked.encoding);
  for (const outcome of outcomes) results.add(outcome);
  return { status: 200, body: results.answers };
}

function failed({ message, kind }: Failure): Answer {
  return refused(kind === "reply" ? 400 : 503, message);
}

function isUnreachable(outcome: Outcome): boolean {
  return "failure" in outcome && outcome.failure.kind === "unreachable";
}

/** Collects answers until they are more than may be held in memory. */
class Results {
  readonly answers: ({ result: unknown } | { error: string })[] = [];
  readonly #encoding: ResultEncoding;
  #bytes = 0;

  constructor(encoding: ResultEncoding) {
    this.#encoding = encoding;
  }

  get isFull(): boolean {
    return this.#bytes > MAX_RESULT_BYTES;
  }

  add(outcome: Outcome): void {
    if ("failure" in outcome) {
      this.answers.push({ error: outcome.failure.message });
      return;
    }
    this.#bytes += bytesOf(outcome.result);
    this.answers.push(
      this.isFull
        ? { error: `${TOO_LARGE}: the command ran, its result is left out` }
        : { result: resultJson(outcome.result, this.#encoding) },
    );
  }
}

const TOO_LARGE = `ERR max response size exceeded. Limit: ${MAX_RESULT_BYTES} bytes`;
const NOT_SENT: Outcome = { failure: { message: `${TOO_LARGE}: the command did not run`, kind: "reply" } };

function jsonOf(body: Buffer): unknown {
  const value = parsed(body);
  if (partCount(value) <= MAX_PARTS) return value;
  throw new RefusedCommand(`ERR max request size exceeded. Limit: ${MAX_PARTS} names and arguments`);
}

function parsed(body: Buffer): unknown {
  try {
    // A replaced character would be another value than was sent.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new RefusedCommand("ERR the body is not JSON in UTF-8");
  }
}

/** Of one command, or of a list of them. */
function partCount(value: unknown): number {
  if (!Array.isArray(value)) return 1;
  return value.reduce((sum: number, part) => sum + (Array.isArray(part) ? part.length : 1), 0);
}

function listOf(body: Buffer): unknown[] {
  const list = jsonOf(body);
  if (!Array.isArray(list) || list.length === 0) {
    throw new RefusedCommand("ERR a pipeline or transaction is a list of commands that is not empty");
  }
  // By the first words a client knows that it should send less at once.
  if (list.length > MAX_COMMANDS) {
    throw new RefusedCommand(`ERR max request size exceeded. Limit: ${MAX_COMMANDS} commands`);
  }
  return list;
}
