/** How one API words its answers on the wire. */

/** What an answer says and counts. */
export interface Said {
  model: string;
  inputTokens: number;
  outputTokens: number;
  /** The pieces of the text, one event each in a stream. */
  words: string[];
}

/** The request that is answered. */
export interface Asked {
  /** Path and query. */
  path: string;
  /** The parsed JSON body; the text where it is none. */
  body: unknown;
  /** The host that the client meant; undefined where it called the upstream by its own address. */
  host: string | undefined;
}

export interface Dialect {
  serves(path: string): boolean;
  isStream(asked: Asked): boolean;
  answer(said: Said, asked: Asked): object;
  /** A stream as it goes over the wire, an event each. */
  events(said: Said, asked: Asked): string[];
  error(type: string, message: string): object;
}

export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
