/** Text for terminals: colour, tables, bars, JSON; nothing that the ledger holds can steer the terminal. */
import { WriteStream } from "node:tty";
import { inspect, stripVTControlCharacters } from "node:util";
import type { Metric } from "../ledger/budgets.ts";
import { formatUsd } from "../ledger/money.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow";

/** Colours a text, or returns it as it is. */
export type Paint = (style: Style, text: string) => string;

/**
 * Whether to write in colour: on terminals that can, and wherever FORCE_COLOR says so; never under NO_COLOR, which also
 * wins over FORCE_COLOR.
 */
export function hasColor(isTerminal: boolean, environment: Readonly<NodeJS.ProcessEnv>): boolean {
  const { NO_COLOR, FORCE_COLOR, ...others } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (!isTerminal && FORCE_COLOR === undefined) return false;
  const known = FORCE_COLOR === undefined ? others : { ...others, FORCE_COLOR };
  return WriteStream.prototype.getColorDepth(known) > 2;
}

/** Node's own codes; `styleText` is missing before Node 20.12. */
export function painter(isColored: boolean): Paint {
  return (style, text) => {
    const [open, close] = inspect.colors[style] ?? [0, 0];
    return isColored ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  };
}

/** On one line, without escape sequences, control characters and those that turn or hide text. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/\p{Cf}/gu, "")
    .trim();
}

/** Indented JSON in which every character that could steer a terminal is escaped. */
export function json(value: unknown): string {
  const escaped = JSON.stringify(value, undefined, 2).replace(
    /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu,
    (character) =>
      Array.from({ length: character.length }, (_, index) => codeUnitEscape(character, index)).join(""),
  );
  return `${escaped}\n`;
}

const codeUnitEscape = (text: string, index: number): string =>
  `\\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`;

/** A cell of a table; `style` colours its text, not its padding. */
export interface Cell {
  text: string;
  style?: Style | undefined;
  align?: "right" | undefined;
}

/** Lines with columns two spaces apart, under a dim heading. */
export function table(heading: readonly Cell[], rows: readonly Cell[][], paint: Paint): string {
  const head = heading.map((cell): Cell => ({ ...cell, style: "dim" }));
  const widths = head.map((cell, column) =>
    Math.max(cell.text.length, ...rows.map((row) => row[column]?.text.length ?? 0)),
  );
  return [head, ...rows].map((row) => `${line(row, widths, paint)}\n`).join("");
}

function line(row: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const cells = row.map(({ text, style, align }, column) => {
    const padding = " ".repeat((widths[column] ?? 0) - text.length);
    const painted = style === undefined ? text : paint(style, text);
    if (align === "right") return padding + painted;
    return column === row.length - 1 ? painted : painted + padding;
  });
  return cells.join("  ");
}

const BAR_CELLS = 20;

/** Spent as full cells, held as shaded ones, of {@link BAR_CELLS}; anything spent shows at least one. */
export function bar({ spent, held, limit }: { spent: number; held: number; limit: number }): string {
  const full = cellsFor(share(spent, limit));
  const used = Math.max(full, cellsFor(share(spent + held, limit)));
  return "█".repeat(full) + "▒".repeat(used - full) + "░".repeat(BAR_CELLS - used);
}

/** A part of a limit; 29 of 100 as a double is a little less, and must not be rounded down to 28. */
export function share(part: number, limit: number): number {
  return part === 0 ? 0 : part / limit + 1e-12;
}

/** All cells only where nothing is left. */
function cellsFor(used: number): number {
  if (used === 0) return 0;
  return used >= 1 ? BAR_CELLS : Math.max(1, Math.floor(used * BAR_CELLS));
}

/** One decimal, rounded down, so that 100.0% is never said too early, nor 0.0% of what is spent. */
export function percent(value: number): string {
  const tenths = Math.floor(share(value, 100) * 1000);
  return value > 0 && tenths === 0 ? "<0.1%" : `${(tenths / 10).toFixed(1)}%`;
}

/** `$0.00045`, `1500`: exact; the unit of tokens and requests is left to the reader. */
export function amount(metric: Metric, value: number): string {
  return metric === "usd" ? formatUsd(Math.round(value * 1e9)) : String(value);
}

/** `2026-12-01T00:00Z` */
export function minute(date: Date): string {
  return `${date.toISOString().slice(0, 16)}Z`;
}
