/** What the pages point to is there. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { codeBlocks, PAGES, type Page, prose, ROOT } from "./pages.ts";

const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** As GitHub names the headings of a page. */
function anchors(page: Page): string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function isThere(page: Page, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page.path : join(dirname(page.path), path);
  if (!existsSync(join(ROOT, target))) return false;
  const linked = PAGES.find((each) => each.path === target);
  return anchor === undefined || (linked !== undefined && anchors(linked).includes(anchor));
}

describe.each(PAGES)("$path", (page) => {
  it("links to pages, headings and files that exist", () => {
    const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const own = links.filter((link) => !/^https?:/.test(link));
    expect(own.filter((link) => !isThere(page, link))).toEqual([]);
  });

  it("names files of this repository that exist", () => {
    const names = [
      ...page.text.matchAll(
        /(?<![\w./-])(?:src|test|docs|examples|scripts|bench|demo|chaos)\/[\w./-]*[\w/]/g,
      ),
    ];
    expect(names.map(([name]) => name).filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  it("names scripts that package.json has", () => {
    const commands = [...page.text.matchAll(/npm run\s+([\w:]+)/g)].map(([, name = ""]) => name);
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
  });
});

it("Every page of docs/ can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const path of reached) {
    const page = PAGES.find((each) => each.path === path);
    if (page === undefined) continue;
    for (const [, link = ""] of prose(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g))
      reached.add(join(dirname(path), link));
  }
  expect(
    PAGES.map(({ path }) => path).filter((path) => path.startsWith("docs/") && !reached.has(path)),
  ).toEqual([]);
});

it("No code block is left open", () => {
  for (const page of PAGES)
    expect(page.text.match(/^ *```/gm)?.length ?? 0).toBe(2 * codeBlocks(page).length);
});
