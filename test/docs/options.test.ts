/** `docs/options.md` has every option. */
import { describe, expect, it } from "vitest";
import { METER_OPTION_NAMES, SCOPE_OPTION_NAMES } from "../../src/meter/options.ts";
import type { CallOptions } from "../../src/node.ts";
import { PAGES } from "./pages.ts";

const CALL_OPTIONS: Record<keyof CallOptions, true> = { id: true, expiresInSeconds: true };

/** The first cell of each row of a section that names an option. */
function optionsUnder(heading: string): { name: string; isOfChild: boolean }[] {
  const page = PAGES.find(({ path }) => path === "docs/options.md")?.text ?? "";
  const section = page.split("\n## ").find((part) => part.startsWith(heading)) ?? "";
  return [...section.matchAll(/^\| `(\w+)`( \*)? \|/gm)].map(([, name = "", star]) => ({
    name,
    isOfChild: star !== undefined,
  }));
}

describe("docs/options.md", () => {
  it("has a row for every option of a meter", () => {
    const names = optionsUnder("Of a meter").map(({ name }) => name);
    expect(names.toSorted()).toEqual([...METER_OPTION_NAMES, "redisUrl"].toSorted());
  });

  it("marks those of a child", () => {
    const marked = optionsUnder("Of a meter").filter(({ isOfChild }) => isOfChild);
    expect(marked.map(({ name }) => name).toSorted()).toEqual([...SCOPE_OPTION_NAMES].toSorted());
  });

  it("has a row for every option of a call", () => {
    expect(optionsUnder("Of a call").map(({ name }) => name)).toEqual(Object.keys(CALL_OPTIONS));
  });
});
