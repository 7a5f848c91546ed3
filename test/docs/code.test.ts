/** The TypeScript of the pages is right by its types, as a user's compiler sees it. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type CodeBlock, codeBlocks, PAGES, ROOT } from "./pages.ts";

/** Files of `src/providers/` are whole modules there: `test/providers/adding/` runs them. */
const isOfThisRepository = ({ code }: CodeBlock) => code.includes('from "./');

const BLOCKS = PAGES.flatMap(codeBlocks).filter(
  (block) => block.language === "ts" && !isOfThisRepository(block),
);

/** Imports first, the rest in a function: `const` of one block is not another's, and a handler's `return` is right. */
function asModule({ code }: CodeBlock): string {
  const imports = /^import .*$/gm;
  return `${code.match(imports)?.join("\n") ?? ""}\nexport async function example() {\n${code.replaceAll(imports, "")}\n}\n`;
}

/** @returns what the compiler says of the blocks, each as a file. */
async function compiled(blocks: CodeBlock[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "agentlimit-docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  copyFileSync(join(ROOT, "test/docs/given.d.ts"), join(folder, "given.d.ts"));
  for (const [place, block] of blocks.entries()) {
    writeFileSync(join(folder, `${block.page.replaceAll("/", "-")}-${place + 1}.ts`), asModule(block));
  }
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, include: ["*.ts"], exclude: [] }),
  );
  return new Promise((resolve) => {
    execFile(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

it("Every block of TypeScript on the pages compiles", { timeout: 60_000 }, async () => {
  expect(BLOCKS.length).toBeGreaterThan(10);
  expect(await compiled(BLOCKS)).toBe("");
});

it("A block with a name that is not there does not", { timeout: 60_000 }, async () => {
  const code = 'new UsageMeter({ agentId: "a", monthlyBudget: 5 });';
  expect(await compiled([{ page: "README.md", language: "ts", code }])).toContain("monthlyBudget");
});
