/** Cuts bytes at places that a seed decides, inside of characters where there are any. */

/** A generator of numbers from 0 to below 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Pieces of a few hundred bytes, and a border inside of every second character that has more than one byte. */
export function cutsInsideCharacters(bytes: Uint8Array, next: () => number): Uint8Array[] {
  const cuts: Uint8Array[] = [];
  let start = 0;
  let end = 1 + Math.floor(next() * 400);
  for (let at = 1; at < bytes.length; at += 1) {
    const isInsideCharacter = ((bytes[at] ?? 0) & 0xc0) === 0x80;
    if (at < end && !(isInsideCharacter && next() < 0.5)) continue;
    cuts.push(bytes.subarray(start, at));
    start = at;
    end = at + 1 + Math.floor(next() * 400);
  }
  cuts.push(bytes.subarray(start));
  return cuts;
}
