/** The pages that people read, and what a test needs of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Page {
  /** From the root of the project. */
  path: string;
  text: string;
}

const docs = readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`);

export const PAGES: Page[] = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "examples/README.md",
  ...docs,
].map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));

export interface CodeBlock {
  page: string;
  language: string;
  code: string;
}

export function codeBlocks({ path, text }: Page): CodeBlock[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map(([, , language = "", code = ""]) => ({
    page: path,
    language,
    code,
  }));
}

/** The page without its code. */
export function prose({ text }: Page): string {
  return text.replaceAll(/^( *)```[\s\S]*?^ *```$/gm, "");
}
