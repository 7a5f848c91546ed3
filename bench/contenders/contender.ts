/** What is measured: one kind of call, made over a number of connections. */

/** Makes calls to one server; each of its connections carries one call at a time. */
export interface Contender {
  name: string;
  /** One call over the connection of this place. @throws when it did not do what it should, so that nothing is measured that did not work. */
  call(connection: number): Promise<void>;
  /** Resolves when every connection has made its first calls, on an empty server. */
  warm(): Promise<void>;
  close(): Promise<void>;
}

/** Calls each connection three times: scripts are loaded, accounts made, the paths of the client known to the runtime. */
export async function warmConnections(
  connections: number,
  call: (connection: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    for (let connection = 0; connection < connections; connection += 1) await call(connection);
  }
}

/** The element of this place of a list that has it. */
export function at<T>(list: readonly T[], place: number): T {
  const element = list[place];
  if (element === undefined) throw new RangeError(`There is no connection ${place}.`);
  return element;
}
