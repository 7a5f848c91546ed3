/** The details of replies, parsed. */
import { StoreDataError } from "../errors.ts";
import { parseAmounts, parseInteger } from "./account.ts";
import type { Metric } from "./budgets.ts";
import type { LedgerReply } from "./commands.ts";
import type { Amounts, Booking, ChainLink, Crossing } from "./store.ts";
import { MINUTE_MICROS } from "./wheel.ts";
import { isWindowName } from "./window-names.ts";

const SOURCES: Record<string, Booking["source"]> = { r: "reported", e: "estimated", "-": "released" };
const METRIC_OF_LETTER: Record<string, Metric> = { u: "usd", t: "tokens", r: "requests" };

/** A hold, from the details `start, expiry minute, amounts`. */
export function heldOf(reply: LedgerReply): { startedAtMicros: number; expiresAtMs: number; held: Amounts } {
  const [start, minute, amounts] = reply.details;
  const startedAtMicros = parseInteger(start);
  const expiryMinute = parseInteger(minute);
  const held = parseAmounts(amounts);
  if (startedAtMicros === undefined || expiryMinute === undefined || held === undefined)
    throw unreadable(reply);
  return { startedAtMicros, held, expiresAtMs: ((expiryMinute + 1) * MINUTE_MICROS) / 1000 };
}

/** A closed call, from the details `start, expiry minute, actual, source, verdict, crossings`. */
export function bookingOf(
  reply: LedgerReply,
  chain: ChainLink[],
): { booking: Booking; pausedScope?: string } {
  const [, , amounts, sourceLetter, verdict = ""] = reply.details;
  const actual = parseAmounts(amounts);
  const source = SOURCES[sourceLetter ?? ""];
  if (actual === undefined || source === undefined) throw unreadable(reply);
  const booking = { actual, source, overrun: verdict === "1" };
  const pausedScope = verdict.startsWith("p") ? chain[Number(verdict.slice(1))]?.scope : undefined;
  return pausedScope === undefined ? { booking } : { booking, pausedScope };
}

/** The thresholds that the operation reached. */
export function crossingsOf(reply: LedgerReply, chain: ChainLink[]): Crossing[] {
  const text = reply.details[5] ?? "-";
  return text === "-" ? [] : text.split(",").map((entry) => crossingOf(reply, entry, chain));
}

/** A crossing in the text form that takes its mark off: `window:letter:millionths:base`. */
export function crossingText(crossing: Crossing): string {
  const letter = crossing.metric.charAt(0);
  const mark = crossing.soft ? letter.toUpperCase() : letter;
  return `${crossing.window}:${mark}:${Math.round(crossing.threshold * 1e6)}:${crossing.baseMicros}`;
}

function crossingOf(reply: LedgerReply, entry: string, chain: ChainLink[]): Crossing {
  const [place, window = "", letter = "", millionths, base] = entry.split(":");
  const scope = chain[Number(place)]?.scope;
  const metric = METRIC_OF_LETTER[letter.toLowerCase()];
  const baseMicros = parseInteger(base);
  if (scope === undefined || metric === undefined || baseMicros === undefined || !isWindowName(window)) {
    throw unreadable(reply);
  }
  const soft = letter !== letter.toLowerCase();
  return { scope, window, metric, soft, threshold: Number(millionths) / 1e6, baseMicros };
}

function unreadable(reply: LedgerReply): StoreDataError {
  return new StoreDataError(
    `The store's answer ${reply.code} does not have the form that agentlimit writes.`,
  );
}
