/** Random choices that a seed repeats. */

export interface Random {
  /** At least 0, below 1. */
  share(): number;
  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number;
  pick<T>(choices: readonly [T, ...T[]]): T;
}

/** @param seed a whole number from 0 to 2^32 - 1. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  // Mulberry32, by Tommy Ettinger: public domain.
  const share = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (least: number, most: number) => least + Math.floor(share() * (most - least + 1));
  return { share, whole, pick: (choices) => choices[whole(0, choices.length - 1)] ?? choices[0] };
}
