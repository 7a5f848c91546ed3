/** What the bench measured beside what it should be. */
import { styleText } from "node:util";
import { tableLines } from "./table.ts";

export interface TargetRow {
  what: string;
  /** The figure, with its spread where it has one. */
  measured: string;
  target: string;
  /** Undefined: nothing to hold it against. */
  isMet: boolean | undefined;
}

export function targetLines(rows: TargetRow[]): string[] {
  const cells = rows.map(({ what, measured, target, isMet }) => [what, measured, target, verdict(isMet)]);
  return [styleText("bold", "Targets"), ...tableLines(["", "measured:", "target:", ":"], cells)];
}

function verdict(isMet: boolean | undefined): string {
  if (isMet === undefined) return "";
  return isMet ? styleText("green", "✔ met") : styleText("red", "✘ missed");
}
