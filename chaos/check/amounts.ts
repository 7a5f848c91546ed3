/** Sums of amounts. */
import type { Triple } from "../journal.ts";

export const ZERO: Readonly<Triple> = [0, 0, 0];

export function plus(a: Readonly<Triple>, b: Readonly<Triple>): Triple {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function minus(a: Readonly<Triple>, b: Readonly<Triple>): Triple {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function smaller(a: Readonly<Triple>, b: Readonly<Triple>): Triple {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.min(a[2], b[2])];
}

/** The place of a limit's metric. */
export const METRIC_PLACE = { nanoUsd: 0, tokens: 1, requests: 2 } as const;
