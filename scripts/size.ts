/** Prints what a guarded edge function carries: minified and gzipped, as its bundler would send it. */
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const METER = 'export { UsageMeter, BudgetExceededError } from "./src/index.ts";';
const TABLE = 'export * from "./src/pricing/table.ts";';

async function gzippedBytes(contents: string, external: string[]): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    external,
  });
  return outputFiles.reduce((sum, { contents: bytes }) => sum + gzipSync(bytes, { level: 9 }).length, 0);
}

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

const [withClient, alone, table] = await Promise.all([
  gzippedBytes(METER, []),
  gzippedBytes(METER, ["@upstash/redis*"]),
  gzippedBytes(TABLE, []),
]);
console.log("minified and gzipped:");
console.log(`${kilobytes(withClient)}  the meter with everything it needs`);
console.log(`${kilobytes(withClient - alone)}  of it: @upstash/redis`);
console.log(`${kilobytes(table)}  of it: the prices of all models`);
