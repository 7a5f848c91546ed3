import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { type Bar, liveView, type Terminal } from "../../demo/bars.ts";

describe("the demo's bars", () => {
  it("stand in place at a terminal: each drawing goes back to the first line of the one before", () => {
    const { terminal, written } = fakeTerminal({ isTTY: true, columns: 80 });
    const view = liveView(terminal);
    view.draw([bar(), bar()]);
    view.draw([bar(), bar()]);
    view.tell("an event");
    view.end();

    expect(written.join("")).not.toContain("an event");
    expect(written.filter((text) => text.includes("\x1b[3A\r\x1b[J"))).toHaveLength(1);
    expect(written.at(0)).toBe("\x1b[?25l");
    expect(written.at(-1)).toBe("\x1b[?25h");
  });

  it("show what is spent, held and left, never wider than the terminal", () => {
    for (const columns of [70, 80, 200]) {
      const { terminal, written } = fakeTerminal({ isTTY: true, columns });
      const view = liveView(terminal);
      view.draw([bar({ spent: 0.5, held: 0.25, limit: 1, scope: "agent:support-bot" }, "stopped: team cap")]);
      view.end();
      const [line = ""] = stripVTControlCharacters(written[1] ?? "").split("\n");
      const cells = (symbol: string) => line.split(symbol).length - 1;
      const width = cells("█") + cells("▒") + cells("░");
      expect(Math.abs(cells("█") - width / 2)).toBeLessThan(1);
      expect(Math.abs(cells("▒") - width / 4)).toBeLessThan(1);
      expect(line).toContain("$0.50 + $0.25 of $1.00");
      expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  it.each([
    ["a pipe", { isTTY: false, columns: 80 }],
    ["a terminal too narrow for them", { isTTY: true, columns: 40 }],
  ])("give way to plain lines in %s", (_where, size) => {
    const { terminal, written } = fakeTerminal(size);
    const view = liveView(terminal);
    view.draw([bar()]);
    view.tell("an event");
    view.end();
    expect(written).toEqual(["an event\n"]);
  });
});

function fakeTerminal(size: { isTTY: boolean; columns: number }) {
  const written: string[] = [];
  const terminal: Terminal = {
    ...size,
    write: (text: Uint8Array | string) => {
      written.push(String(text));
      return true;
    },
  };
  return { terminal, written };
}

function bar(amounts: Partial<Bar["budget"]> = {}, note = "3 calls"): Bar {
  return {
    budget: {
      scope: "agent:coder",
      window: "total",
      metric: "usd",
      limit: 1,
      spent: 0.5,
      held: 0,
      remaining: 0.5,
      percent: 50,
      resetsAt: null,
      soft: false,
      source: "code",
      ...amounts,
    },
    note,
    stopped: false,
  };
}
