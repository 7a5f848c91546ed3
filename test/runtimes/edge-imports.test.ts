/** What an edge runtime is given: the library and its Redis client in one file, which asks for no module of Node's. */
import { builtinModules } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { ROOT } from "../examples/child-process.ts";

/** The modules of Node's that a file asks for, itself or through a package. */
async function nodeModulesOf(file: string, conditions: string[]): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [join(ROOT, file)],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    conditions,
    external: ["node:*", ...builtinModules],
    logLevel: "silent",
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return imports.map(({ path }) => path);
}

describe.each([
  { bundler: "Vercel's", conditions: ["edge-light", "worker"] },
  { bundler: "Cloudflare's", conditions: ["workerd", "worker"] },
  { bundler: "a browser's", conditions: [] },
])("Bundled under $bundler conditions", ({ conditions }) => {
  it("the library asks for no module of Node's", async () => {
    expect(await nodeModulesOf("src/index.ts", conditions)).toEqual([]);
  });

  it("the entry for Node does ask for some, so they are seen", async () => {
    expect(await nodeModulesOf("src/node.ts", conditions)).toEqual(expect.arrayContaining(["net", "tls"]));
  });
});
