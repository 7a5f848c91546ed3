/** What is to be seen while the agents run: bars redrawn in place at a terminal, lines in a pipe. */
import { styleText } from "node:util";
import type { BudgetStatus } from "../src/node.ts";

export interface Bar {
  budget: BudgetStatus;
  /** What stands behind the figures. */
  note: string;
  stopped: boolean;
}

/** What the bars need of a terminal. */
export type Terminal = Pick<NodeJS.WriteStream, "isTTY" | "columns" | "write">;

export interface LiveView {
  /** At a terminal: in place of the bars drawn before. In a pipe: nothing. */
  draw(bars: Bar[]): void;
  /** In a pipe: a line. At a terminal the bars say it. */
  tell(line: string): void;
  end(): void;
}

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const LEGEND = "  █ spent   ▒ held for calls under way   ░ left";

export function liveView(out: Terminal): LiveView {
  if (!out.isTTY || process.env.TERM === "dumb" || out.columns < MIN_COLUMNS) {
    return { draw: () => {}, tell: (line) => void out.write(`${line}\n`), end: () => {} };
  }
  let linesDrawn = 0;
  const showCursor = () => void out.write(SHOW_CURSOR);
  const interrupted = () => process.exit(130);
  out.write(HIDE_CURSOR);
  process.once("exit", showCursor);
  process.once("SIGINT", interrupted);
  return {
    draw(bars) {
      const lines = [...bars.map((bar) => barLine(bar, out.columns)), styleText("dim", LEGEND)];
      const toStart = linesDrawn === 0 ? "" : `\x1b[${linesDrawn}A\r\x1b[J`;
      out.write(toStart + lines.map((line) => `${line}\n`).join(""));
      linesDrawn = lines.length;
    },
    tell: () => {},
    end() {
      process.off("exit", showCursor);
      process.off("SIGINT", interrupted);
      showCursor();
    },
  };
}

const LABEL_COLUMNS = 18;
const FIGURE_COLUMNS = 23;
const NOTE_COLUMNS = 17;
const MAX_BAR_COLUMNS = 32;
const MIN_BAR_COLUMNS = 6;
const OTHER_COLUMNS = 5;
const MIN_COLUMNS = LABEL_COLUMNS + MIN_BAR_COLUMNS + FIGURE_COLUMNS + NOTE_COLUMNS + OTHER_COLUMNS;

function barLine({ budget, note, stopped }: Bar, columns: number): string {
  const room = columns - LABEL_COLUMNS - FIGURE_COLUMNS - NOTE_COLUMNS - OTHER_COLUMNS;
  const width = Math.max(MIN_BAR_COLUMNS, Math.min(MAX_BAR_COLUMNS, room));
  const cells = (usd: number) => Math.min(width, Math.round((usd / budget.limit) * width));
  const spent = cells(budget.spent);
  const taken = cells(budget.spent + budget.held);
  const gauge =
    styleText(stopped ? "red" : "green", "█".repeat(spent)) +
    styleText("yellow", "▒".repeat(taken - spent)) +
    styleText("dim", "░".repeat(width - taken));
  const held = budget.held > 0 ? ` + ${usd(budget.held)}` : "";
  const figures = `${usd(budget.spent)}${held} of ${usd(budget.limit)}`.padEnd(FIGURE_COLUMNS);
  return `  ${budget.scope.padEnd(LABEL_COLUMNS)}${gauge}  ${figures} ${styleText("dim", note)}`;
}

function usd(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
