/** Exact money: amounts are integer nano-USD, prices integer pico-USD per token. No float ever holds a balance. */

/** Dollars. A string is exact; a number is read by its shortest decimal form, so `0.1` is ten cents and not 0.1000000000000000055. */
export type Usd = number | string;

/** The most that one counter, limit or amount may hold: 9e15 nano-USD ($9,000,000), tokens or requests. Above 2^53 doubles lose units. */
export const MAX_AMOUNT = 9_000_000_000_000_000;

const NANO_DECIMALS = 9;
const DECIMAL = /^(\d{1,20})(?:\.(\d{1,40}))?(?:e([+-]\d{1,3}))?$/;

/**
 * Dollars to nano-USD, rounded up: for amounts that are spent or held.
 *
 * @returns an integer from 0 to {@link MAX_AMOUNT}, or undefined when the value is no such amount.
 */
export function nanoUsdRoundedUp(value: unknown): number | undefined {
  return scaledInteger(value, NANO_DECIMALS, "up");
}

/**
 * Several amounts of dollars together, rounded up once.
 *
 * @returns undefined as {@link nanoUsdRoundedUp} does, for any of them.
 */
export function sumNanoUsdRoundedUp(values: readonly unknown[]): number | undefined {
  const parts = values.map(decimalOf).filter((part) => part !== undefined);
  if (parts.length < values.length) return undefined;
  const shift = Math.min(...parts.map((part) => part.shift));
  const digits = parts.reduce((sum, part) => sum + part.digits * 10n ** BigInt(part.shift - shift), 0n);
  return scaled({ digits, shift }, NANO_DECIMALS, "up");
}

/** Dollars to nano-USD, rounded down: for limits. */
export function nanoUsdRoundedDown(value: unknown): number | undefined {
  return scaledInteger(value, NANO_DECIMALS, "down");
}

/**
 * A non-negative decimal times 10^decimals as a safe integer.
 *
 * @returns undefined for NaN, infinities, negatives, text that is no plain decimal, and results above {@link MAX_AMOUNT}.
 */
export function scaledInteger(value: unknown, decimals: number, rounding: "up" | "down"): number | undefined {
  const decimal = decimalOf(value);
  return decimal && scaled(decimal, decimals, rounding);
}

/** digits × 10^shift. */
interface Decimal {
  readonly digits: bigint;
  readonly shift: number;
}

function decimalOf(value: unknown): Decimal | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  if (typeof value === "string" && /e/i.test(value)) return undefined;
  const match = DECIMAL.exec(String(value).trim());
  if (match === null) return undefined;
  const [, whole = "", fraction = "", exponent = "0"] = match;
  return { digits: BigInt(whole + fraction), shift: Number(exponent) - fraction.length };
}

function scaled({ digits, shift }: Decimal, decimals: number, rounding: "up" | "down"): number | undefined {
  const zeros = shift + decimals;
  const integer =
    zeros >= 0 ? digits * 10n ** BigInt(zeros) : divide(digits, 10n ** BigInt(-zeros), rounding);
  return integer <= BigInt(MAX_AMOUNT) ? Number(integer) : undefined;
}

function divide(dividend: bigint, divisor: bigint, rounding: "up" | "down"): bigint {
  const quotient = dividend / divisor;
  return rounding === "up" && quotient * divisor !== dividend ? quotient + 1n : quotient;
}

/** Nano-USD as a number of dollars, for display; the nearest double. */
export function usdFromNano(nanoUsd: number): number {
  return nanoUsd / 1e9;
}

/** Nano-USD as exact text: `$0.00045`, at least two decimals. */
export function formatUsd(nanoUsd: number): string {
  const sign = nanoUsd < 0 ? "-" : "";
  const digits = String(Math.abs(nanoUsd)).padStart(NANO_DECIMALS + 1, "0");
  const whole = digits.slice(0, -NANO_DECIMALS);
  const fraction = digits.slice(-NANO_DECIMALS).replace(/0+$/, "").padEnd(2, "0");
  return `${sign}$${whole}.${fraction}`;
}
