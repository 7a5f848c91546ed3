/** Ids of operations, and the hash that tells a repeated operation from another one under the same id. */

/** A random id: 96 bits as 24 hexadecimal digits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A 64-bit hash of the arguments of an operation as the caller gave them: kind, chain, amounts; never prices, windows
 * or clocks. It detects mistakes, not attacks: whoever can send an id can send its arguments too.
 *
 * @returns 16 hexadecimal digits (FNV-1a).
 */
export function argumentsHash(parts: readonly string[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(JSON.stringify(parts))) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, "0");
}
