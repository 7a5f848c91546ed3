import { describe, expect, it } from "vitest";
import { builtInPrices, supportedModels } from "../../src/index.ts";
import { agentlimit, ONE_LINE } from "./command.ts";

describe("`models`", () => {
  it("lists every model with its prices in USD per million tokens, and their date", async () => {
    const { code, stdout, stderr } = await agentlimit(["models"]);
    expect(stdout).toMatch(/^PROVIDER +MODEL +INPUT +OUTPUT +CACHED /);
    expect(stdout).toMatch(/^openai +gpt-4o-mini +0\.15 +0\.60 +0\.075 +-$/m);
    expect(stdout).toMatch(/^anthropic +claude-haiku-4-5-20251001 +1\.00 +5\.00 +0\.10 +-$/m);
    expect(stdout).toMatch(/^openai +gpt-3\.5-turbo +0\.50 +1\.50 +- +-$/m);
    expect(stdout).toContain(`USD per million tokens, as of ${builtInPrices().asOf}`);
    const rows = stdout.split("\n\n")[0]?.split("\n").slice(1);
    expect(rows).toHaveLength(supportedModels().length);
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("prints as JSON what supportedModels() returns", async () => {
    const { code, stdout } = await agentlimit(["models", "--json"]);
    expect(JSON.parse(stdout)).toEqual(supportedModels());
    expect(code).toBe(0);
  });

  it("narrows to a provider, and shows a price per call only where there is one", async () => {
    const [anthropic, perplexity] = await Promise.all([
      agentlimit(["models", "--provider", "Anthropic", "--json"]),
      agentlimit(["models", "--provider", "perplexity"]),
    ]);
    expect(JSON.parse(anthropic.stdout)).toEqual(
      supportedModels().filter(({ provider }) => provider === "anthropic"),
    );
    expect(perplexity.stdout).toMatch(/PER CALL\n/);
    expect(perplexity.stdout).toMatch(/^perplexity +sonar +1\.00 +1\.00 +- +0\.012$/m);
  });

  it("refuses a provider without prices, with the nearest one", async () => {
    const { code, stdout, stderr } = await agentlimit(["models", "--provider", "antropic"]);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain("did you mean anthropic?");
    expect([code, stdout]).toEqual([2, ""]);
  });
});
