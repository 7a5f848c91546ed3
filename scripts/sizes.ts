/** What a guarded edge function carries, minified and gzipped as its bundler would send it, part by part. */
import { relative, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

const METER = 'export { UsageMeter, BudgetExceededError } from "./src/index.ts";';

/**
 * The parts, in the order in which they are taken off. A part's size is what the whole shrinks by when it goes: code
 * compresses better beside its like, so a part alone would be larger, and only these differences add up to the whole.
 */
const PARTS = {
  client: /^node_modules\//,
  table: /^src\/pricing\/table\.ts$/,
  fetchAndProviders: /^src\/(metering|providers)\//,
  pricing: /^src\/pricing\//,
  scripts: /^src\/redis\/scripts\.ts$/,
};

type Part = keyof typeof PARTS;

/** Gzipped bytes. */
export interface Sizes {
  /** `UsageMeter` with all that it needs: what a function carries. */
  whole: number;
  /** Of it: what each part adds. `meter` is the rest: meter, ledger, errors and transport. */
  parts: Record<Part | "meter", number>;
  /** Without client, price table, metered fetch and providers: `reserve`, `settle`, `track` and `record`. */
  core: number;
  /** The core with metered fetch and all providers. */
  coreWithFetch: number;
}

/** Builds from the sources in the working folder. */
export async function measureSizes(): Promise<Sizes> {
  const names = Object.keys(PARTS) as Part[];
  const left = await Promise.all(
    Array.from({ length: names.length + 1 }, (_, taken) => gzippedBytes(names.slice(0, taken))),
  );
  const leftAfter = (taken: number) => left[taken] ?? Number.NaN;
  const parts = Object.fromEntries(
    names.map((name, place) => [name, leftAfter(place) - leftAfter(place + 1)]),
  );
  return {
    whole: leftAfter(0),
    parts: { ...(parts as Record<Part, number>), meter: leftAfter(names.length) },
    coreWithFetch: leftAfter(2),
    core: leftAfter(3),
  };
}

async function gzippedBytes(without: Part[]): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: METER, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    plugins: [leavingOut(without.map((part) => PARTS[part]))],
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}

/** What these patterns name stays an import of the bundle. */
function leavingOut(patterns: RegExp[]): Plugin {
  return {
    name: "leaving-out",
    setup({ onResolve, resolve: resolvePath }) {
      onResolve({ filter: /.*/ }, async ({ path, pluginData, ...from }) => {
        if (pluginData === LOOKED_UP || from.kind === "entry-point") return undefined;
        const found = await resolvePath(path, { ...from, pluginData: LOOKED_UP });
        const file = relative(process.cwd(), resolve(found.path)).replace(
          /^.*?node_modules\//,
          "node_modules/",
        );
        return patterns.some((pattern) => pattern.test(file)) ? { path, external: true } : found;
      });
    },
  };
}

const LOOKED_UP = Symbol("looked up");
