import { describe, expect, it } from "vitest";
import { bar, percent } from "../../src/cli/output.ts";

describe("A percentage", () => {
  it("has one decimal and is rounded down, but never to nothing", () => {
    const shown = [0, 0.045, 0.1, (0.29 / 1) * 100, 79.99, 99.99, 100, 109.52].map(percent);
    expect(shown).toEqual(["0.0%", "<0.1%", "0.1%", "29.0%", "79.9%", "99.9%", "100.0%", "109.5%"]);
  });
});

describe("A bar", () => {
  it("shows what is spent, then what is held, of twenty cells", () => {
    expect(bar({ spent: 0, held: 0, limit: 10 })).toBe("░".repeat(20));
    expect(bar({ spent: 0.001, held: 0, limit: 10 })).toBe(`█${"░".repeat(19)}`);
    expect(bar({ spent: 5, held: 2.5, limit: 10 })).toBe(`${"█".repeat(10)}${"▒".repeat(5)}${"░".repeat(5)}`);
    expect(bar({ spent: 9.99, held: 0, limit: 10 })).toBe(`${"█".repeat(19)}░`);
    expect(bar({ spent: 0.1, held: 0.7, limit: 0.8 })).toBe(`${"█".repeat(2)}${"▒".repeat(18)}`);
    expect(bar({ spent: 25, held: 5, limit: 10 })).toBe("█".repeat(20));
  });
});
