/** Builds dist/: the three entries and the command with esbuild, their types with tsc. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const { version, dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
  version: string;
  dependencies: Record<string, string>;
};

const packages = Object.keys(dependencies).flatMap((name) => [name, `${name}/*`]);

rmSync("dist", { recursive: true, force: true });
// The entries share their chunks: an error thrown by one is an instance of the other's class.
await build({
  entryPoints: { index: "src/index.ts", node: "src/node.ts", "ai-sdk": "src/ai-sdk.ts" },
  outdir: "dist",
  bundle: true,
  splitting: true,
  chunkNames: "chunk-[hash]",
  format: "esm",
  platform: "neutral",
  target: "es2022",
  external: [...packages, "node:*"],
});
await build({
  entryPoints: { cli: "src/cli/main.ts" },
  outdir: "dist",
  bundle: true,
  splitting: true,
  chunkNames: "cli/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node20",
  external: packages,
  banner: { js: "#!/usr/bin/env node" },
  define: { __AGENTLIMIT_VERSION__: JSON.stringify(version) },
});
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
namesAsUsersResolveThem("dist/types");

/** Declarations keep the sources' `.ts` imports; every compiler's users need `.js`. */
function namesAsUsersResolveThem(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    writeFileSync(path, readFileSync(path, "utf8").replace(/(from |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"'));
  }
}
