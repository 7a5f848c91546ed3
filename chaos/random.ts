/** Random numbers by name: the same seed and name give the same numbers, whatever happens elsewhere. */

export interface Random {
  /** A whole number from 0 to `count - 1`. */
  below(count: number): number;
  chance(probability: number): boolean;
  /** @throws Error when there is nothing to choose from. */
  pick<T>(list: readonly T[]): T;
  /** One value; each comes as often as its weight says. */
  weighted<T>(rows: readonly (readonly [weight: number, value: T])[]): T;
}

export function randomOf(...name: (string | number)[]): Random {
  const next = generator(hashOf(name.join(" ")));
  const random: Random = {
    below: (count) => Math.floor(next() * count),
    chance: (probability) => next() < probability,
    pick: (list) => random.weighted(list.map((value) => [1, value] as const)),
    weighted: (rows) => {
      let left = next() * rows.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, value] of rows) {
        left -= weight;
        if (left < 0) return value;
      }
      throw new Error("Nothing to choose from.");
    },
  };
  return random;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place++) {
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  }
  return hash >>> 0;
}

/** Mulberry32: from 0 to below 1. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
