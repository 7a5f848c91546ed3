import { describe, expect, it } from "vitest";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { openAiEmbeddings } from "../../src/providers/openai-embeddings.ts";
import type { UsageContext } from "../../src/providers/provider.ts";
import { boundOf } from "../support/bound-of.ts";

const url = new URL("https://api.openai.com/v1/embeddings");
const model = "text-embedding-3-small";
const request = (input: unknown) => ({ url, provider: "openai", body: { model, input } });
const held = (input: unknown) => {
  const { body, ...rest } = request(input);
  const price = createPriceBook().find("openai", model);
  return boundOf({ call: openAiEmbeddings.readCall({ ...rest, body }), body, price, serviceTier: undefined });
};

describe("A request for embeddings", () => {
  it("is bounded by its bytes, and has no output", () => {
    const bytes = JSON.stringify(request("Hi").body).length;
    expect(held("Hi").tokens).toBe(bytes + 1_024);
    expect(openAiEmbeddings.readCall(request("Hi")).output.limitTokens).toBe(0);
  });

  it("is bounded by the count of its tokens where it was counted beforehand", () => {
    const tokens = Array.from({ length: 3_000 }, (_, at) => 100_000 + at);
    const around = JSON.stringify(request("").body).length - 2 + 1_024;
    expect(held(tokens).tokens).toBe(around + 3_000);
    expect(held([tokens, tokens]).tokens).toBe(around + "[,]".length + 6_000);
  });

  it("may fill the model's window with each of its inputs", () => {
    const long = "a".repeat(40_000);
    expect(held(long).tokens).toBe(8_191);
    expect(held([long, long, long]).tokens).toBe(3 * 8_191);
    expect(held([{ content: [{ type: "image_url", image_url: { url: "https://a.b/c" } }] }]).tokens).toBe(
      8_191,
    );
    expect(held([]).tokens).toBeGreaterThan(1_000);
  });

  it.each(["deployments", "Deployments"])("goes to a deployment on Azure, under %s", (folder) => {
    const azure = new URL(
      `https://x.openai.azure.com/openai/${folder}/my-embed%201/embeddings?api-version=1`,
    );
    const body = { input: "Hi", model: "another" };
    expect(openAiEmbeddings.readCall({ url: azure, provider: "azure", body }).model).toBe("my-embed 1");
  });
});

describe("An answer with embeddings", () => {
  const plain: UsageContext = { cacheWrite: undefined, fast: false, regional: false };
  const data = [{ object: "embedding", index: 0, embedding: "AAAA" }];
  const tokens = (usage: unknown) =>
    openAiEmbeddings.readAnswer({ object: "list", model, data, usage }, plain)?.models[0].tokens;

  it("is recognised by its shape", () => {
    expect(openAiEmbeddings.isAnswer({ object: "list", data })).toBe(true);
    expect(openAiEmbeddings.isAnswer({ object: "list", data: [{ id: "file_1" }] })).toBe(false);
  });

  it.each([
    ["OpenAI's", { prompt_tokens: 8, total_tokens: 8 }],
    ["Mistral's", { prompt_tokens: 8, total_tokens: 8, completion_tokens: 0 }],
    ["Voyage's", { total_tokens: 8 }],
  ])("states its tokens in %s way", (_whose, usage) => {
    expect(tokens(usage)).toEqual({ inputTokens: 8, outputTokens: 0 });
  });

  it("has all that its total counts as input", () => {
    expect(tokens({ prompt_tokens: 8, total_tokens: 500 })).toEqual({ inputTokens: 500, outputTokens: 0 });
    expect(tokens({ prompt_tokens: 8, completion_tokens: 2 })).toEqual({ inputTokens: 10, outputTokens: 0 });
  });

  it("says nothing where usage is missing or malformed", () => {
    expect([tokens(undefined), tokens({}), tokens({ total_tokens: "8" })]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
