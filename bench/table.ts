/** Tables for a terminal: text on the left, figures on the right. */
import { stripVTControlCharacters, styleText } from "node:util";

/** Rows of as many cells as there are titles. The first column is text, and so is each whose title ends with a colon. */
export function tableLines(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const heads = titles.map((title) => title.replace(/:$/, ""));
  const widths = heads.map((head, column) =>
    Math.max(...[head, ...rows.map((row) => row[column] ?? "")].map(widthOf)),
  );
  const isText = titles.map((title, column) => column === 0 || title.endsWith(":"));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => padded(cell, widths[column] ?? 0, isText[column] ?? true))
      .join("  ")
      .trimEnd();
  return [styleText("dim", line(heads)), ...rows.map(line)];
}

function padded(cell: string, width: number, isText: boolean): string {
  const room = " ".repeat(Math.max(0, width - widthOf(cell)));
  return isText ? cell + room : room + cell;
}

const widthOf = (cell: string): number => stripVTControlCharacters(cell).length;
