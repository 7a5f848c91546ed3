/** What came of work that a test began. */

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** What `work` fails with. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    (value) => {
      throw new Error(`It did not fail, but came to ${JSON.stringify(value)}.`);
    },
    (error: unknown) => error,
  );
}
