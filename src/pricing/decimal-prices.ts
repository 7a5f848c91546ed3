/** Prices between the decimals that people write and the integers that everything is computed in. */
import { InvalidOptionsError } from "../errors.ts";
import { MAX_AMOUNT, scaledInteger } from "../ledger/money.ts";

const PER_MILLION_DECIMALS = 6;
const PER_CALL_DECIMALS = 12;
const LEAST_PICO_PER_TOKEN = 100;

/**
 * USD per million tokens to pico-USD per token; more than six decimals are rounded up.
 *
 * @param where What the price is of, for the message.
 * @throws InvalidOptionsError for what is no such price, and for one below 0.0001 that is not 0: most likely meant per token.
 */
export function picoPerToken(value: unknown, where: string): number {
  const pico = scaledInteger(value, PER_MILLION_DECIMALS, "up");
  if (pico === undefined) {
    throw new InvalidOptionsError(
      `${where}: ${shown(value)} is not a price. Prices are USD per million tokens, such as "2.5"; 0 is a price.`,
    );
  }
  if (pico > 0 && pico < LEAST_PICO_PER_TOKEN) {
    throw new InvalidOptionsError(
      `${where}: ${shown(value)} is below 0.0001. Prices are USD per million tokens, as vendors print them, not per token; 0 is a price.`,
    );
  }
  return pico;
}

/**
 * USD per so many calls to pico-USD per call, rounded up.
 *
 * @throws InvalidOptionsError for what is no such price, and above $9,000 a call.
 */
export function picoPerCall(value: unknown, where: string, calls: 1 | 1000 = 1): number {
  const pico = scaledInteger(value, calls === 1 ? PER_CALL_DECIMALS : PER_CALL_DECIMALS - 3, "up");
  if (pico !== undefined) return pico;
  const unit = calls === 1 ? "USD per call" : "USD per 1,000 calls";
  throw new InvalidOptionsError(
    `${where}: ${shown(value)} is not a price. This one is in ${unit}, such as "0.01".`,
  );
}

/** A factor such as "1.1" to per mille, rounded up. @throws InvalidOptionsError unless it is from 0 to 1,000. */
export function perMille(value: unknown, where: string): number {
  const scaled = scaledInteger(value, 3, "up");
  if (scaled !== undefined && scaled <= 1_000_000) return scaled;
  throw new InvalidOptionsError(`${where}: ${shown(value)} is not a factor from 0 to 1000, such as "0.5".`);
}

/** @throws InvalidOptionsError unless it is a whole number of tokens from `least` to 9e15. */
export function tokenLimit(value: unknown, where: string, least = 1): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= MAX_AMOUNT)
    return value;
  throw new InvalidOptionsError(`${where}: ${shown(value)} is not a whole number of tokens from ${least}.`);
}

/** Pico-USD per token as USD per million tokens, exactly: 2500000 is "2.5". */
export function usdPerMillion(pico: number): string {
  return decimalText(pico, PER_MILLION_DECIMALS);
}

/** Pico-USD per call as USD per call, exactly. */
export function usdPerCall(pico: number): string {
  return decimalText(pico, PER_CALL_DECIMALS);
}

/** Per mille as a factor, exactly: 1100 is "1.1". */
export function factorText(inPerMille: number): string {
  return decimalText(inPerMille, 3);
}

/** @returns the integer divided by 10^decimals, in plain decimals without trailing zeros. */
function decimalText(integer: number, decimals: number): string {
  const digits = String(integer).padStart(decimals + 1, "0");
  const fraction = digits.slice(-decimals).replace(/0+$/, "");
  const whole = digits.slice(0, -decimals);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** A value as a message shows it: text in quotes and cut, numbers as they are, else its type. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "number") return String(value);
  return value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
}
