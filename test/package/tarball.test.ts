/** The packed tarball in an empty folder, under the oldest Node that is supported and under the newest. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

const USES_ALL_ENTRIES = `
import { UsageMeter, memoryStore, BudgetExceededError, type UsageStats } from "agentlimit";
import { type LanguageModel, meterMiddleware } from "agentlimit/ai-sdk";
import { UsageMeter as NodeMeter } from "agentlimit/node";

const meter = new UsageMeter({ agentId: "types", store: memoryStore(), monthlyBudgetUsd: 1 });
const usage: UsageStats = await meter.getUsage();
const limit: number | null = usage.monthlyBudgetUsd;
await using node = new NodeMeter({ redisUrl: "redis://localhost:6379", agentId: "types" });
const denial: BudgetExceededError | undefined = BudgetExceededError.from(limit);
// @ts-expect-error: a budget is dollars, not a flag
new UsageMeter({ agentId: "types", store: memoryStore(), monthlyBudgetUsd: true });
declare const cheaper: LanguageModel;
const middleware = meterMiddleware(node, { fallback: cheaper });
// @ts-expect-error: a fallback is a model, not a name
meterMiddleware(meter, { fallback: "gpt-5-nano" });
export { denial, middleware, node };
`;

const TSCONFIG = {
  compilerOptions: {
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    strict: true,
    noEmit: true,
    types: [],
    // ioredis declares itself against Node's types, which an edge project does not have.
    skipLibCheck: true,
  },
  files: ["uses.ts"],
};

let folder = "";
let tarball = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agentlimit-pack-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  tarball = join(folder, packed?.filename ?? "");
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each([
  ["20", "node-20/package.json"],
  ["24", "node/package.json"],
])("The tarball under Node %s", (version, nodePackage) => {
  let project = "";
  let installerSaid = "";
  const nodeBin = join(dirname(require.resolve(nodePackage)), "bin");
  const env = { ...process.env, PATH: `${nodeBin}${delimiter}${process.env.PATH}`, NO_COLOR: "1" };
  const command = (file: string, args: string[]) => run(file, args, { cwd: project, env });

  beforeAll(async () => {
    project = await mkdtemp(join(folder, `node-${version}-`));
    await writeFile(join(project, "package.json"), JSON.stringify({ type: "module", private: true }));
    const install = ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball];
    installerSaid = (await command("npm", install)).stderr;
  }, 120_000);

  it("installs without a word about scripts", () => {
    expect(installerSaid).not.toContain("install-scripts");
  });

  it("runs under that Node", async () => {
    const { stdout } = await command("node", ["--version"]);
    expect(stdout).toMatch(new RegExp(`^v${version}\\.`));
  });

  it("meters, and shows what was spent by npx agentlimit status", async () => {
    const redisUrl = inject("redisUrl");
    const agent = `packed-${version}-${process.pid}`;
    const script = `
      import { UsageMeter } from "agentlimit/node";
      const meter = new UsageMeter({ redisUrl: ${JSON.stringify(redisUrl)}, agentId: "${agent}", monthlyBudgetUsd: 1 });
      await meter.record({ provider: "openai", model: "gpt-4o-mini", inputTokens: 1000, outputTokens: 500 });
      await meter.close();
    `;
    await writeFile(join(project, "spend.mjs"), script);
    await command("node", ["spend.mjs"]);
    const { stdout } = await command("npx", ["agentlimit", "status", "--agent", agent, "--redis", redisUrl]);
    expect(stdout).toContain(agent);
    expect(stdout).toContain("$0.00045");
    expect(stdout).toContain("OK");
  }, 30_000);

  it("lists the models that it can price", async () => {
    const { stdout } = await command("npx", ["agentlimit", "models"]);
    expect(stdout).toContain("gpt-4o-mini");
    expect(stdout).toContain("claude-sonnet-4-6");
  }, 30_000);

  it("has types for all entries", async () => {
    await writeFile(join(project, "uses.ts"), USES_ALL_ENTRIES);
    await writeFile(join(project, "tsconfig.json"), JSON.stringify(TSCONFIG));
    const compiler = join(root, "node_modules/.bin/tsc");
    await run(compiler, ["-p", project]);
  }, 60_000);
});
