/** The expiry wheel: for each minute, the sums of the holds that expire in it. Fields `x:<minute>`, text `start U,T,N;…`. */
import { addAmounts, formatAmounts, parseAmounts, parseInteger } from "./account.ts";
import type { Amounts } from "./store.ts";

export const MINUTE_MICROS = 60_000_000;

/** The longest that a hold may live, in minutes: 26 hours. */
export const MAX_HOLD_MINUTES = 1_560;

/** Holds of one minute that began at or after the same base of every window longer than a minute. */
export interface Segment {
  /** When the segment's first hold began. */
  startMicros: number;
  sum: Amounts;
}

export const wheelField = (minute: number): string => `x:${minute}`;

export const minuteOf = (micros: number): number => Math.floor(micros / MINUTE_MICROS);

/** @returns undefined when the text is no wheel minute; an absent field is an empty one. */
export function parseSegments(text: string | undefined): Segment[] | undefined {
  if (text === undefined) return [];
  if (!text.endsWith(";")) return undefined;
  const segments: Segment[] = [];
  for (const entry of text.slice(0, -1).split(";")) {
    const [start, amounts, ...rest] = entry.split(" ");
    const startMicros = parseInteger(start);
    const sum = parseAmounts(amounts);
    if (startMicros === undefined || sum === undefined || rest.length > 0) return undefined;
    segments.push({ startMicros, sum });
  }
  return segments;
}

export function formatSegments(segments: readonly Segment[]): string {
  return segments.map((segment) => `${segment.startMicros} ${formatAmounts(segment.sum)};`).join("");
}

/** Adds a hold that begins now: to the last segment, unless a window rolled or was reset since that one began. */
export function addHold(
  segments: Segment[],
  startMicros: number,
  newestBaseMicros: number,
  held: Amounts,
): void {
  const last = segments.at(-1);
  if (last !== undefined && last.startMicros >= newestBaseMicros) last.sum = addAmounts(last.sum, held);
  else segments.push({ startMicros, sum: held });
}

/** Takes a hold off the segment that it was added to: the last one that began no later. */
export function takeHold(segments: Segment[], startMicros: number, held: Amounts): void {
  const own = segments.findLast((segment) => segment.startMicros <= startMicros);
  if (own !== undefined) own.sum = addAmounts(own.sum, held, -1);
}
