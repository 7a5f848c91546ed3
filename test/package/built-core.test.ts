/** What the built entries bring in: the core runs wherever `fetch` does. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const dist = (file: string) => fileURLToPath(new URL(`../../dist/${file}`, import.meta.url));

/** Everything that a built file imports and that is not itself, through all of its chunks. */
async function packagesOf(file: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [dist(file)],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    packages: "external",
    external: ["node:*"],
    platform: "neutral",
  });
  const outputs = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  return [...new Set(outputs.filter(({ external }) => external).map(({ path }) => path))].sort();
}

describe("The built package", () => {
  it("imports nothing but @upstash/redis in its core, and no node: module", async () => {
    expect(await packagesOf("index.js")).toEqual(["@upstash/redis/cloudflare"]);
  });

  it("adds only a TCP client in the entry for Node", async () => {
    const added = (await packagesOf("node.js")).filter((name) => !name.startsWith("node:"));
    expect(added).toEqual(["@upstash/redis/cloudflare", "ioredis"]);
  });

  it("imports nothing at all in the entry for the AI SDK, whose models it takes as they are", async () => {
    expect(await packagesOf("ai-sdk.js")).toEqual([]);
  });

  it("knows the meters of the other entries in the entry for the AI SDK", async () => {
    const [core, node, aiSdk] = await Promise.all([
      import(dist("index.js")),
      import(dist("node.js")),
      import(dist("ai-sdk.js")),
    ]);
    for (const { UsageMeter, memoryStore } of [core, node]) {
      const meter = new UsageMeter({ agentId: "any", store: memoryStore() });
      expect(aiSdk.meterMiddleware(meter).wrapStream).toBeTypeOf("function");
    }
  });

  it("gives both entries the same classes", async () => {
    const [core, node] = await Promise.all([import(dist("index.js")), import(dist("node.js"))]);
    expect(node.BudgetExceededError).toBe(core.BudgetExceededError);
    expect(node.UsageMeter.prototype).toBeInstanceOf(core.UsageMeter);
  });

  it("starts its command with a line that finds node", () => {
    expect(readFileSync(dist("cli.js"), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
