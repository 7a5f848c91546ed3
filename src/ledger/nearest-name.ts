/** Names of options and fields that nobody meant: a typo must not turn a budget off. */

/**
 * The first key that is not among `known`, with the known name that it most likely stands for.
 *
 * @returns undefined when every key is known.
 */
export function unknownName(
  keys: readonly string[],
  known: readonly string[],
): { name: string; nearest: string | undefined } | undefined {
  const name = keys.find((key) => !known.includes(key));
  return name === undefined ? undefined : { name, nearest: nearestName(name, known) };
}

/** The known name within a third of its length in edits, letter case aside. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((candidate) => ({ candidate, edits: editsBetween(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.edits - b.edits);
  return nearest?.candidate;
}

/** The Levenshtein distance. */
function editsBetween(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...a].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...b].entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
